"""``/v1/lists`` as callers use it: put, try, list, report, remove; every answer as documented."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from riskapi.keys import Keys
from riskapi.store.connections import Store
from tests.conftest import BOOTSTRAP_KEY, Clock
from tests.test_logs import Lines, lines  # noqa: F401 - the fixture
from tests.test_openapi import conforms
from tests.test_problems import is_problem

ONE, ALL, ENTRY = "/v1/lists/{list}", "/v1/lists", "/v1/lists/{list}/{entry_id}"


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    return dict(client.get("/openapi.json").json or {})


@pytest.fixture
def ask(client: FlaskClient, document: dict[str, Any]) -> Callable[..., Any]:
    """``ask("GET", template, path, …)`` asks and holds the answer to the document; gives status and body."""

    def made(method: str, template: str, path: str, **given: Any) -> tuple[int, dict[str, Any]]:
        response = client.open(path, method=method, **given)
        return response.status_code, conforms(document, method, template, response)

    return made


@pytest.fixture
def put(ask: Callable[..., Any]) -> Callable[..., Any]:
    def made(name: str, kind: str, value: str, **more: Any) -> Any:
        headers = more.pop("headers", {})
        return ask("POST", ONE, f"/v1/lists/{name}", json={"kind": kind, "value": value, **more}, headers=headers)

    return made


def signup(user: str, **parts: Any) -> dict[str, Any]:
    return {
        "account": {"user_id": user},
        "email": {"address": f"{user}@ruiz.example"},
        "device": {"ip_address": "203.0.113.9"},
        **parts,
    }


def decided(client: FlaskClient, user: str) -> dict[str, Any]:
    found: Any = client.post("/v1/signups", json=signup(user)).json
    return dict(found)


def test_an_entry_is_put_read_listed_and_removed(ask: Callable[..., Any], put: Callable[..., Any]) -> None:
    more = {"reason": "phishing", "expires_at": "2027-01-01T00:00:00+01:00"}
    status, made = put("deny", "email_domain", "Spam.example", **more)
    assert status == 201
    assert (made["list"], made["value"], made["normalized"]) == ("deny", "Spam.example", "spam.example")
    assert (made["author"], made["expires_at"]) == ("bootstrap", "2026-12-31T23:00:00.000Z")
    assert (made["would_match"], made["would_match_count"], made["would_match_complete"]) == ([], 0, True)
    entry = {name: value for name, value in made.items() if not name.startswith("would_match")}
    path = f"/v1/lists/deny/{made['id']}"
    assert ask("GET", ENTRY, path) == (200, entry)
    assert ask("GET", ALL, "/v1/lists") == (200, {"entries": [entry], "next_cursor": None})
    assert ask("GET", ONE, "/v1/lists/deny?kind=email_domain")[1]["entries"] == [entry]
    assert ask("GET", ONE, "/v1/lists/allow")[1]["entries"] == []
    assert ask("DELETE", ENTRY, path) == (200, entry)
    assert ask("DELETE", ENTRY, path)[0] == 404
    assert ask("GET", ENTRY, path)[0] == 404


def test_what_it_would_match_is_told_before_it_is_saved(
    client: FlaskClient, ask: Callable[..., Any], put: Callable[..., Any]
) -> None:
    for user in ("u_1", "u_2"):
        assert client.post("/v1/signups", json=signup(user)).status_code == 200
    status, tried = put("deny", "email_domain", "ruiz.example", dry_run=True)
    assert (status, tried["id"]) == (200, None)
    assert (sorted(tried["would_match"]), tried["would_match_count"]) == (["u_1", "u_2"], 2)
    assert ask("GET", ALL, "/v1/lists")[1]["entries"] == []
    assert decided(client, "u_3")["disposition"]["source"] != "list"
    status, made = put("deny", "email_domain", "ruiz.example")
    assert (status, made["would_match_count"]) == (201, 3)
    answer = decided(client, "u_4")
    assert (answer["decision"], answer["disposition"]) == ("limit", {"source": "list", "rule": made["id"]})


def test_an_entry_without_its_value_shows_none(
    client: FlaskClient, ask: Callable[..., Any], put: Callable[..., Any]
) -> None:
    decided(client, "u_1")
    status, tried = put("deny", "email_domain", "Ruiz.example", hashed=True, dry_run=True)
    assert (status, tried["would_match"], tried["value"]) == (200, ["u_1"], None)
    status, made = put("deny", "email_domain", "Ruiz.example", hashed=True)
    assert (status, made["value"], made["hashed"], made["review_ids"]) == (201, None, True, [])
    assert made["normalized"].startswith("#") and len(made["normalized"]) == 8
    page = client.get("/v1/lists/deny")
    assert b"ruiz" not in page.data.lower()
    assert ask("GET", ENTRY, f"/v1/lists/deny/{made['id']}")[1]["normalized"] == made["normalized"]
    assert decided(client, "u_2")["disposition"] == {"source": "list", "rule": made["id"]}


def test_an_entry_ends_by_the_clock(client: FlaskClient, put: Callable[..., Any], clock: Clock) -> None:
    put("deny", "ip", "203.0.113.9", expires_at="2026-11-22T11:00:00Z")
    clock.advance(3599)
    assert decided(client, "u_1")["decision"] == "limit"
    clock.advance(1)
    assert decided(client, "u_2")["disposition"]["source"] != "list"


def test_the_same_key_puts_once(put: Callable[..., Any], ask: Callable[..., Any]) -> None:
    headers = {"Idempotency-Key": "k1"}
    first = put("deny", "ip", "203.0.113.9", headers=headers)
    assert put("deny", "ip", "203.0.113.9", headers=headers) == first
    assert put("deny", "ip", "203.0.113.10", headers=headers)[0] == 409
    assert len(ask("GET", ALL, "/v1/lists")[1]["entries"]) == 1


def test_entries_come_in_pages_newest_first(ask: Callable[..., Any], put: Callable[..., Any], clock: Clock) -> None:
    made = []
    for number in range(5):
        clock.advance(1)
        made.append(put(("deny", "watch")[number % 2], "user", f"u_{number}")[1]["id"])
    first = ask("GET", ALL, "/v1/lists?limit=3")[1]
    rest = ask("GET", ALL, f"/v1/lists?limit=3&cursor={first['next_cursor']}")[1]
    assert [row["id"] for row in first["entries"] + rest["entries"]] == made[::-1]
    assert rest["next_cursor"] is None
    assert [row["id"] for row in ask("GET", ALL, "/v1/lists?list=watch")[1]["entries"]] == made[3::-2]
    assert ask("GET", ALL, "/v1/lists?cursor=nonsense")[0] == 422


def test_what_nobody_needs_is_reported(ask: Callable[..., Any], put: Callable[..., Any], clock: Clock) -> None:
    made = put("deny", "ip", "203.0.113.9")[1]
    assert ask("GET", "/v1/lists/stale", "/v1/lists/stale")[1] == {"days": 90, "entries": [], "complete": True}
    clock.advance(31 * 86400)
    report = ask("GET", "/v1/lists/stale", "/v1/lists/stale?days=30")[1]
    assert [(row["id"], row["why"]) for row in report["entries"]] == [(made["id"], ["never_hit"])]
    assert ask("GET", "/v1/lists/stale", "/v1/lists/stale?days=0")[0] == 422


@pytest.mark.parametrize(
    ("name", "body", "pointer"),
    [
        ("deny", {"kind": "email", "value": "secret-value"}, "/value"),
        ("deny", {"kind": "email", "value": "secret@value.example", "hashed": True}, "/hashed"),
        ("deny", {"kind": "device", "value": "secret-value", "hashed": "yes"}, "/hashed"),
        ("deny", {"kind": "email_domain", "value": "secret.value.example", "hashed": True}, "/value"),
        ("deny", {"kind": "cidr", "value": "203.0.113.77/24"}, "/value"),
        ("deny", {"kind": "ip", "value": "10.9.8.7"}, "/value"),
        ("deny", {"kind": "phone", "value": "0049301234567"}, "/value"),
        ("deny", {"kind": "email_domain", "value": "co.uk"}, "/value"),
        ("deny", {"kind": "email", "value": ""}, "/value"),
        ("deny", {"kind": "email", "value": "a" * 2049}, "/value"),
        ("deny", {"kind": "email", "value": None}, "/value"),
        ("deny", {"kind": "email"}, "/value"),
        ("deny", {"kind": "postcode", "value": "secret-value"}, "/kind"),
        ("deny", {"kind": "user", "value": "u_1", "expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
        ("deny", {"kind": "user", "value": "u_1", "expires_at": 9999999999}, "/expires_at"),
        ("deny", {"kind": "user", "value": "u_1", "reason": " "}, "/reason"),
        ("deny", {"kind": "user", "value": "u_1", "silences_feedback": True}, "/silences_feedback"),
        ("watch", {"kind": "user", "value": "u_1", "silences_feedback": True}, "/silences_feedback"),
        ("allow", {"kind": "user", "value": "u_1", "author": "kim"}, "/author"),
    ],
)
def test_what_cannot_be_an_entry_is_refused_with_its_place_and_without_its_value(
    client: FlaskClient, ask: Callable[..., Any], name: str, body: dict[str, Any], pointer: str
) -> None:
    found = is_problem(client.post(f"/v1/lists/{name}", json=body), 422, "invalid")
    assert [error["pointer"] for error in found["errors"]] == [pointer]
    value = body.get("value")
    assert not value or len(value) < 6 or value not in json.dumps(found)
    assert ask("GET", ALL, "/v1/lists")[1]["entries"] == []


@pytest.mark.parametrize("path", ["/v1/lists/block", "/v1/lists/deny/a%20b", "/v1/lists/Deny", "/v1/lists/deny/lst_1"])
def test_what_is_no_list_or_entry_is_not_found(client: FlaskClient, path: str) -> None:
    is_problem(client.get(path), 404, "not_found")


def test_only_keys_with_the_scope_may(client: FlaskClient, store: Store) -> None:
    keys = Keys(store, BOOTSTRAP_KEY)
    for scopes, status in ((["lists"], 200), (["signups", "policy", "reviews"], 403)):
        headers = {"Authorization": f"Bearer {keys.create('some', scopes)}"}
        assert client.get("/v1/lists", headers=headers).status_code == status
        assert client.get("/v1/lists/stale", headers=headers).status_code == status
        assert client.delete("/v1/lists/deny/lst_1", headers=headers).status_code == (404 if status == 200 else 403)


def test_values_are_never_logged(client: FlaskClient, put: Callable[..., Any], lines: Lines) -> None:  # noqa: F811
    made = put("deny", "email", "somebody@ruiz.example")[1]
    client.post("/v1/signups", json=signup("u_1", email={"address": "somebody@ruiz.example"}))
    client.delete(f"/v1/lists/deny/{made['id']}")
    client.post("/v1/lists/deny", json={"kind": "ip", "value": "somebody@ruiz.example"})
    assert len(lines()) == 4
    assert "somebody" not in str(lines())
    assert "somebody" not in client.get("/metrics").text
    assert 'riskapi_lists_total{change="put",list="deny"} 1.0' in client.get("/metrics").text
