"""Events of accounts: each is recorded once, a login from where the account was never seen is noted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from riskapi.accounts.activity import TYPES
from riskapi.app import Service
from riskapi.decisions.events import Event
from riskapi.errors import Problem
from riskapi.links.keys import LETTERS, entities_of, mac_of
from riskapi.store.connections import Store
from riskapi.store.scripts import Script
from riskapi.store.streams import account_key, shard, stream
from riskapi.times import rfc3339
from tests.conftest import BOOTSTRAP_KEY, NOW
from tests.signups import body, post, together

HOUR = 3600.0
#: Two prefixes of one carrier, one of another, two of a third that is a mobile carrier, and some without a known AS.
HOME, HOME_TOO, AWAY = "88.0.0.1", "88.0.77.1", "81.1.1.1"
MOBILE, MOBILE_TOO = "172.58.0.1", "172.58.200.1"
NOWHERE, NOWHERE_TOO = "203.0.113.9", "198.51.100.7"
V6, V6_TOO = "2001:db8:1::1", "2001:db8:1:ffff::2"


def account(service: Service, ip: str | None = HOME) -> None:
    """Let ``u_1`` sign up from an address."""
    post(service, body(device={"ip_address": ip}))


def login(service: Service, ip: str | None = AWAY, at: float = NOW, type: str = "login") -> Any:
    given = {"type": type, "time": rfc3339(at), "device": {"ip_address": ip}}
    return service.parts.events.record("u_1", Event.model_validate_json(orjson.dumps(given)), at)


def moved_at(service: Service) -> float | None:
    found = service.store.execute("HGET", account_key("u_1"), "moved_at")
    return None if found is None else float(found)


def recorded(service: Service) -> list[dict[str, Any]]:
    rows = service.store.execute("XRANGE", stream(shard("u_1")), "-", "+")
    return [orjson.loads(fields[b"data"]) for _, fields in rows if fields[b"type"] == b"event"]


@pytest.mark.parametrize(
    ("signup", "logins", "moved"),
    [
        (HOME, [HOME], False),
        (HOME, ["88.0.0.200"], False),  # the same /24
        (HOME, [HOME_TOO], False),  # the same AS
        (MOBILE, [MOBILE_TOO, MOBILE, MOBILE_TOO], False),
        (HOME, [AWAY], True),
        (NOWHERE, [NOWHERE], False),
        (NOWHERE, [NOWHERE_TOO], True),  # no AS to go by
        (V6, [V6_TOO], False),  # the same /48
        (V6, ["2001:db8:2::1"], True),
        (HOME, ["::ffff:88.0.0.9"], False),  # IPv4 in IPv6
        (None, [AWAY], False),  # nothing to compare with
        (None, [AWAY, HOME], True),
        ("10.0.0.1", [AWAY], False),  # an address from inside is nobody's
        (HOME, ["10.0.0.1"], False),
        (HOME, ["nonsense"], False),
        (HOME, [None], False),
    ],
)
def test_a_login_from_where_the_account_was_never_seen_is_noted(
    service: Service, signup: str | None, logins: list[str | None], moved: bool
) -> None:
    account(service, signup)
    for number, ip in enumerate(logins):
        login(service, ip, NOW + number)
    assert moved_at(service) == (NOW + len(logins) - 1 if moved else None)


@pytest.mark.parametrize("form", ["json", "text"])
def test_the_places_of_a_signup_are_known_in_the_form_of_earlier_releases(service: Service, form: str) -> None:
    account(service)
    key = account_key("u_1")
    kept = {kind: mac_of(at) for kind, at in entities_of(service.store.execute("HGET", key, "entities")).items()}
    text = " ".join(LETTERS[kind] + mac for kind, mac in kept.items()).encode()
    service.store.execute("HSET", key, "entities", text if form == "text" else orjson.dumps(kept))
    login(service, HOME_TOO)
    assert moved_at(service) is None
    login(service)
    assert moved_at(service) == NOW


def test_a_place_is_new_once(service: Service) -> None:
    account(service)
    for hour in range(3):
        login(service, AWAY, NOW + hour * HOUR)
    assert moved_at(service) == NOW
    login(service, NOWHERE, NOW + 3 * HOUR)
    assert moved_at(service) == NOW + 3 * HOUR


def test_a_late_login_does_not_turn_the_time_back(service: Service) -> None:
    account(service)
    login(service, AWAY, NOW)
    login(service, NOWHERE, NOW - HOUR)
    assert moved_at(service) == NOW


@pytest.mark.parametrize("type", sorted(TYPES - {"login"} | {"invoice_paid"}))
def test_only_a_login_says_where_its_owner_is(service: Service, type: str) -> None:
    account(service)
    assert login(service, AWAY, type=type)["tier"] == "allow"
    assert moved_at(service) is None
    login(service, AWAY)
    assert moved_at(service) == NOW


def test_the_fifty_latest_places_are_remembered(service: Service) -> None:
    account(service)
    for number in range(60):
        login(service, f"203.0.113.{number}" if number % 2 else f"2001:db8:{number:x}::1", NOW + number)
    key = f"risk:an:{{{shard('u_1')}}}:u_1"
    assert service.store.execute("ZCARD", key) == 31  # thirty of IPv6 and one of IPv4
    for number in range(60, 120):
        login(service, f"2001:db8:{number:x}::1", NOW + number)
    assert service.store.execute("ZCARD", key) == 50
    login(service, HOME, NOW + 200)  # that of the signup is never forgotten
    assert moved_at(service) == NOW + 119


def test_an_event_is_recorded_without_addresses(service: Service) -> None:
    account(service)
    given = {
        "type": "contacts_imported",
        "count": 5000,
        "device": {"ip_address": "203.0.113.77", "id": "device-77", "user_agent": "agent-77"},
        "custom_inputs": {"list": "spring"},
    }
    service.parts.events.record("u_1", Event.model_validate(given), NOW)
    [entry] = recorded(service)
    assert entry.pop("id").startswith("evt_")
    assert entry == {
        "user_id": "u_1",
        "type": "contacts_imported",
        "at": NOW,
        "count": 5000,
        "custom_inputs": {"list": "spring"},
    }
    login(service, "203.0.113.77")
    keys = service.store.execute("KEYS", "*")
    # Whole words: a keyed hash may hold any two digits.
    assert not any(word in key for key in keys for word in (b"203.0.113", b"device-77", b"agent-77"))
    kept = service.store.execute("ZRANGE", f"risk:an:{{{shard('u_1')}}}:u_1", 0, -1)
    assert [len(place) for place in kept] == [16]


def test_an_event_prolongs_the_account(service: Service) -> None:
    account(service)
    key = account_key("u_1")
    service.store.execute("EXPIRE", key, 10)
    login(service)
    places = f"risk:an:{{{shard('u_1')}}}:u_1"
    assert service.store.execute("TTL", key) == service.store.execute("TTL", places) > 10


def test_of_an_account_never_assessed_nothing_is_kept(service: Service) -> None:
    with pytest.raises(Problem) as caught:
        login(service)
    assert caught.value.code == "not_found"
    assert not [key for key in service.store.execute("KEYS", "*") if b"u_1" in key]
    assert recorded(service) == []


def test_fifty_logins_from_a_new_place_are_recorded_each_and_move_once(service: Service) -> None:
    account(service)
    together(50, lambda number: login(service, AWAY, NOW + number))
    assert len(recorded(service)) == 50
    first = moved_at(service)
    login(service, AWAY, NOW + 100)
    assert moved_at(service) == first


def test_a_command_that_arrives_twice_records_once(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    account(service)
    call = Script.call

    def twice(script: Script, *given: Any) -> Any:
        assert call(script, *given) == call(script, *given)
        return call(script, *given)

    monkeypatch.setattr(Script, "call", twice)
    assert login(service)["tier"] == "allow"
    assert len(recorded(service)) == 1
    assert moved_at(service) == NOW


def test_the_tier_is_the_one_it_has_now(service: Service) -> None:
    account(service)
    service.parts.labels.add("u_1", "abuse", "manual_review", None, "kim", NOW)
    assert login(service)["tier"] == "limit"


# Over HTTP

PATH = "/v1/accounts/u_1/events"


@pytest.fixture
def known(client: Any) -> Any:
    """A client; ``u_1`` signed up."""
    signup = {"account": {"user_id": "u_1"}, "email": {"address": "ana@ruiz.example"}}
    assert client.post("/v1/signups", json=signup).status_code == 200
    return client


@pytest.mark.parametrize(
    "given",
    [
        {"type": "login"},
        {"type": "login", "device": None, "time": None, "count": None, "custom_inputs": None},
        {
            "type": "plan_changed",
            "plan": "pro",
            "custom_inputs": {"from": "free", "seats": 5, "trial": False, "since": None},
        },
        {"type": "contacts_imported", "count": 0},
        {"type": "something_else_2", "count": 0},
        {"type": "email_verified", "time": "0001-01-02T00:00:00Z"},
        {"type": "login", "time": "2026-11-22T10:05:00Z"},
        {"type": "login", "time": "0001-01-02T00:00:00Z", "device": {"ip_address": HOME}},
    ],
)
def test_events_are_taken(known: Any, given: dict[str, Any]) -> None:
    found = known.post(PATH, json=given)
    assert found.status_code == 202
    assert found.json == {"user_id": "u_1", "type": given["type"], "tier": "allow", "warnings": []}


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"type": "email_changed"}, "/email/address"),
        ({"type": "email_changed", "email": {"address": ""}}, "/email/address"),
        ({"type": "email_changed", "phone": {"number": "+34600123123"}}, "/email/address"),
        ({"type": "phone_changed"}, "/phone/number"),
        ({"type": "phone_changed", "phone": {"number": None}}, "/phone/number"),
        ({"type": "device_seen"}, "/device/id"),
        ({"type": "device_seen", "device": {"ip_address": HOME}}, "/device/id"),
        ({"type": "plan_changed"}, "/plan"),
        ({"type": "contacts_imported"}, "/count"),
    ],
    ids=repr,
)
def test_an_event_without_what_it_is_about_is_taken_with_a_warning(
    known: Any, given: dict[str, Any], pointer: str
) -> None:
    found = known.post(PATH, json=given)
    assert (found.status_code, found.json["tier"]) == (202, "allow")
    told = [(row["code"], row["input_pointer"]) for row in found.json["warnings"]]
    assert told == [("INPUT_MISSING", pointer)]
    assert f"`{pointer}`" in (Path(__file__).parents[2] / "docs/inputs.md").read_text()


@pytest.mark.parametrize("type", ["login", "email_verified"])
@pytest.mark.parametrize("ip", ["300.1.1.1", "203.0.113.9:80", "10.0.0.0/8", "x" * 2000, "💣"])
def test_an_address_that_cannot_be_read_is_a_warning(known: Any, type: str, ip: str) -> None:
    found = known.post(PATH, json={"type": type, "device": {"ip_address": ip}})
    assert found.status_code == 202
    assert found.json["warnings"] == [
        {
            "code": "INPUT_INVALID",
            "warning": "The IP address could not be understood",
            "input_pointer": "/device/ip_address",
        }
    ]


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ([], ""),
        ({}, "/type"),
        ({"type": "Login"}, "/type"),
        ({"type": "lo"}, "/type"),
        ({"type": "x" * 65}, "/type"),
        ({"type": "log in"}, "/type"),
        ({"type": "login\n"}, "/type"),
        ({"type": 7}, "/type"),
        ({"type": "login", "time": 1795341600}, "/time"),
        ({"type": "login", "device": {"ip": HOME}}, "/device/ip"),
        ({"type": "login", "device": HOME}, "/device"),
        ({"type": "login", "custom_inputs": {"A": 1}}, "/custom_inputs/A"),
        ({"type": "login", "custom_inputs": {"a": [1]}}, "/custom_inputs/a"),
        ({"type": "login", "custom_inputs": {f"k{number}": 1 for number in range(26)}}, "/custom_inputs"),
        ({"type": "login", "user_id": "u_2"}, "/user_id"),
    ],
)
def test_what_is_no_event_is_refused(known: Any, given: Any, pointer: str) -> None:
    found = known.post(PATH, json=given)
    assert found.status_code == 422
    assert found.json["errors"][0]["pointer"] == pointer


def test_an_account_nobody_knows_is_not_found(client: Any) -> None:
    assert client.post(PATH, json={"type": "login"}).status_code == 404


def test_an_idempotency_key_records_once(known: Any, store: Store) -> None:
    headers = {"Idempotency-Key": "k1"}
    first = known.post(PATH, json={"type": "login"}, headers=headers)
    again = known.post(PATH, json={"type": "login"}, headers=headers)
    assert (again.status_code, again.json, again.headers["Idempotent-Replay"]) == (202, first.json, "true")
    assert known.post(PATH, json={"type": "plan_changed"}, headers=headers).status_code == 409
    rows = store.execute("XRANGE", stream(shard("u_1")), "-", "+")
    assert [fields[b"type"] for _, fields in rows].count(b"event") == 1


def test_events_need_their_scope(make_app: Callable[..., Any], store: Store) -> None:
    from riskapi.access.api_keys import ApiKeys

    key = ApiKeys(store, BOOTSTRAP_KEY).create("signups", ["signups"])
    found = make_app().test_client().post(PATH, json={"type": "login"}, headers={"Authorization": f"Bearer {key}"})
    assert found.status_code == 403


def test_types_are_counted_under_a_fixed_set_of_names(known: Any) -> None:
    for type in ("login", "made_up", "made_up_2"):
        known.post(PATH, json={"type": type})
    shown = known.get("/metrics", environ_base={"REMOTE_ADDR": "127.0.0.1"}).text
    assert 'riskapi_events_total{type="login"} 1.0' in shown
    assert 'riskapi_events_total{type="other"} 2.0' in shown
