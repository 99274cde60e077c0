"""The worker, with real upstreams on loopback: what it does in time, shares, takes over, and leaves undone never."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import orjson
import pytest
from pydantic import SecretStr

from riskapi.app import Service, assemble
from riskapi.commands.worker import work
from riskapi.enrichment.enricher import Enricher
from riskapi.enrichment.lookups import asking as upstreams_of
from riskapi.errors import StoreUnavailable
from riskapi.settings import Settings
from riskapi.store import consumer
from riskapi.store.connections import Store, open_store
from riskapi.store.consumer import Consumer, Group, backlog
from riskapi.store.embedded import Embedded, socket_path
from riskapi.store.heartbeats import working
from riskapi.store.streams import stream
from riskapi.worker.schedule import Schedule
from riskapi.worker.worker import SeenClock, Worker
from tests.bench.counters import counters
from tests.commanding import Command
from tests.conftest import BOOTSTRAP_KEY, NOW, ROOT, Clock
from tests.conftest import Service as Served
from tests.signups import body, home, post
from tests.streams import told
from tests.upstreams.dns_server import DnsServer
from tests.upstreams.rdap_server import RdapServer
from tests.waiting import until
from tests.worker.conftest import LINK_KEY, environment

Serve = Callable[..., Served]


@pytest.fixture(scope="module")
def dns_of_module() -> Iterator[DnsServer]:
    with DnsServer() as server:
        yield server


@pytest.fixture(scope="module")
def rdap_of_module() -> Iterator[RdapServer]:
    with RdapServer() as server:
        server.domain("*.example")
        server.network("203.0.113.0/24", organization="Example Hosting GmbH")
        yield server


@pytest.fixture
def dns(dns_of_module: DnsServer) -> DnsServer:
    """A resolver that knows a domain without mail and one with; it is asked by nobody else."""
    dns_of_module.forget()
    dns_of_module.set("nullmx.example", {"MX": ["0 ."]})
    dns_of_module.set("good.example", {"MX": ["10 mx.good.example"], "TXT": ["v=spf1 mx -all"]})
    dns_of_module.set("mx.good.example", {"A": ["192.0.2.25"]})
    return dns_of_module


@pytest.fixture
def rdap(rdap_of_module: RdapServer) -> RdapServer:
    rdap_of_module.forget()
    return rdap_of_module


@pytest.fixture
def worker(begin: Callable[[], Worker]) -> Worker:
    """A worker at work in this process."""
    return begin()


def view(service: Service, user: str = "u_1") -> Any:
    found = service.parts.profiles.view(user, time.time())
    return found


def at(domain: str, user: str = "u_1", **parts: Any) -> Any:
    return body(user, email={"address": f"{user}@{domain}"}, **parts)


def test_a_domain_without_mail_in_a_hosting_network_is_decided_again_when_that_is_known(
    service: Service, worker: Worker, dns: DnsServer, rdap: RdapServer
) -> None:
    assert post(service, at("nullmx.example"), time.time())["decision"] == "allow"
    dns.wait_until_asked("nullmx.example", 60, "MX")
    rdap.wait_until_asked("/ip/203.0.113.9", 60)
    until(lambda: view(service)["tier"] == "review")
    until(lambda: view(service)["readings"]["network_is_hosting"] is not None)
    account = view(service)
    assert "MAIL_DOMAIN_TAKES_NONE" in [reason["code"] for reason in account["latest"]["reasons"]]
    readings = account["readings"]
    assert (readings["domain_takes_no_mail"], readings["network_is_hosting"]) == (True, True)
    assert readings["network_registrant"] == "Example Hosting GmbH"
    assert [row["to"] for row in account["history"]] == ["allow", "review"]
    assert account["history"][-1]["cause"].startswith("finding.")


def test_a_good_domain_stays_allowed_and_what_was_said_is_told(
    service: Service, worker: Worker, dns: DnsServer
) -> None:
    post(service, at("good.example"), time.time())
    until(lambda: not [row for row in view(service)["latest"]["degraded"] if row["cause"] == "pending"])
    account = view(service)
    assert (account["tier"], len(account["history"])) == ("allow", 1)
    assert (account["readings"]["domain_exists"], account["readings"]["domain_spf"]) == (True, "fail")


def test_a_resolver_that_is_dead_holds_up_nobody_and_is_asked_again_when_it_is_back(
    service: Service, worker: Worker, dns: DnsServer
) -> None:
    dns.behave(".", "dead")
    assert post(service, at("nullmx.example"), time.time())["decision"] == "allow"
    until(lambda: view(service)["readings"]["network_is_hosting"])  # the registry is another upstream
    dns.forget()
    until(lambda: view(service)["tier"] == "review")


def test_an_event_leads_to_the_same_line(service: Service, worker: Worker, dns: DnsServer) -> None:
    """What the answer to the event could not do, because the store went away, is done by the worker."""
    post(service, at("good.example"), time.time())
    until(lambda: view(service)["readings"]["domain_exists"])
    before = len(told(service.store, "decision"))
    entry = {"id": "evt_1", "user_id": "u_1", "type": "login", "at": time.time()}
    service.store.execute("HSET", "risk:a:{%d}:u_1" % _shard("u_1"), "n:login", 1, "f:login", 1.0, "l:login", 1.0)  # noqa: UP031
    service.store.execute("XADD", stream(_shard("u_1")), "*", "type", "event", "data", orjson.dumps(entry))
    until(lambda: len(told(service.store, "decision")) > before)
    assert view(service)["readings"]["events_logins"] == 1


def _shard(user: str) -> int:
    from riskapi.store.streams import shard

    return shard(user)


def test_a_label_is_felt_by_those_who_are_linked(service: Service, worker: Worker) -> None:
    """One of a ring turns out to be abusive: the others are decided again, and back when it was a mistake."""
    card = {"fingerprint": "card-1"}
    for user, device, payment in (("u_1", "dev-1", card), ("u_2", "dev-1", None), ("u_3", "dev-3", card)):
        parts = {"device": {"ip_address": home(user), "id": device}, "payment": payment}
        post(service, at("good.example", user, **parts), time.time())
    service.parts.labels.add("u_1", "abuse", "external", None, "ana", time.time())
    until(lambda: {view(service, user)["tier"] for user in ("u_2", "u_3")} == {"limit"})
    rows = [view(service, user)["history"][-1] for user in ("u_2", "u_3")]
    assert [(row["cause"], row["reason"]) for row in rows] == [
        ("linkage", "abusive_device"),
        ("linkage", "abusive_payment"),
    ]
    service.parts.labels.add("u_1", "legitimate", "external", None, "ana", time.time())
    until(lambda: {view(service, user)["tier"] for user in ("u_2", "u_3")} == {"allow"})


def test_an_entry_of_a_list_is_felt_by_those_it_names_and_its_hits_are_counted(
    service: Service, worker: Worker
) -> None:
    lists = service.parts.lists
    for user in ("u_1", "u_2"):
        post(service, at("good.example", user), time.time())
    draft = lists.draft(
        "deny",
        "email_domain",
        "good.example",
        expires_at=None,
        reason=None,
        author="ana",
        silences_feedback=False,
        now=time.time(),
    )
    entry = lists.put(draft, time.time()).entry
    until(lambda: {view(service, user)["tier"] for user in ("u_1", "u_2")} == {"limit"})
    until(lambda: (found := lists.load(entry.id)) is not None and found.hits == 2)
    lists.remove("deny", entry.id, "ana", time.time())
    until(lambda: {view(service, user)["tier"] for user in ("u_1", "u_2")} == {"allow"})


def test_what_changed_a_tier_is_told_and_not_what_led_to_the_look(service: Service, worker: Worker) -> None:
    """The domain is looked up at the same moment as the ring comes to light: the ring did it."""
    device = {"ip_address": "203.0.113.9", "id": "dev-1"}
    post(service, at("good.example", "u_1", device=device), time.time())
    post(service, at("good.example", "u_2", device=device), time.time())
    service.parts.labels.add("u_1", "abuse", "external", None, "ana", time.time())
    service.rescorer.again("u_2", "finding.mail_domain", time.time())
    assert view(service, "u_2")["history"][-1]["cause"] == "linkage"


@pytest.fixture
def processes(asking: Settings, dns: DnsServer, rdap: RdapServer, embedded_store: Embedded) -> Iterator[Any]:
    """``processes(4)`` starts real workers on the store of this test process."""
    started: list[subprocess.Popen[bytes]] = []
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("RISKAPI_", "REDIS_"))}
    ours = {
        **inherited,
        **environment(dns, rdap),
        "RISKAPI_DATA_DIR": str(asking.data_dir),
        "RISKAPI_MODEL_MODE": "off",
        "REDIS_URL": f"unix://{embedded_store.socket}",
    }

    def start(count: int) -> list[subprocess.Popen[bytes]]:
        command = [sys.executable, "-m", "riskapi", "worker"]
        made = [subprocess.Popen(command, cwd=ROOT, env=ours, stderr=subprocess.DEVNULL) for _ in range(count)]
        started.extend(made)
        return made

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()


@pytest.mark.slow
def test_a_thousand_signups_of_one_domain_are_one_look_up_with_four_workers(
    service: Service, store: Store, processes: Any, dns: DnsServer, rdap: RdapServer
) -> None:
    workers = processes(4)
    until(lambda: len(working(store, time.time())) == 4, 60)
    for number in range(1000):
        device = {"ip_address": f"203.0.113.{number % 250 + 1}"}
        post(service, at("nullmx.example", f"u_{number}", device=device), time.time())
    until(lambda: len(told(store, "tier")) == 1000 or _late(service), 60, pause=0.5)
    tiers = [view(service, f"u_{number}")["tier"] for number in range(1000)]
    assert tiers == ["review"] * 1000
    assert dns.count("nullmx.example", "MX") == 1
    assert rdap.count("/domain/nullmx.example") == 1
    assert sum(path.startswith("/ip/203.0.113.") for path in rdap.asked) == 1
    until(lambda: backlog(store, "reactions") == (0, 0))
    for process in workers:
        process.send_signal(signal.SIGTERM)
    assert [process.wait(60) for process in workers] == [0] * 4


def _late(service: Service) -> bool:
    """Whether all are decided, those included that signed up when the answer was there already."""
    return all(view(service, f"u_{number}")["tier"] == "review" for number in range(0, 1000, 37)) and (
        backlog(service.store, "reactions") == (0, 0)
    )


@pytest.mark.slow
def test_workers_that_are_killed_lose_nothing_and_change_nothing_twice(
    service: Service, store: Store, processes: Any, dns: DnsServer
) -> None:
    count = 150
    for number in range(count):
        dns.set(f"d{number}.example", {"MX": ["0 ."]})
    victims = processes(2)
    until(lambda: len(working(store, time.time())) >= 2, 60)
    for number in range(count):
        post(service, at(f"d{number}.example", f"u_{number}"), time.time())
        if number in (40, 90, 140):
            victims.pop(0).kill()
            victims += processes(1)
    heir = processes(1)
    until(lambda: all(view(service, f"u_{number}")["tier"] == "review" for number in range(count)), 120)
    changes = told(store, "tier")
    assert sorted(change["user_id"] for change in changes) == sorted(f"u_{number}" for number in range(count))
    for number in range(count):
        assert [row["to"] for row in view(service, f"u_{number}")["history"]] == ["allow", "review"]
    assert heir


class Killed(BaseException):
    """The worker is gone: nothing in it is run any more."""


class Steps:
    """Takes the steps of a worker one after another, and kills it at one of its trips to the store."""

    def __init__(self, service: Service, asking: Settings, clock: Clock) -> None:
        self.service = service
        self.worker = Worker(service, asking)
        self.worker.reactions._clock = clock
        upstreams = upstreams_of(asking, service.parts.ratelimits, lambda: service.active_readers.readers.lists)
        self.enricher = Enricher(service.findings, service.active, upstreams, service.parts.metrics, clock)
        self.schedule = Schedule(self.worker.agenda, service.rescorer, clock)
        self._run, self._execute = service.store.run, service.store.execute
        self.trips, self.kill_at, self.before = 0, 0, False

    def arm(self, monkeypatch: pytest.MonkeyPatch, trip: int, before: bool) -> None:
        """Die at the trip of this number, ``before`` it reaches the store or after."""
        self.trips, self.kill_at, self.before = 0, trip, before
        monkeypatch.setattr(self.service.store, "run", self._through(self._run))
        monkeypatch.setattr(self.service.store, "execute", self._through(self._execute))

    def _through(self, trip: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any) -> Any:
            self.trips += 1
            mine = self.trips
            if mine == self.kill_at and self.before:
                raise Killed
            try:
                return trip(*args)
            finally:  # whatever the store said to it
                if mine == self.kill_at:
                    raise Killed

        return counted

    def once(self, name: str) -> int:
        """One round of everything a worker does; how much there was to do."""
        self.worker.name = name
        readers = self.worker.readers(idle=1, tries=1000)
        return sum(
            (
                *(reader.step() for reader in readers),
                self.enricher.step(),
                self.schedule.step(),
                self.worker.large_clusters.step(),
            )
        )


@pytest.mark.parametrize("before", [True, False], ids=["before the trip", "after the trip"])
def test_a_worker_killed_at_any_step_is_followed_by_one_that_finishes_its_work(
    store: Store,
    asking: Settings,
    ip_data: Any,
    dns: DnsServer,
    monkeypatch: pytest.MonkeyPatch,
    before: bool,
) -> None:
    """Every trip to the store is a step at which it can end; killed at each, one after the other, all the same."""
    clock = Clock(NOW)
    asking = replace(asking, webhook_internal=("127.0.0.1",))
    service = assemble(asking, store, clock)
    steps = Steps(service, asking, clock)
    hooks, deliveries = service.parts.webhooks, service.parts.deliveries
    trip = 0
    while True:
        trip += 1
        store.execute("FLUSHALL")
        service.recover(NOW)
        hook = hooks.create("http://127.0.0.1:9/", ["tier.changed", "review.opened"], "ana", NOW)["id"]
        post(service, at("nullmx.example", device=None), clock.now)
        steps.arm(monkeypatch, trip, before)
        survived = True
        try:
            while steps.once("victim"):
                pass
        except Killed:
            survived = False
        steps.arm(monkeypatch, 0, before)
        quiet = 0
        while quiet < 2:
            clock.advance(61)  # what it had taken is free by then
            time.sleep(0.002)  # which the store counts by its own clock
            quiet = 0 if steps.once("heir") else quiet + 1
        account = service.parts.profiles.view("u_1", clock.now)
        where = f"killed {'before' if before else 'after'} trip {trip}"
        assert account["tier"] == "review", where
        assert [row["to"] for row in account["history"]] == ["allow", "review"], where
        assert len(told(store, "tier")) == 1, where
        assert len(service.parts.reviews.list("open", 50, None)["reviews"]) == 1, where
        due = deliveries.page(hook, "pending", 50)["deliveries"]
        assert sorted(row["type"] for row in due) == ["review.opened", "tier.changed"], where
        assert backlog(store, "reactions") == backlog(store, "notices") == (0, 0), where
        if survived:
            break
    assert trip > 20, "it was killed at every trip there is"


def test_signups_that_come_together_are_read_looked_up_and_acknowledged_together(
    service: Service, asking: Settings, dns: DnsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker with nothing else to do asks the store for few things for each signup (aim: 15)."""
    monkeypatch.setattr(consumer, "_LOOK", 3_600_000)  # not again in this test, however slow the machine is
    count, made = 40, Worker(service, asking)
    readers = list(made.readers())
    for reader in readers:
        reader.step()  # which looks for what others left unfinished
    for number in range(count):
        post(service, at("gmail.com", f"u_{number}", device=None), time.time())
    before = counters(service.store)
    taken = [reader.step() for reader in readers]
    taken += [made.schedule.step(), *map(len, service.findings.due(time.time()).values())]
    calls = (counters(service.store) - before).calls.total() - 1  # the INFO that tells
    assert taken == [count, count, 0, 0, 0, 0]
    assert all(backlog(service.store, group) == (0, 0) for group in get_args(Group))
    # Two readings and their acknowledgements for each of nine streams, what waits for accounts, and who is due.
    assert calls <= 2 * (1 + 9) + 1 + 1 + 3 * 8


