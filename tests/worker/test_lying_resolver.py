"""The worker beside a resolver that lies: nobody is convicted, operators are told, and what it said is taken back."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from riskapi.app import Service
from riskapi.commands import doctor
from riskapi.enrichment.doubts import GONE, Doubts, doubted
from riskapi.enrichment.sources import Part, doubtful
from riskapi.metrics import Metrics
from riskapi.settings import Settings
from riskapi.store.connections import Store
from riskapi.worker.worker import Worker
from tests.conftest import BOOTSTRAP_KEY, NOW, Clock
from tests.conftest import Service as Served
from tests.logged import Lines
from tests.signups import body, post
from tests.upstreams import KNOWN, DnsServer, RdapServer
from tests.waiting import until

LARGEST = ("gmail.com", "outlook.com", "yahoo.com", "qq.com")
OURS: dict[str, dict[str, list[str]]] = {
    "firm.example": {"MX": ["10 mx.firm.example"], "TXT": ["v=spf1 mx -all"]},
    "_dmarc.firm.example": {"TXT": ["v=DMARC1; p=none"]},
}


@pytest.fixture
def dns() -> Iterator[DnsServer]:
    with DnsServer({**KNOWN, **OURS}) as server:
        yield server


@pytest.fixture(scope="module")
def rdap() -> Iterator[RdapServer]:
    with RdapServer() as server:
        server.domain("*.example")
        yield server


@pytest.fixture
def begin(begin: Callable[[], Worker], monkeypatch: pytest.MonkeyPatch) -> Callable[[], Worker]:
    """Workers that look again sooner than they do in life."""
    monkeypatch.setattr("riskapi.enrichment.resolver_trust.DOUBTED", 0.1)
    monkeypatch.setattr("riskapi.enrichment.upstream.DOUBTED_PAUSE", 0.2)
    monkeypatch.setattr("riskapi.enrichment.enricher._WATCH_DOUBTED", 0.2)
    monkeypatch.setattr("riskapi.store.heartbeats.BEAT", 0.1)
    return begin


def view(service: Service, user: str) -> Any:
    found = service.parts.profiles.view(user, time.time())
    return found


def sign_up(service: Service, user: str, domain: str) -> None:
    signup = body(user, email={"address": f"{user}@{domain}"}, device=None)
    assert post(service, signup, time.time())["decision"] == "allow"


def tiers(service: Service, users: list[str]) -> set[str]:
    return {view(service, user)["tier"] for user in users}


def counted(service: Service, name: str) -> float:
    """A counter or gauge with its labels; 0 where nothing was counted."""
    lines = service.parts.metrics.render().decode().splitlines()
    return next((float(line.removeprefix(name)) for line in lines if line.startswith(f"{name} ")), 0.0)


LIES: dict[str, tuple[str, dict[str, Any], str]] = {
    "nothing exists": ("missing", {}, "names that always exist do not exist for it"),
    "everything is empty": ("empty", {}, "names that always exist do not exist for it"),
    "one address for everything": ("everywhere", {}, "a name that does not exist has records"),
    "it refuses": ("refused", {}, "it refuses or fails"),
}


@pytest.mark.parametrize(("mode", "how", "words"), LIES.values(), ids=LIES)
def test_while_it_lies_nobody_is_convicted_and_operators_are_told(
    service: Service,
    begin: Callable[[], Worker],
    asking: Settings,
    dns: DnsServer,
    lines: Lines,
    mode: str,
    how: dict[str, Any],
    words: str,
) -> None:
    dns.behave(".", mode, **how)
    begin()
    for user, domain in (("u_1", "gmail.com"), ("u_2", "firm.example"), ("u_3", "gone.example")):
        sign_up(service, user, domain)
    until(lambda: service.parts.readiness()["dns"] == words)
    # Both were asked about, once and again.
    until(lambda: counted(service, 'riskapi_lookups_total{kind="mail_domain",result="postponed"}') >= 4)
    assert counted(service, 'riskapi_source_doubted{source="dns"}') == 1
    assert (tiers(service, ["u_1", "u_2", "u_3"]), view(service, "u_2")["readings"]["domain_exists"]) == (
        {"allow"},
        None,
    )
    assert view(service, "u_1")["readings"]["domain_exists"] is True, "a large provider is known"
    # From here, and by the workers. What is asked from here has three seconds, which a busy machine may need.
    until(lambda: sum(words in text for grade, text in doctor.findings(asking) if grade == "warn") == 2)

    dns.forget()
    until(lambda: service.parts.readiness()["dns"] == "ok")
    until(lambda: view(service, "u_2")["readings"]["domain_exists"])
    until(lambda: view(service, "u_3")["tier"] == "review")
    assert tiers(service, ["u_1", "u_2"]) == {"allow"}
    assert counted(service, 'riskapi_source_doubted{source="dns"}') == 0
    changed = [(line["event"], line["source"]) for line in lines() if line["event"].startswith("source_")]
    assert changed == [("source_doubted", "dns"), ("source_believed", "dns")]
    assert "gone.example" not in json.dumps(lines()) and not [line for line in lines() if line["level"] == "error"]


def test_what_it_said_before_it_was_found_out_is_taken_back(
    service: Service, begin: Callable[[], Worker], dns: DnsServer
) -> None:
    """It knows the few names it is asked about first, and none of the customers': their sudden number shows it."""
    for name in KNOWN.keys() - {".", *LARGEST, *(f"_dmarc.{name}" for name in LARGEST)}:
        dns.set(name, None)
    begin()
    users = [f"u_{number}" for number in range(9)]
    for user in users:
        sign_up(service, user, f"{user.replace('_', '')}.example")
    until(lambda: tiers(service, users) == {"review"})
    sign_up(service, "u_9", "u9.example")  # the tenth makes the number sudden
    until(lambda: service.parts.readiness()["dns"].startswith("suddenly many domains"))
    until(lambda: tiers(service, users) == {"allow"})
    history = view(service, "u_0")["history"]
    assert [row["to"] for row in history] == ["allow", "review", "allow"]
    assert view(service, "u_9")["tier"] == "allow"

    for name, records in KNOWN.items():
        dns.set(name, records)
    for number in range(9):
        dns.set(f"u{number}.example", {"MX": ["10 mx.example"]})
    until(lambda: all(view(service, user)["readings"]["domain_exists"] for user in users))
    assert tiers(service, users) == {"allow"}
    until(lambda: view(service, "u_9")["tier"] == "review")


