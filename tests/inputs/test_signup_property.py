"""Any signup the model takes is assessed, and any damage to one is answered with 200 or a 4xx problem."""

from __future__ import annotations

import json
import string
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from riskapi.api.problems import ProblemDocument
from riskapi.decisions.answer import Assessment
from tests.answers import checked
from tests.conftest import keyed

QUICK = settings(
    max_examples=150,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)

# Everything: NUL, right-to-left marks, and halves of surrogate pairs.
text = st.text(st.characters(), max_size=60)
user_ids = st.text(string.ascii_letters + string.digits + "_.:@-", min_size=1, max_size=128)
addresses = st.one_of(
    text,
    st.emails(),
    st.builds(
        "{}@{}".format, text, st.sampled_from(["gmail.com", "ruiz.example", "bücher.example", "[192.0.2.1]", ""])
    ),
    st.sampled_from(
        ["@", "a@", "@b", "a@b@c", '"a b"@x.example', "a@xn--.example", "a@" + "x" * 300, "ana@пример.example"]
    ),
)
numbers = st.one_of(
    text,
    st.from_regex(r"\+?[0-9 ()./-]{0,30}", fullmatch=True),
    st.sampled_from(["+", "+34600123123", "tel:+1-212-555-0100;ext=9", "٠٦٠٠١٢٣", "+999" * 20, "0" * 2048]),
)
networks = st.one_of(
    text,
    st.ip_addresses().map(str),
    st.sampled_from(
        ["::ffff:203.0.113.9", "fe80::1%eth0", "10.0.0.1", "203.0.113.9/24", "0x7f.1", "1", "::", "%", "1.2.3.4:80"]
    ),
)
zones = st.one_of(
    text, st.sampled_from(["Europe/Madrid", "UTC", "../../etc/passwd", "/etc/localtime", "Europe", "\x00"])
)
languages = st.one_of(text, st.sampled_from(["es-ES", "*", "en;q=2", "x-" * 500, "de,fr;q=nan", ";;,,"]))
counts = st.one_of(st.none(), st.integers(), st.floats())
scalars = st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(), text)
PAST = st.datetimes().map(lambda at: at.replace(year=min(at.year, 2025)).isoformat() + "Z")
times = st.one_of(
    PAST,
    st.sampled_from(
        ["0001-01-01T00:00:00+23:59", "0001-01-01T00:00:00Z", "2026-11-22T10:05:00Z", "9999-12-31T23:59:59Z"]
    ),
)


def part(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """An object with any of these fields, any of them null; or null."""
    return st.one_of(
        st.none(),
        st.fixed_dictionaries({}, optional={name: st.one_of(st.none(), each) for name, each in fields.items()}),
    )


signups = st.fixed_dictionaries(
    {
        "account": st.fixed_dictionaries(
            {"user_id": user_ids},
            optional={name: text for name in ("name", "organization", "website", "plan", "referrer_id")},
        ),
        "email": st.fixed_dictionaries({"address": addresses}),
    },
    optional={
        "phone": part(number=numbers),
        "device": part(
            ip_address=networks,
            id=text,
            user_agent=text,
            accept_language=languages,
            time_zone=zones,
            tls_fingerprint=text,
        ),
        "behavior": part(
            form_fill_ms=counts,
            pasted_fields=st.lists(text, max_size=5),
            honeypot_filled=st.booleans(),
            keystrokes=counts,
            captcha_passed=st.booleans(),
            pages_before_signup=counts,
        ),
        "payment": part(fingerprint=text),
        "event": part(time=times),
        "custom_inputs": st.one_of(
            st.none(), st.dictionaries(st.from_regex(r"[a-z0-9_]{1,25}", fullmatch=True), scalars, max_size=5)
        ),
    },
)

values = st.recursive(
    st.one_of(scalars, st.just(10**30), st.just("x" * 3000)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(text, inner, max_size=3)),
    max_leaves=5,
)


@pytest.fixture
def http(make_app: Callable[..., Flask]) -> FlaskClient:
    return keyed(make_app())


def damage(signup: Any, path: list[int], value: Any, action: str) -> Any:
    """The signup with one place in it replaced, removed or joined by something; ``path`` picks the place."""
    holder: Any = None
    key: Any = None
    found = signup
    for step in path:
        if not isinstance(found, dict | list) or not found:
            break
        keys = sorted(found) if isinstance(found, dict) else list(range(len(found)))
        holder, key = found, keys[step % len(keys)]
        found = holder[key]
    if holder is None:
        return value
    if action == "replace":
        holder[key] = value
    elif action == "remove":
        del holder[key]
    elif isinstance(holder, dict):
        holder[str(value)[:20]] = value
    return signup


@QUICK
@given(signup=signups)
@example(signup={"account": {"user_id": "u"}, "email": {"address": "ana@ruiz.example"}})
def test_any_signup_is_assessed(http: FlaskClient, signup: dict[str, Any]) -> None:
    response = http.post("/v1/signups", json=signup)
    # The same user_id may have come before with another address.
    if response.status_code == 409:
        assert response.json is not None
        assert response.json["code"] == "signup_conflict"
        return
    assert response.status_code == 200, response.text
    found = checked(Assessment, response.data)
    assert found["user_id"] == signup["account"]["user_id"]
    again = http.post("/v1/signups", json=signup)
    assert (again.status_code, again.data) == (200, response.data)
    account = http.get(f"/v1/accounts/{found['user_id']}")
    assert account.status_code == 200, account.text


@QUICK
@given(
    signup=signups,
    path=st.lists(st.integers(0, 20), min_size=1, max_size=3),
    value=values,
    action=st.sampled_from(["replace", "remove", "join"]),
)
def test_any_damage_to_a_signup_is_answered(
    http: FlaskClient, signup: dict[str, Any], path: list[int], value: Any, action: str
) -> None:
    response = http.post("/v1/signups", json=damage(signup, path, value, action))
    if response.status_code == 200:
        checked(Assessment, response.data)
    else:
        assert response.status_code in (409, 422), response.text
        checked(ProblemDocument, response.data)


@QUICK
@given(signup=signups, at=st.integers(0, 10_000), junk=st.binary(max_size=4), length=st.integers(0, 5))
def test_any_damage_to_the_bytes_is_answered(
    http: FlaskClient, signup: dict[str, Any], at: int, junk: bytes, length: int
) -> None:
    raw = json.dumps(signup, ensure_ascii=False).encode()
    at %= len(raw)
    response = http.post("/v1/signups", data=raw[:at] + junk + raw[at + length :], content_type="application/json")
    assert response.status_code in (200, 400, 409, 422), response.text
