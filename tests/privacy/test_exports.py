"""What is held of an account is given out whole, and nothing of others with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from riskapi.reviews.queue import review_key
from riskapi.store.connections import Store
from riskapi.store.streams import account_key
from tests.privacy.life import FRIEND, HERS, USER, live, signup

Ask = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def export(ask: Ask) -> Callable[[str], tuple[int, dict[str, Any]]]:
    """Ask for what is held of an account, and hold the answer to the document."""
    return lambda user: ask("POST", "/v1/privacy/export", "/v1/privacy/export", json={"user_id": user})


def test_all_that_she_and_others_wrote_is_in_it(client: Any, export: Callable[..., Any]) -> None:
    review = live(client)
    status, found = export(USER)
    text = orjson.dumps(found).decode()
    # What recipients' servers said is counted, and kept whole only with reports that came as mail or webhook.
    assert status == 200 and [each for each in HERS if each not in text] == []
    assert found["sent"] == {"2026-11-22": 3}
    assert review in [each["id"] for each in found["reviews"]]
    assert {each["type"] for each in found["activity"]} >= {"login", "email_changed", "phone_verified"}
    assert {(each["list"], each["kind"]) for each in found["lists"]} == {("watch", "email"), ("watch", "user")}
    assert "labelled" in {each["action"] for each in found["audit"]}
    assert len(found["decisions"]) >= 2 and all(each["readings"] for each in found["decisions"])
    assert found["evidence"] is None


def test_nothing_that_others_posted_is_in_it(client: Any, export: Callable[..., Any]) -> None:
    live(client)
    text = orjson.dumps(export(USER)[1]).decode()
    for others in ("fay@fays-glass.example", "Fay Friend", "198.51.100.7", "r@rx.example"):
        assert others not in text


def test_it_changes_nothing(client: Any, store: Store, export: Callable[..., Any]) -> None:
    live(client)
    before = {key: store.execute("DUMP", key) for key in store.execute("KEYS", "*")}
    export(USER)
    after = {key: store.execute("DUMP", key) for key in store.execute("KEYS", "*")}
    assert {key for key in after if after[key] != before.get(key)} <= {b"risk:audit", b"risk:audit:chain:{risk:audit}"}


def test_of_an_erased_account_it_says_what_is_kept_and_until_when(client: Any, export: Callable[..., Any]) -> None:
    live(client)
    client.post("/v1/privacy/erase", json={"user_id": USER, "keep_evidence_days": 30})
    status, found = export(USER)
    assert (
        status == 200 and found["account"] is None and found["reviews"] == found["decisions"] == found["entries"] == []
    )
    assert found["evidence"]["evidence_until"] == "2026-12-22T10:00:00.000Z" and found["evidence"]["things"] > 5


def test_an_account_that_was_only_sent_for_or_is_not_there(client: Any, export: Callable[..., Any]) -> None:
    assert export("nobody")[0] == 404
    client.post("/v1/signups", json=signup(FRIEND, "fay@fays-glass.example"))
    status, found = export(FRIEND)
    assert status == 200 and found["sent"] == {} and len(found["decisions"]) == 1


def damaged_account(field: str) -> Callable[[str], tuple[str, str]]:
    """A field of her account: what is damaged, whichever her review is."""
    return lambda _: (account_key(USER), field)


@pytest.mark.parametrize(
    ("place", "missing"),
    [
        (damaged_account("assessment"), ["account", "decisions"]),
        (damaged_account("latest"), ["account"]),
        (damaged_account("signup"), ["account", "lists"]),
        (damaged_account("n:login"), ["activity"]),
        (lambda review: (review_key(review), "risk_score"), ["reviews"]),
    ],
    ids=["first record", "latest answer", "signup", "activity", "review"],
)
def test_what_cannot_be_read_is_named_and_the_rest_given_out(
    client: Any, store: Store, export: Callable[..., Any], place: Callable[[str], tuple[str, str]], missing: list[str]
) -> None:
    review = live(client)
    whole = export(USER)[1]
    assert whole["unreadable"] == []
    store.execute("HSET", *place(review), b"\x00 damaged")
    status, found = export(USER)
    assert (status, found["unreadable"]) == (200, missing)
    assert (found["account"] is None) == ("account" in missing)
    left_out = {name: len(whole[name]) - len(found[name]) for name in ("activity", "decisions", "reviews", "lists")}
    assert {name for name, count in left_out.items() if count} == {*missing} - {"account"}
    assert "user" in {each["kind"] for each in found["lists"]}
    assert all(found[name] == whole[name] for name in ("sent", "entries", "reports"))