def test_groups_are_made_by_the_reader_that_misses_them_and_by_nobody_each_second(
    service: Service, asking: Settings
) -> None:
    service.store.execute("FLUSHALL")
    made = Worker(service, asking)

    def groups_asked_for() -> int:
        before = counters(service.store)
        service.recover(time.time())  # as each process does each second
        for reader in made.readers():
            reader.step()
        return (counters(service.store) - before).calls["xgroup|create"]

    first = groups_asked_for()
    assert first >= 2 * len(consumer.STREAMS) + 1
    assert groups_asked_for() == 0


def test_a_worker_that_is_told_to_stop_finishes_what_it_has_in_hand(
    service: Service, asking: Settings, dns: DnsServer
) -> None:
    dns.behave("nullmx.example", "slow", seconds=0.5)
    stop = threading.Event()
    ended: list[int] = []
    thread = threading.Thread(target=lambda: ended.append(work(asking, service.store, stop)))
    thread.start()
    until(lambda: working(service.store, time.time()))
    post(service, at("nullmx.example"), time.time())
    dns.wait_until_asked("nullmx.example", 60)
    stop.set()
    thread.join(60)
    assert ended == [0]
    assert service.findings.waiting() <= 2
    stored = service.store.execute("KEYS", "risk:k:*")
    assert len(stored) >= 1, "the answer it waited for was kept"