def test_a_doubt_is_told_while_a_worker_repeats_it(store: Store, clock: Clock) -> None:
    made = Doubts(store, Metrics(), clock)
    taken_back: list[tuple[float, frozenset[Part]]] = []
    made.tell("dns", "nothing_exists", 90.0)
    made.tell("rdap", "knows_nothing", 0.0)
    for _ in range(3):
        made.step(NOW, lambda *since: taken_back.append(since))
    assert taken_back == [(NOW - 90.0, doubtful("nothing_exists"))] * 2, (
        "what was under way when it began is written down a little later"
    )
    assert list(doubted(store, NOW)) == ["dns", "rdap"]
    assert doubted(store, NOW + GONE + 1) == {}, "that worker is gone"
    made.tell("dns", None, 0.0)
    made.step(NOW + 1, lambda *since: None)
    assert list(doubted(store, NOW + 1)) == ["rdap"]
    store.execute("ZADD", "risk:doubts", NOW, "dns of_a_newer_release")
    assert list(doubted(store, NOW + 1)) == ["rdap"]


def test_of_silence_nothing_is_taken_back(store: Store, clock: Clock) -> None:
    made = Doubts(store, Metrics(), clock)
    taken_back: list[tuple[float, frozenset[Part]]] = []
    made.tell("dns", "silent", 90.0)
    made.step(NOW, lambda *since: taken_back.append(since))
    assert taken_back == []
    made.tell("dns", "everything_exists", 60.0)
    made.step(NOW, lambda *since: taken_back.append(since))
    assert taken_back == [(NOW - 60.0, doubtful("everything_exists"))], "and of one that invents names, records as well"


def test_a_service_without_any_network_is_quiet_and_decides(serve: Callable[..., Served], tmp_path: Any) -> None:
    """Nobody answers on loopback: no errors, one line that says so, nobody tightened, and ready."""
    with socket.socket() as taken:  # bound and not listening: whoever asks is refused
        taken.bind(("127.0.0.1", 0))
        nowhere = f"127.0.0.1:{taken.getsockname()[1]}"
        served = serve(
            RISKAPI_ENRICHMENT="on",
            RISKAPI_SERVE_WORKER="on",
            RISKAPI_DNS_RESOLVER=nowhere,
            RISKAPI_RDAP_BASE=f"http://{nowhere}",
            RISKAPI_LOG_LEVEL="info",
        )
        for user, address in (("u_1", "ana@gmail.com"), ("u_2", "ana@firm.example")):
            signup = {"account": {"user_id": user}, "email": {"address": address}}
            assert served.request("POST", "/v1/signups", signup)[1]["decision"] == "allow"
        until(lambda: served.request("GET", "/readyz")[1]["checks"]["dns"] != "ok")
        status, ready = served.request("GET", "/readyz")
        assert (status, ready["ready"]) == (200, True)
        assert ready["checks"]["dns"] in ("it refuses or fails", "it does not answer")
        assert served.request("GET", "/v1/accounts/u_2", key=BOOTSTRAP_KEY)[1]["tier"] == "allow"
        lines = served.logged()
    assert [line["event"] for line in lines if line["level"] == "error"] == []
    assert sum(line["event"] == "source_doubted" for line in lines) == 1
