"""Grants while processes are killed outright: what was acknowledged is counted, and the caps hold."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from riskapi import policy
from riskapi.app import Service as Parts
from riskapi.app import assemble
from riskapi.budgets.budgets import Budgets
from riskapi.budgets.grant_records import LocalGrant
from riskapi.errors import Problem, StoreUnavailable
from riskapi.sending.outage import LocalGrants
from riskapi.settings import Settings
from riskapi.store.embedded import Embedded
from riskapi.store.journal import Journal
from tests.conftest import BOOTSTRAP_KEY, NOW, Service
from tests.grants import ask, opened, view
from tests.signups import body
from tests.store_servers import await_true
from tests.waiting import await_text

Serve = Callable[..., Service]
WORKERS, THREADS = 2, 8
#: Enough to be in the middle of it when something is killed, and to be used up soon afterwards.
CAP = 900


def write_policy(folder: Path, **outage: int) -> Path:
    """The shipped policy with a larger first cap, without steps and rules, and another allowance of a worker."""
    text = policy.DEFAULT.read_text()
    text = re.sub(r"\[\[tiers\.allow\.steps\]\]\n(\w+ = .*\n)+", "", text).partition("[[rules]]")[0]
    text = re.sub(r"(\[tiers\.allow\]\n)hourly = .*\ndaily = .*\n", rf"\1hourly = {CAP}\ndaily = {CAP}\n", text)
    for name, value in outage.items():
        text = re.sub(rf"(\[outage\](\n\w.*)*\n){name} = .*", rf"\g<1>{name} = {value}", text)
    file = folder / "policy.toml"
    file.write_text(text)
    assert policy.load(file).tiers.allow.hourly == CAP
    return file


class Senders:
    """Threads that send until they are told to end; what fails is sent again under the same ``Idempotency-Key``."""

    def __init__(self, service: Service) -> None:
        self.service, self._ended = service, threading.Event()
        self._news, self._failed = threading.Condition(), False
        self.granted: dict[str, dict[str, Any]] = {}
        self.statuses: set[int] = set()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(THREADS)]

    def __enter__(self) -> Senders:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    @property
    def total(self) -> int:
        return sum(answer["granted"] for answer in self.granted.values())

    def wait(self, what: Callable[[], object], seconds: float = 90.0) -> None:
        """Until ``what`` holds; it is looked at after every answer."""
        with self._news:
            assert self._news.wait_for(what, seconds), (self.total, self.statuses, self.service.errors.read_text())

    def _run(self, number: int) -> None:
        sent = 0
        while not self._ended.is_set():
            sent += 1
            key = f"{number}-{sent}"
            answer = self._send(key, 1 + sent % 3)
            with self._news:
                self.granted[key] = answer
                self._news.notify_all()

    def _send(self, key: str, recipients: int) -> dict[str, Any]:
        """The answer, however often it has to be asked for."""
        headers = {
            "Authorization": f"Bearer {BOOTSTRAP_KEY}",
            "Content-Type": "application/json",
            "Idempotency-Key": key,
        }
        while True:
            with (
                contextlib.suppress(OSError, http.client.HTTPException),
                contextlib.closing(http.client.HTTPConnection(*self.service.address, timeout=10)) as connection,
            ):
                connection.request("POST", "/v1/accounts/u_1/sends", json.dumps({"recipients": recipients}), headers)
                answer = connection.getresponse()
                found: dict[str, Any] = json.loads(answer.read())
                self.statuses.add(answer.status)
                if answer.status == 200:
                    return found


def kill_worker(service: Service) -> None:
    before = service.workers()
    assert len(before) == WORKERS
    os.kill(before[0], signal.SIGKILL)
    await_true(lambda: len(service.workers()) == WORKERS and before[0] not in service.workers())


def kill_store(service: Service) -> None:
    pid = Embedded(service.data_dir).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


@pytest.fixture
def start(serve: Serve, tmp_path: Path) -> Callable[..., Service]:
    """``start(recipients=0)``: the service with two workers, a store that loses nothing, and an account."""

    def started(**outage: int) -> Service:
        service = serve(
            RISKAPI_WORKERS=str(WORKERS),
            RISKAPI_STORE_FSYNC="always",
            RISKAPI_MODEL_MODE="off",
            RISKAPI_POLICY_FILE=str(write_policy(tmp_path, **outage)),
        )
        signup = json.loads(body("u_1").model_dump_json(exclude_none=True))
        status, answer = service.request("POST", "/v1/signups", signup)
        assert (status, answer["limits"]["hourly"]) == (200, CAP)
        return service

    return started


def left(service: Service) -> int:
    """What the account has left of its month."""
    status, account = service.request("GET", "/v1/accounts/u_1")
    assert status == 200
    return int(account["limits"]["monthly"] - account["limits"]["remaining"]["monthly"])


@pytest.mark.slow
def test_the_cap_is_reached_and_never_passed_whatever_is_killed(start: Callable[..., Service]) -> None:
    service = start(recipients=0)
    with Senders(service) as senders:
        senders.wait(lambda: senders.total > CAP * 0.2)
        kill_worker(service)
        senders.wait(lambda: senders.total > CAP * 0.4)
        kill_store(service)
        await_text(service.errors, "embedded_store_ended")
        senders.wait(lambda: senders.total > CAP * 0.6)
        kill_worker(service)
        kill_store(service)
        senders.wait(lambda: senders.total >= CAP)
        senders.wait(lambda: sum(answer["granted"] == 0 for answer in senders.granted.values()) > 20)
    assert senders.total == CAP
    assert left(service) == CAP
    said = service.errors.read_text()
    assert senders.statuses <= {200, 503}, [line for line in said.splitlines() if '"error"' in line]
    assert "Traceback" not in said


@pytest.mark.slow
def test_what_is_granted_while_the_store_is_away_is_settled_and_within_the_allowance(
    start: Callable[..., Service],
) -> None:
    service = start()
    rules = policy.load(policy.DEFAULT).outage
    with Senders(service) as senders:
        senders.wait(lambda: senders.total > CAP * 0.2)
        kill_store(service)
        senders.wait(lambda: any(answer["tier"] == rules.tier for answer in senders.granted.values()))
        kill_worker(service)
        # Nothing may be granted for a while before the cap is reached, too: what an outage allows is little.
        senders.wait(lambda: senders.total >= CAP)
        senders.wait(lambda: sum(answer["granted"] == 0 for answer in senders.granted.values()) > 20)
    local = [answer for answer in senders.granted.values() if answer["tier"] == rules.tier]
    assert 0 < sum(answer["granted"] for answer in local) <= rules.hourly
    assert CAP <= senders.total <= CAP + rules.hourly
    journal = service.data_dir / "journal" / "sends"
    await_true(lambda: not list(journal.glob("*.journal")))
    assert not (journal / "rejected").exists()
    assert left(service) == senders.total
    said = service.errors.read_text()
    assert senders.statuses <= {200, 503}, [line for line in said.splitlines() if '"error"' in line]
    assert "Traceback" not in said


@pytest.mark.parametrize("left_over", [0, 4, 200], ids=["nothing", "less", "as much"])
def test_a_grant_nobody_heard_of_makes_room_for_the_one_that_was_answered(
    service: Parts,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    left_over: int,
) -> None:
    """The store grants, is killed before it says so, and the worker grants from its allowance."""
    user = opened(service, "u1")
    other = assemble(replace(settings, model_mode="off"), service.store, service.parts.clock)
    ask(other, user, 200 - left_over)  # the worker did not hear how little is left: another one granted it
    execute, run = service.store.execute, service.store.run

    def unheard(*words: Any) -> Any:
        execute(*words)
        raise StoreUnavailable("away")

    monkeypatch.setattr(service.store, "execute", unheard)
    answered = ask(service, user, 9, repeat="k", digest="d")
    assert (answered["granted"], answered["tier"]) == (9, "review")
    monkeypatch.setattr(service.store, "execute", execute)
    monkeypatch.setattr(service.store, "run", run)
    with contextlib.closing(Journal(settings.data_dir / "journal" / "sends", 1)) as journal:
        entries = journal.elsewhere()
    budgets = Budgets(service.store)
    service.parts.grants.record()
    for entry in (*entries, *entries):  # whoever settles may be killed before it takes the entry off the journal
        budgets.record(LocalGrant(**entry), service.active.policy)
        assert view(service, user)["limits"]["remaining"]["monthly"] == 5000 - (200 - left_over) - 9
    again = ask(service, user, 9, NOW + 1, repeat="k", digest="d")
    assert (again["reservation_id"], again["granted"]) == (answered["reservation_id"], 9)
    assert service.parts.grants.release(answered["reservation_id"], 4, NOW)["remaining"]["monthly"] == 4795 + left_over
    for entry in entries:
        budgets.record(LocalGrant(**entry), service.active.policy)
    assert service.parts.grants.release(answered["reservation_id"], 5, NOW)["remaining"]["monthly"] == 4800 + left_over


class TestAskedAgain:
    """A worker writes down what it grants and is killed before it says so. The caller asks again once the store is back
    and before anybody has recorded it: what was told is counted, once.
    """

    def unheard(self, service: Parts, settings: Settings, outage: Callable[[bool], None], user: str) -> LocalGrant:
        outage(True)
        assert ask(service, user, 9, repeat="k", digest="d")["granted"] == 9
        with contextlib.closing(Journal(settings.data_dir / "journal" / "sends", 1)) as journal:
            [entry] = journal.elsewhere()
        outage(False)
        return LocalGrant(**entry)

    @pytest.mark.parametrize("left", [200, 9, 4, 0])
    def test_on_the_same_machine_the_answer_is_that_grant(
        self, service: Parts, settings: Settings, outage: Callable[[bool], None], left: int
    ) -> None:
        user = opened(service, "u1")
        other = assemble(replace(settings, model_mode="off"), service.store, service.parts.clock)
        local = self.unheard(service, settings, outage, user)
        spent = ask(other, user, 200 - left)["granted"]
        again = ask(other, user, 9, NOW + 1, repeat="k", digest="d")
        assert (again["reservation_id"], again["granted"]) == (local.reservation_id, 9)
        with pytest.raises(Problem, match="Use a new Idempotency-Key"):
            ask(other, user, 8, NOW + 1, repeat="k", digest="another")
        service.parts.grants.record()
        assert view(service, user)["limits"]["remaining"]["monthly"] == 5000 - spent - 9
        assert ask(other, user, 9, NOW + 2, repeat="k", digest="d")["reservation_id"] == local.reservation_id

    @pytest.mark.parametrize("left", [200, 9, 4, 0])
    def test_on_another_machine_the_larger_of_both_counts(
        self, service: Parts, settings: Settings, outage: Callable[[bool], None], tmp_path: Path, left: int
    ) -> None:
        user = opened(service, "u1")
        other = assemble(replace(settings, model_mode="off"), service.store, service.parts.clock)
        other.parts.grants._local = LocalGrants(Journal(tmp_path / "sends", 100_000), Budgets(service.store))
        local = self.unheard(service, settings, outage, user)
        assert ask(other, user, 200 - left)["granted"] == 200 - left
        again = ask(other, user, 9, NOW + 1, repeat="k", digest="d")
        assert again["granted"] == min(9, left)
        for _ in range(2):
            Budgets(service.store).record(local, service.active.policy)
            assert view(service, user)["limits"]["remaining"]["monthly"] == 5000 - (200 - left) - 9
        assert ask(other, user, 9, NOW + 2, repeat="k", digest="d") == again