def test_a_worker_that_starts_while_the_store_is_away_waits_for_it(
    asking: Settings, ip_data: Any, tmp_path: Path
) -> None:
    away = replace(asking, redis_url=SecretStr(f"unix://{socket_path(tmp_path)}"))
    stop = threading.Event()
    ended: list[int] = []
    with contextlib.closing(open_store(away)) as store:
        thread = threading.Thread(target=lambda: ended.append(work(away, store, stop)))
        thread.start()
        until(lambda: store._circuit._until)  # it has asked, in vain
        with Embedded(tmp_path):
            until(lambda: _working(store), 60)
            stop.set()
            thread.join(60)
    assert ended == [0]


def _working(store: Store) -> dict[str, float]:
    with contextlib.suppress(StoreUnavailable):
        return working(store, time.time())
    return {}


def test_the_service_runs_a_worker_and_starts_another_when_it_is_killed(
    serve: Serve, dns: DnsServer, rdap: RdapServer
) -> None:
    service = serve(RISKAPI_SERVE_WORKER="on", **environment(dns, rdap))
    store = open_store(Settings.load({"RISKAPI_DATA_DIR": str(service.data_dir)}))
    name = next(iter(until(lambda: working(store, time.time()), 60)))
    signup = {
        "account": {"user_id": "u_1"},
        "email": {"address": "ana@nullmx.example"},
        "device": {"ip_address": "203.0.113.9"},
    }
    assert service.request("POST", "/v1/signups", signup)[1]["decision"] in ("allow", "review")
    until(lambda: service.request("GET", "/v1/accounts/u_1")[1]["tier"] == "review")
    os.kill(int(name.split(":")[1]), signal.SIGKILL)
    until(lambda: [each for each in working(store, time.time()) if each != name], 60)
    assert '"event":"worker_ended"' in service.errors.read_text()
    until(lambda: backlog(store, "reactions") == (0, 0))
    status = subprocess.run(
        [sys.executable, "-m", "riskapi", "worker", "status"],
        cwd=ROOT,
        env={**os.environ, "RISKAPI_DATA_DIR": str(service.data_dir), "RISKAPI_LINK_KEY": LINK_KEY},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "reactions\t" in status.stdout and "dead\t0" in status.stdout, status.stdout + status.stderr
    doctor = subprocess.run(
        [sys.executable, "-m", "riskapi", "doctor"],
        cwd=ROOT,
        env={**os.environ, "RISKAPI_DATA_DIR": str(service.data_dir), "RISKAPI_LINK_KEY": LINK_KEY},
        capture_output=True,
        text=True,
        check=False,
    )
    assert re.search(r"workers: [12]; 0 unread for reactions", doctor.stdout), doctor.stdout
    store.close()
    assert service.stop() == 0
    assert "Traceback" not in service.errors.read_text()


def test_a_service_whose_callers_set_the_clock_has_a_worker_that_follows_it() -> None:
    from riskapi.store.streams import StreamEntry

    passed = 5.0
    clock = SeenClock(lambda: passed)
    assert (clock(), clock.passed()) == (0.0, 0.0)
    for when in (NOW, NOW - 100, "2026-11-22T10:00:00Z", None):
        clock.saw(StreamEntry("s", "1-0", "decision", {"at": when}))
    assert (clock(), clock.passed()) == (NOW, NOW)
    passed = 8.0
    clock.saw(StreamEntry("s", "1-1", "decision", {"at": NOW}))
    assert (clock(), clock.passed()) == (NOW, NOW + 3)
    passed = 800.0
    assert (clock(), clock.passed()) == (NOW, NOW + 120)  # it does not run away while nothing happens
    clock.saw(StreamEntry("s", "1-2", "decision", {"at": NOW + 60}))
    assert (clock(), clock.passed()) == (NOW + 60, NOW + 60)


def test_all_whom_an_entry_names_are_decided_again_though_nothing_more_happens(serve: Serve) -> None:
    """Callers set the clock, and stop: those who wait for their turn are not left behind."""
    service = serve(RISKAPI_SERVE_WORKER="on", RISKAPI_REPLAY="on")

    def ask(method: str, path: str, body: object = None, at: str = "10:00:00") -> Any:
        return service.request(method, path, body, **{"X-Replay-Time": f"2026-01-05T{at}Z"})[1]

    names = ("ana", "ben", "eva")
    for name in names:
        signup = {"account": {"user_id": f"u_{name}"}, "email": {"address": f"{name}@ruiz.example"}}
        assert ask("POST", "/v1/signups", signup)["decision"] == "allow"
    ask("POST", "/v1/lists/deny", {"kind": "email_domain", "value": "ruiz.example"}, at="10:01:00")

    def tiers() -> set[str]:
        return {ask("GET", f"/v1/accounts/u_{name}", at="10:01:30")["tier"] for name in names}

    until(lambda: tiers() == {"limit"})
    times = {ask("GET", f"/v1/accounts/u_{name}", at="10:01:30")["history"][-1]["at"] for name in names}
    assert times <= {f"2026-01-05T10:01:00.0{number}Z" for number in ("00", "10", "20")}  # when they were due


def test_simulated_months_are_looked_back_on_as_they_go_by(serve: Serve) -> None:
    """A deny entry ends an hour after the signup; what happens two hours after it has the account looked at."""
    service = serve(RISKAPI_SERVE_WORKER="on", RISKAPI_REPLAY="on")

    def ask(method: str, path: str, body: object = None, hours: int = 0) -> Any:
        return service.request(method, path, body, **{"X-Replay-Time": f"2026-01-05T{10 + hours}:00:00Z"})[1]

    entry = {"kind": "user", "value": "u_1", "expires_at": "2026-01-05T10:30:00Z"}
    assert ask("POST", "/v1/lists/deny", entry)["list"] == "deny"
    signup = {"account": {"user_id": "u_1"}, "email": {"address": "ana@ruiz.example"}}
    assert ask("POST", "/v1/signups", signup)["decision"] == "limit"
    later = {"account": {"user_id": "u_2"}, "email": {"address": "ben@fabrik.example"}}
    ask("POST", "/v1/signups", later, hours=2)
    until(lambda: ask("GET", "/v1/accounts/u_1", hours=2)["tier"] == "allow")
    row = ask("GET", "/v1/accounts/u_1", hours=2)["history"][-1]
    assert (row["at"], row["from"]) == ("2026-01-05T12:00:00.000Z", "limit")


def test_chores_are_done_once_whoever_finds_them_and_may_be_done_again(service: Service, worker: Worker) -> None:
    until(lambda: service.store.execute("EXISTS", "risk:chore:accounts"))  # the last that the other one does
    names = {"streams", "lists", "platform", "tallies", "reviews", "erasures", "restricted", "accounts"}
    assert set(worker.chores.all(time.time())) == names
    assert worker.chores.all(time.time()) == dict.fromkeys(names, 0)
    assert worker.chores.step(time.time()) == 0


def test_dead_letters_are_listed_replayed_and_dropped_by_command(
    service: Service, asking: Settings, store: Store, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RISKAPI_LINK_KEY", LINK_KEY)
    store.execute("XADD", stream("0"), "*", "type", "decision", "data", json.dumps({"broken": True}))
    made = Worker(service, asking)
    reader = Consumer(store, "reactions", "one", made.handlers()["reactions"], idle=1, tries=1)
    until(lambda: (reader.step(), consumer.DeadLetters(store).count())[1])

    def run(*words: str) -> tuple[int, str]:
        done = command("worker", *words)
        return done.code, done.out

    code, shown = run("dead")
    assert code == 0 and "\treactions\tdecision\t1 tries\tbuiltins.KeyError at " in shown
    name = shown.split("\t")[0]
    assert run("replay", name) == (1, "0 handled, 1 not\n")
    assert run("replay")[0] == 2
    assert run("drop", "0:1-1") == (1, "0 dropped, 1 not\n")
    assert run("drop", "--all") == (0, "1 dropped, 0 not\n")
    assert run("dead") == (0, "")
    code, shown = run("clean")
    assert code == 0 and "streams\t0" in shown


def test_what_serve_needs_is_in_its_settings(settings: Settings, tmp_path: Path) -> None:
    assert replace(settings, enrichment=False).enrichment is False
    assert BOOTSTRAP_KEY
