"""``degraded`` lists what should have been known and was not; what was not sent is ``not_provided``, once."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest

from riskapi.accounts.accounts import history_key
from riskapi.app import Service
from riskapi.decisions.answer import Assessment
from riskapi.errors import StoreUnavailable
from riskapi.inputs.signup import Signup
from riskapi.settings import Settings
from riskapi.store.connections import Store
from riskapi.store.streams import account_key
from tests.answers import checked
from tests.conftest import NOW, Clock
from tests.signups import post

BARE: dict[str, Any] = {"account": {"user_id": "u_1"}, "email": {"address": "ana@ruiz.example"}}
WINDOWS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/157.0.0.0 Safari/537.36"
)
#: A customer of Deutsche Telekom whose signup tells everything there is to tell.
WHOLE: dict[str, Any] = {
    "account": {
        "user_id": "u_1",
        "name": "Jan Otto",
        "organization": "Otto KG",
        "website": "https://otto.example",
        "plan": "free",
        "referrer_id": "u_0",
    },
    "email": {"address": "jan0.otto@gmx.de"},
    "phone": {"number": "+49 1512 3405678"},
    "device": {
        "ip_address": "91.10.45.67",
        "id": "dev-1",
        "user_agent": WINDOWS,
        "accept_language": "de-DE",
        "time_zone": "Europe/Berlin",
        "tls_fingerprint": "t13d1516h2_8daaf6152771",
    },
    "behavior": {
        "form_fill_ms": 41200,
        "pasted_fields": [],
        "honeypot_filled": False,
        "keystrokes": 96,
        "captcha_passed": True,
        "pages_before_signup": 4,
    },
    "payment": {"fingerprint": "card-1"},
}
ALL = [f"/{part}/{name}" for part, fields in WHOLE.items() for name in fields]
ALL = [pointer for pointer in ALL if pointer not in ("/account/user_id", "/email/address")]
NETWORK = {"network_asn", "network_country", "network_is_hosting", "network_is_tor", "reputation_asn"}


@pytest.fixture
def make(store: Store, settings: Settings, assemble: Callable[..., Service], clock: Clock) -> Callable[..., Service]:
    def made(**changes: Any) -> Service:
        found = assemble(replace(settings, model_mode="off", **changes), store, clock)
        found.decisions.register_schema()
        return found

    return made


def without(*pointers: str) -> dict[str, Any]:
    """All that there is to send, but for some."""
    found: dict[str, Any] = json.loads(json.dumps(WHOLE))
    for pointer in pointers:
        part, _, name = pointer[1:].partition("/")
        del found[part][name]
    return found


def answered(service: Service, signup: dict[str, Any]) -> dict[str, Any]:
    found = post(service, Signup.model_validate_json(json.dumps(signup)))
    checked(Assessment, orjson.dumps(found))
    return found


def causes(answer: dict[str, Any]) -> dict[str, str]:
    return {row["signal"]: row["cause"] for row in answer["degraded"]}


def test_nothing_is_degraded_where_only_little_was_sent(make: Callable[..., Service]) -> None:
    found = answered(make(enrichment=False), BARE)
    assert found["degraded"] == []
    assert found["not_provided"] == ALL


def test_nothing_is_degraded_where_all_was_sent_and_known(make: Callable[..., Service]) -> None:
    found = answered(make(enrichment=False), WHOLE)
    assert (found["degraded"], found["not_provided"]) == ([], [])


@pytest.mark.parametrize("pointer", ALL)
def test_what_was_not_sent_is_named_once(make: Callable[..., Service], pointer: str) -> None:
    part, _, name = pointer[1:].partition("/")
    empty = [None, ""] if isinstance(WHOLE[part][name], str) else [None]
    bodies = [without(pointer), *({**WHOLE, part: {**WHOLE[part], name: value}} for value in empty)]
    service = make(enrichment=False)
    for number, signup in enumerate(bodies):
        signup = {**signup, "account": {**signup["account"], "user_id": f"u_{number}"}}
        found = answered(service, signup)
        assert (found["degraded"], found["not_provided"]) == ([], [pointer])


def test_a_whole_part_that_is_null_was_not_sent(make: Callable[..., Service]) -> None:
    found = answered(make(enrichment=False), {**WHOLE, "device": None, "phone": None})
    assert found["not_provided"] == [each for each in ALL if each.startswith(("/phone", "/device"))]


def known(cause: str, *signals: str) -> dict[str, str]:
    return dict.fromkeys(signals, cause)


@pytest.mark.parametrize(
    ("changes", "least"),
    [
        ({"device": {"ip_address": "203.0.113.9"}}, known("no_data", *NETWORK)),
        ({"device": {"ip_address": "10.1.2.3"}}, known("no_data", *NETWORK)),
        ({"device": {"ip_address": "300.1.1.1"}}, known("input_invalid", "network_asn", "network_is_ipv6")),
        ({"phone": {"number": "call me"}}, known("input_invalid", "phone_kind", "phone_region")),
        ({"email": {"address": "ana"}}, known("input_invalid", "email_is_free", "email_is_disposable")),
        ({"device": {"user_agent": "\0"}}, known("input_invalid", "device_agent_family", "device_is_automated")),
        ({"behavior": {"keystrokes": -1}}, known("input_invalid", "behavior_keystrokes")),
        ({"device": {"user_agent": "who knows"}}, known("no_data", "device_agent_family", "device_agent_system")),
    ],
    ids=["documentation", "private", "no address", "no number", "no mailbox", "no agent", "no count", "who knows"],
)
def test_what_was_sent_and_is_not_known_is_degraded(
    make: Callable[..., Service], changes: dict[str, Any], least: dict[str, str]
) -> None:
    signup = {**BARE, **changes}
    found = answered(make(enrichment=False), signup)
    assert least.items() <= causes(found).items()
    assert set(causes(found).values()) == set(least.values())
    sent = {f"/{part}/{name}" for part, fields in changes.items() for name in fields}
    assert not sent & set(found["not_provided"])


def test_what_is_being_asked_is_pending(make: Callable[..., Service]) -> None:
    found = causes(answered(make(enrichment=True), {**BARE, "email": {"address": "ana@otto-ceramics.de"}}))
    assert set(found.values()) == {"pending"}
    assert {"domain_exists", "domain_age_days"} <= set(found)
    assert "domain_blocklists" not in found, "no blocklist is asked"


def test_without_the_store_what_it_knows_is_degraded_and_what_was_not_sent_is_not(
    make: Callable[..., Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    service = make(enrichment=True)

    def away(*_: Any, **__: Any) -> Any:
        raise StoreUnavailable("away")

    with monkeypatch.context() as outage:
        outage.setattr(service.store, "run", away)
        found = answered(service, {**BARE, "email": {"address": "ana@otto-ceramics.de"}})
    assert service.parts.assessor.replay_journal(NOW) == 1
    assert set(causes(found).values()) == {"store_unavailable"}
    assert {"links_abusive", "velocity_mailbox_1h", "domain_exists"} <= set(causes(found))
    assert not {"velocity_phone_1h", "velocity_device_1h", "velocity_ip_1h"} & set(causes(found))
    assert found["not_provided"] == ALL


def test_the_answer_to_little_is_small(make: Callable[..., Service]) -> None:
    """It was 7,653 bytes, of which 6,846 were ``degraded``."""
    assert len(orjson.dumps(answered(make(), BARE))) < 1_500


class TestRecordsOfBefore:
    """What the release before kept still opens, in the form of today."""

    @staticmethod
    def age(service: Service) -> dict[str, Any]:
        """Rewrite what is kept of an account into what it was; returns the answer as it was."""
        account, key = service.accounts.load("u_1"), account_key("u_1")
        answer = account.first_answer
        del answer["not_provided"]
        answer["degraded"] = [
            {"signal": "network_asn", "cause": "no_data"},
            {"signal": "phone_is_valid", "cause": "not_provided"},
        ]
        service.store.execute("RPUSH", history_key("u_1"), orjson.dumps(account.history[0]))
        said = {
            "assessment": orjson.dumps(answer),
            "decision": orjson.dumps(account.decision),
            "signup": account.signup,
        }
        for name, value in said.items():
            service.store.execute("HSET", key, name, value)
        return answer

    def test_an_account_is_shown(self, make: Callable[..., Service]) -> None:
        service = make()
        answered(service, BARE)
        self.age(service)
        found = service.parts.profiles.view("u_1", NOW)
        for answer in (found["assessment"], found["latest"]):
            assert answer["degraded"] == [{"signal": "network_asn", "cause": "no_data"}]
            assert answer["not_provided"] == ALL
            checked(Assessment, orjson.dumps(answer))

    def test_the_same_signup_gets_it_again(self, make: Callable[..., Service]) -> None:
        service = make()
        answered(service, BARE)
        before = self.age(service)
        found = service.parts.assessor.signup(Signup.model_validate_json(json.dumps(BARE)), NOW)
        again = orjson.loads(found.body)
        assert found.replay
        assert (again["id"], again["not_provided"]) == (before["id"], ALL)
        assert again["degraded"] == [{"signal": "network_asn", "cause": "no_data"}]

    def test_it_is_decided_again(self, make: Callable[..., Service]) -> None:
        service = make()
        answered(service, BARE)
        self.age(service)
        assert service.rescorer.again("u_1", "schedule", NOW + 86_400).tier == "allow"
