"""``/v1/lists`` as callers use it: put, try, list, report, remove; every answer as documented."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient

from riskapi.access.api_keys import ApiKeys
from riskapi.store.connections import Store
from tests.answers import is_problem
from tests.conftest import BOOTSTRAP_KEY, Clock
from tests.logged import Lines

ONE, ALL, ENTRY = "/v1/lists/{list}", "/v1/lists", "/v1/lists/{list}/{entry_id}"


#: What the answer to a put has besides the entry.
ADDED = {"replaced", "would_match", "would_match_count", "would_match_complete"}


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
    entry = {name: value for name, value in made.items() if name not in ADDED}
    path = f"/v1/lists/deny/{made['id']}"
    assert ask("GET", ENTRY, path) == (200, entry)
    assert ask("GET", ALL, "/v1/lists") == (200, {"entries": [entry], "next_cursor": None})
    assert ask("GET", ONE, "/v1/lists/deny?kind=email_domain")[1]["entries"] == [entry]
    assert ask("GET", ONE, "/v1/lists/allow")[1]["entries"] == []
    assert ask("DELETE", ENTRY, path) == (200, entry)
    assert ask("DELETE", ENTRY, path)[0] == 404
    assert ask("GET", ENTRY, path)[0] == 404


@pytest.mark.parametrize(
    ("kind", "value", "named", "near", "hashed"),
    [
        ("email_domain", "spam.example", "Spam.example", "a.spam.example", False),
        ("email_domain", "spam.example", "spam.example", "a.spam.example", True),
        ("cidr", "203.0.113.0/24", "203.0.113.0/24", "203.0.113.0/25", False),
        ("phone_prefix", "+34600", "+34 600", "+346001", False),
        ("mailbox", "ana.ruiz@gmail.com", "anaruiz+x@gmail.com", "anarui@gmail.com", True),
        ("device", "dev-1", "dev-1", "dev-2", True),
        ("user", "u_1", "u_1", "U_1", False),
    ],
)
def test_an_entry_is_removed_by_its_value(
    ask: Callable[..., Any], put: Callable[..., Any], kind: str, value: str, named: str, near: str, hashed: bool
) -> None:
    made = put("deny", kind, value, hashed=hashed)[1]

    def remove(name: str, value: str) -> Any:
        query = urlencode({"kind": kind, "value": value})
        return ask("DELETE", ONE, f"/v1/lists/{name}?{query}")

    assert [remove("deny", near)[0], remove("allow", named)[0]] == [404, 404]
    assert remove("deny", named) == (200, {name: value for name, value in made.items() if name not in ADDED})
    assert remove("deny", named)[0] == 404
    assert ask("GET", ALL, "/v1/lists")[1]["entries"] == []


def test_which_entry_to_remove_must_be_said(client: FlaskClient) -> None:
    for query, pointer in {
        "": "/kind",
        "?kind=ip": "/value",
        "?kind=ip&value=x": "/value",
        "?kind=x&value=x": "/kind",
    }.items():
        found = is_problem(client.delete(f"/v1/lists/deny{query}"), 422, "invalid")
        assert found["errors"][0]["pointer"] == pointer, query


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
    keys = ApiKeys(store, BOOTSTRAP_KEY)
    for scopes, status in ((["lists"], 200), (["signups", "policy", "reviews"], 403)):
        headers = {"Authorization": f"Bearer {keys.create('some', scopes)}"}
        assert client.get("/v1/lists", headers=headers).status_code == status
        assert client.get("/v1/lists/stale", headers=headers).status_code == status
        assert client.delete("/v1/lists/deny/lst_1", headers=headers).status_code == (404 if status == 200 else 403)


def test_values_are_never_logged(client: FlaskClient, put: Callable[..., Any], lines: Lines) -> None:
    made = put("deny", "email", "somebody@ruiz.example")[1]
    client.post("/v1/signups", json=signup("u_1", email={"address": "somebody@ruiz.example"}))
    client.delete(f"/v1/lists/deny/{made['id']}")
    client.post("/v1/lists/deny", json={"kind": "ip", "value": "somebody@ruiz.example"})
    assert len(lines()) == 4
    assert "somebody" not in str(lines())
    assert "somebody" not in client.get("/metrics").text
    assert 'riskapi_lists_total{change="put",list="deny"} 1.0' in client.get("/metrics").text


class TestReplaced:
    """Posting an entry that is there."""

    def test_a_replaced_entry_says_what_it_was(
        self, ask: Callable[..., Any], put: Callable[..., Any], clock: Clock
    ) -> None:
        status, first = put("deny", "ip", "203.0.113.9", expires_at="2027-01-01T00:00:00Z", reason="scan")
        assert (status, first["replaced"]) == (201, None)
        clock.advance(60)
        assert put("deny", "ip", "203.0.113.9", dry_run=True)[1]["replaced"]["id"] == first["id"]
        status, again = put("deny", "ip", "203.0.113.9", reason="spam")
        assert (status, again["id"], again["expires_at"], again["reason"]) == (200, first["id"], None, "spam")
        assert again["replaced"] == {name: value for name, value in first.items() if name not in ADDED}
        assert put("watch", "ip", "203.0.113.9")[0] == 201, "another list"

    def test_a_permanent_one_gets_an_end_only_where_that_is_meant(
        self, client: FlaskClient, ask: Callable[..., Any], put: Callable[..., Any]
    ) -> None:
        _, first = put("deny", "email_domain", "spam.example", reason="for good")
        refused = client.post(
            "/v1/lists/deny",
            json={"kind": "email_domain", "value": "spam.example", "expires_at": "2027-01-01T00:00:00Z"},
        )
        is_problem(refused, 409, "entry_permanent")
        assert first["id"] in (refused.json or {})["detail"]
        kept = ask("GET", ENTRY, f"/v1/lists/deny/{first['id']}")[1]
        assert (kept["expires_at"], kept["reason"]) == (None, "for good")
        assert put("deny", "email_domain", "spam.example", reason="still for good")[0] == 200
        status, ended = put("deny", "email_domain", "spam.example", expires_at="2027-01-01T00:00:00Z", replace=True)
        assert (status, ended["expires_at"], ended["replaced"]["expires_at"]) == (200, "2027-01-01T00:00:00.000Z", None)
        assert put("deny", "email_domain", "spam.example", expires_at="2026-12-01T00:00:00Z")[0] == 200


#: Wildcards as people write them, and the words that lead to what they mean.
WILDCARDS = {
    "any address of a domain": ("email", "*@spam.example", "list the domain as email_domain"),
    "as SQL writes it": ("email", "%@spam.example", "list the domain as email_domain"),
    "part of an address": ("mailbox", "ana*@ruiz.example", "list the domain as email_domain"),
    "below a domain": ("email_domain", "*.spam.example", "write the domain alone"),
    "a dot": ("email_domain", ".spam.example", "write the domain alone"),
    "an at sign": ("email_domain", "@spam.example", "write the domain alone"),
    "both": ("email_domain", "*@*.spam.example", "write the domain alone"),
    "linked": ("link_domain", "*.spam.example", "write the domain alone"),
    "addresses": ("ip", "203.0.113.*", "list the network as cidr"),
    "a network": ("cidr", "203.0.113.*", "address/length"),
    "numbers": ("phone", "+34600*", "phone_prefix"),
    "a prefix": ("phone_prefix", "+34600*", "write the beginning of the number alone"),
    "a prefix as SQL": ("phone_prefix", "%600", "write the beginning of the number alone"),
    "accounts": ("user", "u_*", "list each account"),
    "networks": ("asn", "*", "list each number"),
}


@pytest.mark.parametrize(("kind", "value", "said"), WILDCARDS.values(), ids=WILDCARDS)
def test_a_wildcard_is_refused_with_the_way_to_say_it(client: FlaskClient, kind: str, value: str, said: str) -> None:
    refused = client.post("/v1/lists/deny", json={"kind": kind, "value": value})
    is_problem(refused, 422, "invalid")
    [error] = (refused.json or {})["errors"]
    assert (error["pointer"], said in error["detail"]) == ("/value", True), error


@pytest.mark.parametrize("value", ["411111******1111", "dev*7"])
def test_a_star_in_an_identifier_is_none(put: Callable[..., Any], value: str) -> None:
    assert put("deny", "payment", value)[0] == 201


#: Entries there are, what is asked, and which of them match, the most specific first. All on the deny list.
THERE = {
    "a": ("email", "ana@mail.ruiz.example"),
    "b": ("mailbox", "Ana.Ruiz@gmail.com"),
    "c": ("email_domain", "ruiz.example"),
    "d": ("email_domain", "mail.ruiz.example"),
    "e": ("ip", "203.0.113.9"),
    "f": ("cidr", "203.0.113.0/24"),
    "g": ("cidr", "203.0.0.0/16"),
    "h": ("phone", "+34600123123"),
    "i": ("phone_prefix", "+34600"),
    "j": ("link_domain", "shop.example"),
    "k": ("device", "dev-7"),
    "l": ("asn", "64500"),
    "m": ("user", "u_1"),
    "n": ("cidr", "2001:db8::/32"),
}
FOUND = {
    "an address in networks": ("kind=ip&value=203.0.113.9", "efg"),
    "an address in one network": ("kind=ip&value=203.0.7.1", "g"),
    "the networks of an address": ("kind=cidr&value=203.0.113.9", "fg"),
    "a network in networks": ("kind=cidr&value=203.0.113.0/24", "fg"),
    "a network below one": ("kind=cidr&value=203.0.113.128/25", "fg"),
    "a network above one": ("kind=cidr&value=203.0.0.0/12", ""),
    "an address of version 6": ("kind=ip&value=2001:db8::7", "n"),
    "a mail address": ("kind=email&value=ANA@mail.ruiz.example", "adc"),
    "another at the domain": ("kind=email&value=bo@mail.ruiz.example", "dc"),
    "an address of a mailbox": ("kind=email&value=anaruiz%2Bx@googlemail.com", "b"),
    "a mailbox": ("kind=mailbox&value=a.naruiz@gmail.com", "b"),
    "a sub-domain": ("kind=email_domain&value=deep.mail.ruiz.example", "dc"),
    "a domain": ("kind=email_domain&value=ruiz.example", "c"),
    "the domain of an address": ("kind=email_domain&value=bo@ruiz.example", "c"),
    "a number": ("kind=phone&value=%2B34600123123", "hi"),
    "a number with a prefix": ("kind=phone&value=%2B34%20600%20999%20999", "i"),
    "a prefix below one": ("kind=phone_prefix&value=%2B346001", "i"),
    "a prefix above one": ("kind=phone_prefix&value=%2B346", ""),
    "a linked host": ("kind=link_domain&value=www.shop.example", "j"),
    "a device": ("kind=device&value=dev-7", "k"),
    "a number of an AS": ("kind=asn&value=AS64500", "l"),
    "an account": ("kind=user&value=u_1", "m"),
    "nobody": ("kind=user&value=u_2", ""),
    "without a kind, an address": ("value=203.0.113.9", "efg"),
    "without a kind, a mail address": ("value=ana@mail.ruiz.example", "adc"),
    "without a kind, a domain": ("value=mail.ruiz.example", "dc"),
    "without a kind, what can be nothing": ("value=%20", ""),
}


@pytest.fixture
def there(put: Callable[..., Any]) -> dict[str, str]:
    """The letter of each entry by its id."""
    return {put("deny", kind, value)[1]["id"]: letter for letter, (kind, value) in THERE.items()}


def test_entries_are_found_by_a_value_they_match(
    ask: Callable[..., Any], put: Callable[..., Any], there: dict[str, str]
) -> None:
    for what, (query, expected) in FOUND.items():
        status, page = ask("GET", ONE, f"/v1/lists/deny?{query}")
        found = "".join(there[entry["id"]] for entry in page["entries"])
        assert (status, found, page["next_cursor"]) == (200, expected, None), what
        assert ask("GET", ONE, f"/v1/lists/allow?{query}")[1]["entries"] == []
    assert len(ask("GET", ALL, "/v1/lists?kind=ip&value=203.0.113.9")[1]["entries"]) == 3


def test_one_without_its_value_is_found_by_it(ask: Callable[..., Any], put: Callable[..., Any], clock: Clock) -> None:
    made = [
        put("deny", kind, value, hashed=True)[1]["id"]
        for kind, value in (
            ("mailbox", "ana.ruiz@gmail.com"),
            ("phone", "+34600123123"),
            ("email_domain", "spam.example"),
        )
    ]
    asked = (
        "kind=mailbox&value=anaruiz@gmail.com",
        "kind=phone&value=%2B34600123123",
        "kind=email_domain&value=x.spam.example",
    )
    for entry_id, query in zip(made, asked, strict=True):
        assert [each["id"] for each in ask("GET", ONE, f"/v1/lists/deny?{query}")[1]["entries"]] == [entry_id]


def test_an_expired_entry_matches_nothing(ask: Callable[..., Any], put: Callable[..., Any], clock: Clock) -> None:
    put("deny", "user", "u_1", expires_at="2026-11-22T10:00:30Z")
    assert len(ask("GET", ONE, "/v1/lists/deny?kind=user&value=u_1")[1]["entries"]) == 1
    clock.advance(60)
    assert ask("GET", ONE, "/v1/lists/deny?kind=user&value=u_1")[1]["entries"] == []


@pytest.mark.parametrize(
    "query", ["kind=ip&value=x", "kind=cidr&value=x", "kind=email&value=x", "value=", "kind=x&value=y"]
)
def test_what_can_be_no_value_is_refused(client: FlaskClient, query: str) -> None:
    is_problem(client.get(f"/v1/lists/deny?{query}"), 422, "invalid")
