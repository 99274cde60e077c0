"""The receivers of webhooks in docs/examples, run as they stand, against the real service and a real signer."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.conftest import Service, serving
from tests.examples import programs
from tests.ports import free_port
from tests.waiting import until

PROGRAMS = programs("webhook")
#: The example of the specification.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"type":"test","timestamp":"2026-11-22T10:00:00Z","data":{}}'


class Receiver:
    """A program that listens at ``port`` until it is stopped."""

    def __init__(self, program: list[str], directory: Path, port: int, secret: str = SECRET) -> None:
        self.inbox, self._output, self._said = directory / "inbox", directory / "out", directory / "err"
        self.port = port
        environment = {**os.environ, "WEBHOOK_SECRET": secret, "LISTEN": f"127.0.0.1:{port}"}
        with self._output.open("a") as out, self._said.open("w") as err:
            self._process = subprocess.Popen([*program, str(self.inbox)], stdout=out, stderr=err, env=environment)
        until(lambda: "listens on" in self._said.read_text() or self._process.poll() is not None)
        assert self._process.poll() is None, self._said.read_text()

    def handled(self) -> list[Any]:
        """Every event that was handled, in order; also by a program before on the same directory."""
        return [json.loads(line) for line in self._output.read_text().split("\n")[:-1]]

    def post(self, body: bytes, headers: dict[str, str]) -> int:
        """The status of the answer."""
        with contextlib.closing(HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request("POST", "/", body, headers)
            return connection.getresponse().status

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(30)


Start = Callable[..., Receiver]


@pytest.fixture
def receive(tmp_path: Path, free_port: int) -> Iterator[Start]:
    """``receive(program)`` starts a receiver; all of a test share port, inbox and output."""
    started: list[Receiver] = []

    def start(program: list[str], secret: str = SECRET) -> Receiver:
        started.append(Receiver(program, tmp_path, free_port, secret))
        return started[-1]

    yield start
    for each in started:
        each.stop()


def signed(name: str, body: bytes = BODY, at: float | None = None, secret: str = SECRET) -> dict[str, str]:
    """The headers of a request that riskapi signed."""
    when = datetime.fromtimestamp(time.time() if at is None else at, UTC)
    signature = Webhook(secret).sign(name, when, body.decode())
    return {"webhook-id": name, "webhook-timestamp": str(int(when.timestamp())), "webhook-signature": signature}


@pytest.mark.parametrize("program", PROGRAMS)
def test_an_event_is_handled_once_however_often_it_comes(program: list[str], receive: Start) -> None:
    receiver = receive(program)
    assert [receiver.post(BODY, signed("msg_1")) for _ in range(3)] == [204] * 3
    assert receiver.post(BODY, signed("msg_2")) == 204
    until(lambda: (receiver.inbox / "msg_2.done").exists())
    assert receiver.handled() == [json.loads(BODY)] * 2
    receiver.stop()
    again = receive(program)
    assert [again.post(BODY, signed(name)) for name in ("msg_1", "msg_3")] == [204] * 2
    until(lambda: (again.inbox / "msg_3.done").exists())
    assert len(again.handled()) == 3


@pytest.mark.parametrize("program", PROGRAMS)
def test_an_event_that_was_kept_and_not_handled_is_handled_at_the_next_start(
    program: list[str], receive: Start, tmp_path: Path
) -> None:
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox/msg_9.json").write_bytes(BODY)
    receiver = receive(program)
    until(lambda: (receiver.inbox / "msg_9.done").exists())
    assert receiver.handled() == [json.loads(BODY)]


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_secret_before_a_rotation_still_signs(program: list[str], receive: Start) -> None:
    new = signed("msg_1", secret="whsec_QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB")
    both = {**new, "webhook-signature": f"{new['webhook-signature']} {signed('msg_1')['webhook-signature']}"}
    receiver = receive(program)
    assert receiver.post(BODY, new) == 401
    assert receiver.post(BODY, both) == 204


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_riskapi_did_not_sign_is_refused(program: list[str], receive: Start) -> None:
    good, now = signed("msg_1"), time.time()
    other = signed("msg_1", secret="whsec_QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB")
    wrong: dict[str, tuple[bytes, dict[str, str]]] = {
        "another secret": (BODY, other),
        "another body": (BODY.replace(b"test", b"tier"), good),
        "another id": (BODY, {**good, "webhook-id": "msg_2"}),
        "another time": (BODY, {**good, "webhook-timestamp": str(int(good["webhook-timestamp"]) + 1)}),
        "another version": (BODY, {**good, "webhook-signature": good["webhook-signature"].replace("v1,", "v2,")}),
        "six minutes old": (BODY, signed("msg_1", at=now - 360)),
        "six minutes ahead": (BODY, signed("msg_1", at=now + 360)),
        "a path as its id": (BODY, signed("../msg_1")),
        "a time that is none": (BODY, {**good, "webhook-timestamp": "soon"}),
        "a signature beyond ASCII": (BODY, {**good, "webhook-signature": "v1,ÿ"}),
        "nothing": (BODY, {}),
    }
    for missing in good:
        wrong[f"no {missing}"] = (BODY, {name: value for name, value in good.items() if name != missing})
    receiver = receive(program)
    assert {why: receiver.post(*request) for why, request in wrong.items()} == dict.fromkeys(wrong, 401)
    assert receiver.post(b"", {**good, "Content-Length": "2000000"}) == 413
    assert list(receiver.inbox.iterdir()) == []


@pytest.fixture(scope="module")
def telling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The real service, whose worker tells receivers on loopback."""
    with serving(tmp_path_factory.mktemp("telling"), free_port()) as start:
        yield start(RISKAPI_SERVE_WORKER="on", RISKAPI_WEBHOOK_INTERNAL="127.0.0.1")


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS)
def test_what_the_service_tells_arrives(program: list[str], telling: Service, tmp_path: Path) -> None:
    service, port = telling, free_port()
    user = f"u{port}"  # of no other program
    webhook = {"url": f"http://127.0.0.1:{port}/riskapi", "events": ["tier.changed"]}
    status, made = service.request("POST", "/v1/webhooks", webhook)
    assert status == 201, made
    directory = tmp_path / "receiver"
    directory.mkdir()
    receiver = Receiver(program, directory, port, made["secret"])
    try:
        signup = {"account": {"user_id": user}, "email": {"address": f"ana@{user}.example"}}
        assert service.request("POST", "/v1/signups", signup)[0] == 200
        label = {"label": "abuse", "source": "manual_review"}
        assert service.request("POST", f"/v1/accounts/{user}/labels", label)[1]["tier"] == "limit"
        (event,) = until(receiver.handled)
        assert event["type"] == "tier.changed"
        assert (event["data"]["user_id"], event["data"]["to"]) == (user, "limit")
        path = f"/v1/webhooks/{made['id']}/deliveries"
        (delivery,) = until(lambda: service.request("GET", f"{path}?status=delivered")[1]["deliveries"])
        assert service.request("POST", f"{path}/{delivery['id']}/redeliver")[0] == 202
        assert service.request("POST", f"/v1/webhooks/{made['id']}/test")[0] == 202
        until(lambda: len(receiver.handled()) > 1)
        assert [each["type"] for each in receiver.handled()] == ["tier.changed", "test"]
    finally:
        service.request("DELETE", f"/v1/webhooks/{made['id']}")
        receiver.stop()
