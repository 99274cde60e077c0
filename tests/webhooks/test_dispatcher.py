"""The dispatcher, against real servers on loopback that answer well, badly, slowly and not at all."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from riskapi.errors import StoreUnavailable
from riskapi.metrics import Metrics
from riskapi.store.connections import Store
from riskapi.webhooks import dispatcher as dispatchers
from riskapi.webhooks.deliveries import Deliveries, Delivery, DeliveryOutcome
from riskapi.webhooks.dispatcher import Dispatcher, WebhookClient
from riskapi.webhooks.endpoints import Endpoint, LookUp, Webhooks, guards
from tests.conftest import NOW, ROOT
from tests.receivers import PEM, Receiver, receiver
from tests.waiting import until

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLwSwMfKQ9r8GKYq="
BODY = json.dumps({"type": "test", "timestamp": "2026-11-22T10:00:00.000Z", "data": {"name": "Zoë"}}).encode()
#: Seconds for what comes, on a machine that is busy.
PATIENCE = 60.0
INSIDE = ("127.0.0.0/8", "localhost")
#: A dispatcher in a process of its own, whose leases are short.
_ANOTHER = """
import sys, threading, time
from riskapi.webhooks import dispatcher
from riskapi.webhooks.deliveries import Deliveries
from riskapi.metrics import Metrics
from riskapi.settings import Settings
from riskapi.store.connections import open_store
from riskapi.webhooks.endpoints import Webhooks, guards
dispatcher.LEASE = 1.5
allowed, store = guards(("127.0.0.0/8",)), open_store(Settings.load({"RISKAPI_DATA_DIR": sys.argv[1]}))
post = lambda: dispatcher.WebhookClient(allowed)
dispatcher.Dispatcher(Webhooks(store, allowed), Deliveries(store), post, Metrics(), time.time).run(threading.Event())
"""


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


def looked_up(*answers: Sequence[str]) -> LookUp:
    """A resolver that gives these answers in turn, the last one for ever."""
    left = list(answers)

    async def look_up(host: str) -> list[str]:
        return list(left.pop(0) if len(left) > 1 else left[0])

    return look_up


def endpoint(url: str, id: str = "whk_1", secrets: Sequence[str] = (SECRET,), until: float = 0.0) -> Endpoint:
    return Endpoint(id, url, ["tier.changed"], list(secrets), NOW, "test", until)


def post(
    url: str,
    internal: Sequence[str] = INSIDE,
    *,
    to: Endpoint | None = None,
    now: float = NOW,
    look_up: LookUp | None = None,
    trust: bool = False,
    patience: float = PATIENCE,
) -> DeliveryOutcome:
    """Post one delivery and say what became of it."""
    made = guards(internal) if look_up is None else guards(internal, look_up)
    tls = ssl.create_default_context(cafile=str(PEM)) if trust else None

    async def run() -> DeliveryOutcome:
        async with WebhookClient(made, tls, patience=patience) as poster:
            delivery = Delivery("msg_1", "whk_1", "test", BODY, 0, now, now + 30)
            return await poster.deliver(delivery, to or endpoint(url), now)

    return asyncio.run(run())


class TestSignatures:
    def test_signatures_verify_as_the_specification_says(self, server: Receiver) -> None:
        now = time.time()
        assert post(server.url("/status/200"), now=now) == DeliveryOutcome(200)
        ((_, told, body),) = server.seen
        assert Webhook(SECRET).verify(body, told)["data"] == {"name": "Zoë"}
        assert (told["webhook-id"], told["webhook-timestamp"]) == ("msg_1", str(int(now)))
        assert told["content-type"] == "application/json"
        assert told["host"] == server.url("").removeprefix("http://")

    def test_signatures_of_another_secret_or_body_do_not_hold(self, server: Receiver) -> None:
        post(server.url("/status/200"), now=time.time())
        ((_, told, body),) = server.seen
        for secret, content in (("whsec_" + "A" * 44, body), (SECRET, body + b" ")):
            with pytest.raises(WebhookVerificationError):
                Webhook(secret).verify(content, told)

    def test_signatures_are_by_the_old_secret_too_until_the_overlap_ends(self, server: Receiver) -> None:
        now, new = time.time(), "whsec_" + "QUJD" * 11
        url = server.url("/status/200")
        post(url, to=endpoint(url, secrets=(new, SECRET), until=now + 60), now=now)
        post(url, to=endpoint(url, secrets=(new, SECRET), until=now - 60), now=now)
        (_, during, body), (_, after, _) = server.seen
        assert during["webhook-signature"].count("v1,") == 2
        assert during["webhook-signature"].count(" ") == 1
        for secret in (new, SECRET):
            Webhook(secret).verify(body, during)
        Webhook(new).verify(body, after)
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(body, after)


class TestAnswers:
    @pytest.mark.parametrize(
        ("path", "expected"),
        [
            ("/status/200", DeliveryOutcome(200)),
            ("/status/204", DeliveryOutcome(204)),
            ("/status/299", DeliveryOutcome(299)),
            ("/status/300", DeliveryOutcome(300, "status")),
            ("/status/404", DeliveryOutcome(404, "status")),
            ("/status/500", DeliveryOutcome(500, "status")),
            ("/status/410", DeliveryOutcome(410, "status", gone=True)),
            ("/later", DeliveryOutcome(503, "status", retry_after=7.0)),
            ("/large", DeliveryOutcome(200)),
            ("/hang", DeliveryOutcome(None, "timeout")),
            ("/drip", DeliveryOutcome(None, "timeout")),
            ("/close", DeliveryOutcome(None, "broken")),
            ("/broken", DeliveryOutcome(None, "broken")),
        ],
    )
    def test_answers_count_as_the_specification_says(
        self, server: Receiver, path: str, expected: DeliveryOutcome
    ) -> None:
        silent = expected.error == "timeout"
        assert post(server.url(path), patience=0.3 if silent else PATIENCE) == expected

    def test_redirects_are_not_followed(self, server: Receiver) -> None:
        assert post(server.url("/moved")) == DeliveryOutcome(302, "status")
        assert [path for path, _, _ in server.seen] == ["/moved"]

    def test_a_body_that_drips_takes_nothing_from_the_status(
        self, server: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # However long it takes: the time for the whole request is over before that for the body.
        monkeypatch.setattr(dispatchers, "_ANSWER_SECONDS", 4.0)
        assert post(server.url("/endless"), patience=3.0) == DeliveryOutcome(200)

    def test_of_a_body_without_end_only_a_little_is_read(
        self, server: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(dispatchers, "_ANSWER_SECONDS", 3600.0)  # so that only what was read can end it
        assert post(server.url("/flood")) == DeliveryOutcome(200)

    def test_nobody_listens(self, free_port: int) -> None:
        assert post(f"http://127.0.0.1:{free_port}/") == DeliveryOutcome(None, "connect")


class TestConnections:
    def test_connections_go_to_loopback_only_where_it_was_named(self, server: Receiver) -> None:
        for scheme in ("http", "https"):
            assert post(server.url("/status/200", scheme=scheme), internal=()) == DeliveryOutcome(None, "refused")
        assert server.seen == []

    def test_a_name_that_moved_inside_since_it_was_registered_is_refused(self, server: Receiver, store: Store) -> None:
        look_up = looked_up(["93.184.215.14"], ["127.0.0.1"])
        url = server.url("/status/200", host="hooks.ruiz.example", scheme="https")
        webhooks = Webhooks(store, guards((), look_up))
        assert webhooks.create(url, ["tier.changed"], "ana", NOW)["url"] == url
        assert post(url, internal=(), look_up=look_up) == DeliveryOutcome(None, "refused")
        assert server.seen == []

    def test_a_name_with_one_address_inside_is_refused(self, server: Receiver) -> None:
        url = server.url("/status/200", host="hooks.ruiz.example", scheme="https")
        assert post(url, (), look_up=looked_up(["93.184.215.14", "127.0.0.1"])) == DeliveryOutcome(None, "refused")

    def test_plain_http_leaves_for_nowhere_that_was_not_named(self, server: Receiver) -> None:
        url = server.url("/status/200", host="hooks.ruiz.example")
        assert post(url, ("10.0.0.0/8",), look_up=looked_up(["93.184.215.14"])) == DeliveryOutcome(None, "refused")
        assert post(url, ("hooks.ruiz.example",), look_up=looked_up(["127.0.0.1"])) == DeliveryOutcome(200)

    def test_certificates_are_checked_against_the_name(self) -> None:
        with receiver(tls=True) as server:
            good, other = (server.url("/status/200", host, "https") for host in ("localhost", "127.0.0.1"))
            assert post(good, trust=True) == DeliveryOutcome(200)
            assert post(good) == DeliveryOutcome(None, "tls")  # nobody we know signed it
            assert post(other, trust=True) == DeliveryOutcome(None, "tls")
            assert len(server.seen) == 1


class Running:
    """A dispatcher at work on the store, and what it delivers for."""

    def __init__(self, store: Store, server: Receiver, patience: float = PATIENCE) -> None:
        self.webhooks, self.deliveries = Webhooks(store, guards(INSIDE)), Deliveries(store)
        self.metrics, self.server, self.stop = Metrics(), server, threading.Event()
        self.dispatcher = Dispatcher(
            self.webhooks,
            self.deliveries,
            lambda: WebhookClient(guards(INSIDE), None, patience),
            self.metrics,
            time.time,
        )
        self.thread = threading.Thread(target=self.dispatcher.run, args=(self.stop,))

    def endpoint(self, path: str) -> str:
        made: str = self.webhooks.create(self.server.url(path), ["tier.changed"], "ana", time.time())["id"]
        return made

    def enqueue(self, endpoint_id: str, count: int = 1, ago: float = 0.0) -> None:
        for number in range(count):
            self.deliveries.enqueue(f"{number}-0", endpoint_id, "tier.changed", BODY, time.time() - ago)

    def wait_for(self, endpoint_id: str, status: str, count: int = 1) -> None:
        until(lambda: len(self.deliveries.page(endpoint_id, status, 200)["deliveries"]) == count, PATIENCE)  # type: ignore[arg-type]

    def end(self) -> None:
        self.stop.set()
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()

    def wait_until_counted(self, result: str) -> None:
        """It is counted a moment after it is written down."""
        until(lambda: f'riskapi_webhooks_total{{result="{result}"}}' in self.metrics.render().decode(), PATIENCE)


@pytest.fixture
def running(store: Store, server: Receiver) -> Iterator[Running]:
    made = Running(store, server)
    made.thread.start()
    yield made
    server.released.set()
    made.end()


class TestWork:
    def test_what_is_queued_arrives_once(self, running: Running) -> None:
        to = running.endpoint("/status/200")
        running.enqueue(to, 50)
        running.wait_for(to, "delivered", 50)
        ids = [told["webhook-id"] for _, told, _ in running.server.seen]
        assert (len(ids), len(set(ids))) == (50, 50)
        running.wait_until_counted("delivered")

    def test_what_failed_is_tried_again_under_the_same_id_and_signed_anew(
        self, store: Store, server: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("riskapi.webhooks.deliveries.DELAYS", (0.01,))
        running = Running(store, server)
        running.thread.start()
        to = running.endpoint("/flaky")
        running.enqueue(to)
        running.wait_for(to, "delivered")
        (_, first, _), (_, second, body) = server.wait_for(2)
        assert first["webhook-id"] == second["webhook-id"]
        secret = running.webhooks.endpoints()[0].secrets[0]
        Webhook(secret).verify(body, second)
        running.end()
        running.wait_until_counted("retried")

    def test_a_delivery_is_dead_after_the_last_try_and_can_be_sent_anew(self, running: Running) -> None:
        to = running.endpoint("/flaky")
        running.enqueue(to, ago=86400.0)
        running.wait_for(to, "dead")
        running.wait_until_counted("dead")
        assert running.deliveries.redeliver_dead(to, time.time()) == 1
        running.wait_for(to, "delivered")

    def test_410_disables_the_endpoint(self, running: Running) -> None:
        to = running.endpoint("/status/410")
        running.enqueue(to)
        running.wait_for(to, "dead")
        assert running.webhooks.get(to)["disabled_reason"] == "gone"

    def test_a_410_that_comes_late_leaves_the_reason_for_which_somebody_disabled_it(self, running: Running) -> None:
        to = running.endpoint("/gone")
        running.enqueue(to)
        running.server.wait_for(1, "/gone")
        running.webhooks.disable(to, "person")
        running.server.released.set()
        running.wait_for(to, "dead")
        found = running.webhooks.get(to)
        assert (found["enabled"], found["disabled_reason"]) == (False, "person")

    def test_what_waits_for_a_disabled_endpoint_waits_until_it_is_enabled(self, running: Running) -> None:
        off, good, other = (running.endpoint(f"/status/{status}") for status in (200, 204, 204))
        running.webhooks.disable(off, "gone")
        running.enqueue(other)  # the look that began before ends with it
        running.wait_for(other, "delivered")
        running.enqueue(off)
        running.enqueue(good, 5)
        running.wait_for(good, "delivered", 5)
        assert {path for path, _, _ in running.server.seen} == {"/status/204"}
        running.webhooks.enable(off)
        running.wait_for(off, "delivered")

    def test_an_endpoint_that_hangs_keeps_nobody_waiting(self, running: Running) -> None:
        slow, good = running.endpoint("/hang"), running.endpoint("/status/200")
        running.enqueue(slow, 40)
        running.server.wait_for(dispatchers.CONCURRENT_EACH, "/hang")
        running.enqueue(good, 20)
        running.wait_for(good, "delivered", 20)
        assert len(running.server.wait_for(1, "/hang")) == dispatchers.CONCURRENT_EACH

    def test_a_deleted_endpoint_is_left_alone(self, running: Running) -> None:
        gone, good = running.endpoint("/status/200"), running.endpoint("/status/204")
        running.webhooks.delete(gone)
        running.enqueue(gone)
        running.enqueue(good)
        running.wait_for(good, "delivered")
        assert [path for path, _, _ in running.server.seen] == ["/status/204"]

    def test_what_is_in_hand_is_finished_before_it_stops(
        self, store: Store, server: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(dispatchers, "_PARTING", PATIENCE)
        running = Running(store, server)
        running.thread.start()
        to = running.endpoint("/hang")
        running.enqueue(to)
        server.wait_for(1)
        running.stop.set()
        threading.Timer(0.5, server.released.set).start()  # by then it has heard that it is to stop
        running.end()
        assert running.deliveries.page(to, "pending", 10)["deliveries"][0]["last_error"] == "broken"

    def test_what_a_killed_dispatcher_had_in_hand_arrives_by_another(
        self, store: Store, server: Receiver, data_dir: Path
    ) -> None:
        running = Running(store, server)
        to = running.endpoint("/stalls")
        running.enqueue(to)
        other = subprocess.Popen([sys.executable, "-c", _ANOTHER, str(data_dir)], cwd=ROOT)
        try:
            server.wait_for(1)
        finally:
            other.kill()
            other.wait()
        running.thread.start()
        running.wait_for(to, "delivered")
        (_, first, _), (_, second, _) = server.seen
        assert first["webhook-id"] == second["webhook-id"]
        running.end()

    def test_a_store_that_goes_away_ends_nothing(
        self, running: Running, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(dispatchers, "_AWAY", 0.05)
        to, asked = running.endpoint("/status/200"), threading.Event()

        def away() -> list[Endpoint]:
            asked.set()
            raise StoreUnavailable("away")

        with monkeypatch.context() as patch:
            patch.setattr(running.webhooks, "endpoints", away)
            assert asked.wait(PATIENCE)
        running.enqueue(to)
        running.wait_for(to, "delivered")

    def test_several_dispatchers_send_nothing_twice(self, store: Store, server: Receiver) -> None:
        several = [Running(store, server) for _ in range(3)]
        to = several[0].endpoint("/status/200")
        several[0].enqueue(to, 60)
        with contextlib.ExitStack() as stack:
            for each in several:
                each.thread.start()
                stack.callback(each.end)
            several[0].wait_for(to, "delivered", 60)
        assert len(server.seen) == 60
