"""What a visitor's browser, clock or keyboard controls never costs the assessment; the caller's own mistakes do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient

from riskapi.accounts.first_record import SIGNUP_FIELDS, kept_signup
from riskapi.app import Service
from riskapi.inputs.signup import Signup
from riskapi.settings import Settings
from riskapi.store.connections import Store
from riskapi.times import rfc3339
from tests.conftest import BOOTSTRAP_KEY, NOW, Clock, keyed

LONG, LONGER = "x" * 2048, "x" * 2049
HALF = "\ud83d"
#: The bytes of a half of a surrogate pair, which is no UTF-8 (RFC 3629, 3).
HALF_BYTES = b"\xed\xa0\xbd"
HUGE = 10**400


@pytest.fixture
def http(make_app: Callable[..., Any]) -> FlaskClient:
    return keyed(make_app(model_mode="off"))


def nested(pointer: str, value: Any) -> dict[str, Any]:
    """A body with one value at a pointer."""
    *parts, last = pointer[1:].split("/")
    return {parts[0]: {last: value}} if parts else {last: value}


def signup(pointer: str, value: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"account": {"user_id": "u_1"}, "email": {"address": "ana@ruiz.example"}}
    for part, fields in nested(pointer, value).items():
        found[part] = {**found.get(part, {}), **fields}
    return found


def told(answer: dict[str, Any]) -> list[tuple[str, str]]:
    return [(row["code"], row["input_pointer"]) for row in answer["warnings"]]


CUT, INVALID = "INPUT_CUT", "INPUT_INVALID"
TEXTS = ["/account/name", "/account/organization", "/account/website", "/account/plan"]
TEXTS += ["/device/user_agent", "/device/accept_language", "/device/time_zone"]
IDS = ["/account/referrer_id", "/device/id", "/device/tls_fingerprint", "/payment/fingerprint"]
COUNTS = ["/behavior/form_fill_ms", "/behavior/keystrokes", "/behavior/pages_before_signup"]
PARSED = ["/email/address", "/phone/number", "/device/ip_address"]

#: Pointer, value, the code of its warning.
ODD: list[tuple[str, Any, str]] = [
    *((text, LONGER, CUT) for text in TEXTS),
    *((text, "a\0b", CUT) for text in TEXTS),
    *((text, "a\x1bb\x9c", CUT) for text in TEXTS),
    *((text, "\0", INVALID) for text in TEXTS),
    *((text, f"a{HALF}b", CUT) for text in TEXTS),
    *((name, value, INVALID) for name in IDS for value in (LONGER, "a\0b", "\x7f", f"a{HALF}")),
    ("/account/referrer_id", "x" * 129, INVALID),
    *((name, value, INVALID) for name in COUNTS for value in (-1, -0.5, -(2**70), 2**53 + 1, 1e300, HUGE)),
    *((name, value, INVALID) for name in COUNTS for value in (float("inf"), float("-inf"), float("nan"))),
    *((name, 1204.5, CUT) for name in COUNTS),
    *((name, LONGER, INVALID) for name in PARSED),
    *((name, f"{HALF}@x.example", INVALID) for name in PARSED),
    ("/email/address", "ana\0@ruiz.example", INVALID),
    ("/device/ip_address", "198.51.100.7\0", INVALID),
    ("/phone/number", "\0+34600123123", CUT),
    ("/behavior/pasted_fields", ["name"] * 60, CUT),
    ("/behavior/pasted_fields", ["name", LONGER], CUT),
    ("/behavior/pasted_fields", ["na\0me", f"{HALF}"], CUT),
    ("/event/time", "2026-11-22T10:06:00Z", INVALID),
    ("/event/time", "2026-11-23T10:00:00Z", INVALID),
    ("/event/time", "9999-12-31T23:59:59-23:59", INVALID),
    ("/event/time", "+275760-09-13T00:00:00.000Z", INVALID),
    ("/event/time", "-271821-04-20T00:00:00.000Z", INVALID),
    ("/event/time", "0000-01-01T00:00:00.000Z", INVALID),
    ("/event/time", "0001-01-01T00:00:00+05:00", INVALID),
    ("/event/time", "0001-01-01T00:00:00Z", INVALID),  # no time, as Go and .NET write it
    ("/custom_inputs/campaign", "x" * 256, CUT),
    ("/custom_inputs/campaign", "spring\0", CUT),
    ("/custom_inputs/campaign", f"spring{HALF}", CUT),
    ("/custom_inputs/campaign", float("nan"), INVALID),
    ("/custom_inputs/campaign", float("-inf"), INVALID),
    *(("/custom_inputs/campaign", value, INVALID) for value in (10**309, -(10**309), HUGE, -HUGE)),
]


@pytest.mark.parametrize(("pointer", "value", "code"), ODD, ids=lambda value: repr(value)[:40])
def test_what_a_visitor_controls_is_a_warning(http: FlaskClient, pointer: str, value: Any, code: str) -> None:
    found = http.post("/v1/signups", data=json.dumps(signup(pointer, value)), content_type="application/json")
    assert found.status_code == 200, found.text
    assert told(found.json or {}) == [(code, pointer)]
    assert (found.json or {})["decision"] == ("review" if pointer == "/email/address" else "allow")
    account = http.get("/v1/accounts/u_1").json or {}
    assert told(account["assessment"]) == told(account["latest"]) == [(code, pointer)]


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        *((text, LONG) for text in TEXTS),
        *((name, LONG) for name in IDS if name != "/account/referrer_id"),
        ("/account/name", "José\u00a0Ñandú\u3000李 👩\u200d👧"),
        ("/account/organization", "Two\nlines\tand a tab"),
        ("/account/referrer_id", "x" * 128),
        *((name, value) for name in COUNTS for value in (0, 2**53, 41200.0, 1e5)),
        ("/behavior/pasted_fields", ["name"] * 50),
        ("/event/time", "2026-11-22T10:05:00Z"),
        ("/event/time", "0001-01-02T00:00:00Z"),
        ("/custom_inputs/campaign", "x" * 255),
        ("/custom_inputs/campaign", 2**70),
        ("/custom_inputs/campaign", -(10**308)),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_in_order_has_no_warning(http: FlaskClient, pointer: str, value: Any) -> None:
    found = http.post("/v1/signups", data=json.dumps(signup(pointer, value)), content_type="application/json")
    assert (found.status_code, (found.json or {}).get("warnings")) == (200, []), found.text


@pytest.mark.parametrize(
    "value", [b'"a\\ud83d"', b'"a\\ude00\\ud83d"', b'"a' + HALF_BYTES + b'"', b'"' + b"\\ud83d" * 9000 + b'"'],
    ids=["a half", "halves in the wrong order", "a half as bytes", "nothing but halves"],
)  # fmt: skip
def test_half_a_character_is_taken_as_a_browser_writes_it(http: FlaskClient, value: bytes) -> None:
    body = b'{"account":{"user_id":"u_1","name":' + value + b'},"email":{"address":"ana@ruiz.example"}}'
    found = http.post("/v1/signups", data=body, content_type="application/json")
    assert (found.status_code, told(found.json or {})) == (200, [(CUT, "/account/name")])


@pytest.mark.parametrize("digits", [b"9" * 5000, b"-" + b"9" * 5000, b"1e999", b"NaN"], ids=lambda value: value[:6])
def test_a_number_that_no_parser_takes_is_not_used(http: FlaskClient, digits: bytes) -> None:
    rest = b'"account":{"user_id":"u_1"},"email":{"address":"ana@ruiz.example"}}'
    body = b'{"behavior":{"keystrokes":' + digits + b"}," + rest
    found = http.post("/v1/signups", data=body, content_type="application/json")
    assert (found.status_code, told(found.json or {})) == (200, [(INVALID, "/behavior/keystrokes")])


@pytest.mark.parametrize(
    ("pointer", "value", "kept"),
    [
        ("/behavior/form_fill_ms", 41200.7, ("behavior_form_fill_ms", 41200)),
        ("/behavior/form_fill_ms", -5, ("behavior_form_fill_ms", None)),
        ("/behavior/keystrokes", 0.4, ("behavior_keystrokes", 0)),
        ("/behavior/pasted_fields", [f"f{number}" for number in range(60)], ("behavior_pasted_count", 50)),
        ("/device/time_zone", "Europe/\0Madrid", ("device_time_zone_is_valid", True)),
        ("/phone/number", "\x02+34600123123", ("phone_region", "ES")),
        ("/device/user_agent", LONGER, ("device_agent_is_malformed", True)),
        ("/device/user_agent", "Mozilla/5.0 \x01", ("device_agent_is_malformed", True)),
        ("/device/user_agent", "\0", ("device_agent_is_malformed", True)),
        ("/device/user_agent", "Mozilla/5.0 (X11; Linux x86_64) é", ("device_agent_is_malformed", False)),
        ("/device/user_agent", " ", ("device_agent_is_malformed", None)),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_kept_is_read_the_same_each_time(
    store: Store,
    settings: Settings,
    assemble: Callable[..., Service],
    clock: Clock,
    pointer: str,
    value: Any,
    kept: tuple[str, Any],
) -> None:
    service = assemble(settings, store, clock)
    service.decisions.register_schema()
    service.parts.assessor.signup(Signup.model_validate_json(json.dumps(signup(pointer, value))), NOW)
    name, reading = kept
    before = service.parts.profiles.view("u_1", NOW)
    assert before["readings"][name] == reading
    service.rescorer.again("u_1", "schedule", NOW + 86_400)
    after = service.parts.profiles.view("u_1", NOW + 86_400)
    assert after["readings"][name] == reading
    assert after["latest"]["warnings"] == before["assessment"]["warnings"]


@pytest.mark.parametrize("time", ["2027-11-22T10:00:00Z", "-271821-04-20T00:00:00.000Z", "0001-01-01T00:00:00Z"])
def test_a_clock_that_is_ahead_or_of_no_year_counts_as_now(http: FlaskClient, store: Store, time: str) -> None:
    assert http.post("/v1/signups", json=signup("/event/time", time)).status_code == 200
    [key] = store.execute("KEYS", "risk:a:*")
    assert float(store.execute("HGET", key, "at")) == NOW


@pytest.mark.parametrize(("seconds", "warned"), [(300, []), (301, [(INVALID, "/event/time")])])
def test_a_clock_is_ahead_of_the_replayed_one(
    make_app: Callable[..., Any], seconds: int, warned: list[tuple[str, str]]
) -> None:
    headers = {"Authorization": f"Bearer {BOOTSTRAP_KEY}", "X-Replay-Time": rfc3339(NOW - 86_400)}
    body = signup("/event/time", rfc3339(NOW - 86_400 + seconds))
    found = make_app(replay=True).test_client().post("/v1/signups", json=body, headers=headers)
    assert (found.status_code, told(found.json)) == (200, warned)


def test_two_long_devices_that_begin_alike_are_no_link(http: FlaskClient) -> None:
    for number in (1, 2):
        body = signup("/device/id", LONGER + str(number))
        body |= {"account": {"user_id": f"u_{number}"}, "email": {"address": f"ana@ruiz-{number}.example"}}
        found = http.post("/v1/signups", json=body).json or {}
    assert found["linkage"]["evidence"] == []


def test_a_body_is_kept_bounded(http: FlaskClient, store: Store) -> None:
    body = signup("/account/name", "x" * 200_000)
    body["behavior"] = {"pasted_fields": ["y" * 5000] * 100}
    body["custom_inputs"] = {"campaign": "z" * 100_000}
    assert http.post("/v1/signups", json=body).status_code == 200
    [key] = store.execute("KEYS", "risk:a:*")
    values = store.execute("HMGET", key, *SIGNUP_FIELDS)
    kept = orjson.loads(kept_signup(dict(zip(SIGNUP_FIELDS, values, strict=True))))
    lengths = (
        len(kept["account"]["name"]),
        len(kept["behavior"]["pasted_fields"]),
        len(kept["custom_inputs"]["campaign"]),
    )
    assert lengths == (2049, 51, 256)


@pytest.mark.parametrize(
    ("event", "warned"),
    [
        ({"time": "2026-11-22T10:05:01Z"}, [(INVALID, "/time")]),
        ({"time": "0001-01-01T00:00:00Z"}, [(INVALID, "/time")]),
        ({"count": -1}, [(INVALID, "/count")]),
        ({"count": 1.5}, [(CUT, "/count")]),
        ({"count": 2**60}, [(INVALID, "/count")]),
        ({"plan": LONGER}, [(CUT, "/plan")]),
        ({"custom_inputs": {"a": "x" * 256}}, [(CUT, "/custom_inputs/a")]),
        ({"custom_inputs": {"a": HUGE}}, [(INVALID, "/custom_inputs/a")]),
        ({"device": {"ip_address": LONGER}}, [(INVALID, "/device/ip_address")]),
        ({"device": {"id": "a\0b"}}, [(INVALID, "/device/id")]),
        ({"device": {"user_agent": f"a{HALF}"}}, [(CUT, "/device/user_agent")]),
        ({"type": "phone_changed", "phone": {"number": LONGER}}, [(INVALID, "/phone/number")]),
        ({"type": "phone_changed", "phone": {"number": "+34600123123\0"}}, [(CUT, "/phone/number")]),
        ({"type": "email_changed", "email": {"address": f"{HALF}@ruiz.example"}}, [(INVALID, "/email/address")]),
        ({"type": "email_changed", "email": {"address": "\0@ruiz.example"}}, [(INVALID, "/email/address")]),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_what_a_visitor_controls_in_an_event_is_a_warning(
    http: FlaskClient, event: dict[str, Any], warned: list[tuple[str, str]]
) -> None:
    http.post("/v1/signups", json=signup("/account/name", "Ana"))
    body = json.dumps({"type": "login", **event})
    found = http.post("/v1/accounts/u_1/events", data=body, content_type="application/json")
    assert (found.status_code, told(found.json or {})) == (202, warned), found.text


NO_COUNT: list[Any] = ["7", True, [7]]
NO_TEXT: list[Any] = [7, True, [], {"a": "b"}]
WRONG: list[tuple[str, Any]] = [
    *((name, value) for name in (*TEXTS, *IDS, *PARSED) for value in NO_TEXT),
    *((name, value) for name in COUNTS for value in NO_COUNT),
    ("/behavior/pasted_fields", "name"),
    ("/behavior/pasted_fields", [7]),
    ("/behavior/honeypot_filled", "no"),
    ("/behavior/captcha_passed", 1),
    ("/email/verified", "yes"),
    ("/event/time", 1_795_341_600),
    ("/event/time", "22.11.2026"),
    ("/custom_inputs/Campaign", "spring"),
    ("/custom_inputs/campaign", ["spring"]),
    ("/account/user_id", ""),
    ("/account/user_id", "a\0b"),
    ("/account/user_id", "x" * 129),
    ("/email/address", None),
    ("/account/nickname", "Ana"),
]


@pytest.mark.parametrize(("pointer", "value"), WRONG, ids=[repr(each)[:60] for each in WRONG])
def test_what_only_the_callers_code_can_get_wrong_is_refused(http: FlaskClient, pointer: str, value: Any) -> None:
    found = http.post("/v1/signups", json=signup(pointer, value))
    assert found.status_code == 422, found.text
    assert any(row["pointer"].startswith(pointer) for row in (found.json or {})["errors"])


def test_every_input_that_may_be_cut_is_in_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs/inputs.md").read_text()
    for pointer in (*TEXTS, *IDS, *COUNTS, *PARSED, "/behavior/pasted_fields", "/event/time", "/custom_inputs/*"):
        assert f"`{pointer}`" in page
