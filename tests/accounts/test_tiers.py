"""Who is in which tier: written in one place, with the history and the event of every change."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import orjson
import pytest

from riskapi.accounts.accounts import history_key
from riskapi.accounts.packing import unpack
from riskapi.accounts.tiers import Arrival, Tiers
from riskapi.app import Service
from riskapi.contract import Reason
from riskapi.policy import Policy
from riskapi.reviews import queue
from riskapi.store.streams import account_key, shard, stream
from tests.conftest import NOW
from tests.signups import body, post

RISKAPI = Path(__file__).parents[2] / "riskapi"


def test_one_script_part_and_nothing_else_changes_a_tier() -> None:
    """``account_record`` writes the first one, as a field of an account that was not there."""
    writes = re.compile(rb"HSET'?,[^\n]*'tier'|HDEL'?,[^\n]*'tier'|HINCRBY[^\n]*'tier'")
    found = {file.name for file in (RISKAPI / "store/lua").rglob("*.lua") if writes.search(file.read_bytes())}
    assert found == {"tiers.lua"}
    commands = re.compile(r"""["']HSET["'][^\n]*["']tier["']""")
    assert [file for file in RISKAPI.rglob("*.py") if commands.search(file.read_text())] == []


def test_the_first_entry_of_a_history_is_told_by_the_answer_and_not_kept_twice(service: Service) -> None:
    answer = post(service, body())
    assert service.store.execute("LLEN", history_key("u_1")) == 0
    (entry,) = service.accounts.load("u_1").history
    assert entry == {
        "at": answer["created_at"],
        "from": None,
        "to": "allow",
        "source": answer["disposition"]["source"],
        "actor": None,
        "reason": None,
        "versions": answer["versions"],
        "expires_at": None,
        "cause": None,
    }


def test_what_the_answer_does_not_tell_of_it_is_kept(service: Service) -> None:
    lists = service.parts.lists
    draft = lists.draft(
        "deny", "user", "u_1", expires_at=NOW + 86_400, reason=None, author="kim", silences_feedback=False, now=NOW
    )
    lists.put(draft, NOW)
    assert post(service, body())["decision"] == "limit"
    (first,) = service.accounts.load("u_1").history
    assert (first["source"], first["expires_at"]) == ("list", "2026-11-23T10:00:00.000Z")


@pytest.mark.parametrize("answered", [True, False], ids=["told by the answer", "kept with it"])
def test_what_is_given_of_an_account_and_its_review_is_kept_to_the_byte(
    service: Service, rules: Policy, answered: bool
) -> None:
    """However it is handed to the store: numbers, no text, and texts that hold anything, with nothing in them or more
    than JSON takes as it is."""
    user_id, every_byte = "ü_1", bytes(range(256))
    fields: dict[str, bytes | str | int] = {
        "own": "review", "plan": 'frei\0"\r\n\\ü\u2028🙂', "things": "", "mail": "m", "wave": every_byte,
        "tier": "review", "daily_volume": 2**60, "entities": every_byte[::-1], "at": repr(NOW),
        "looked": "$3\r\nabc\r\n",
    }  # fmt: skip
    reasons: list[Reason] = [{"code": "ü", "signal": None, "text": "ü", "contribution": None}]
    review = queue.opening(user_id, NOW, 12.5, reasons, answered=answered)
    arrival = Arrival(user_id, fields, b"1", b"2", b"3", b"{}", "decision", review=review, cause="ü")
    assert Tiers(service.store).record(arrival, rules, NOW) is None

    kept = service.store.execute("HGETALL", account_key(user_id))
    assert unpack(kept.pop(b"assessment")) == b"1\n2\n3"
    assert kept == _stored(fields | {"first_cause": "ü"})
    assert service.store.execute("HGETALL", review.key) == _stored(review.fields)
    assert (b"reasons" in _stored(review.fields)) is not answered
    assert Tiers(service.store).record(arrival, rules, NOW) is None, "a lost answer has it sent again"
    assert service.store.execute("XLEN", stream(shard(user_id))) == 2


def _stored(fields: Mapping[str, bytes | str | int]) -> dict[bytes, bytes]:
    return {name.encode(): v if isinstance(v, bytes) else str(v).encode() for name, v in fields.items()}


def test_a_change_is_an_entry_and_an_event_at_once(service: Service) -> None:
    post(service, body())
    service.parts.labels.add("u_1", "abuse", "manual_review", "spam", "kim", NOW + 60)
    first, second = service.accounts.load("u_1").history
    assert (first["to"], second["from"], second["to"], second["actor"]) == ("allow", "allow", "limit", "kim")
    told = [
        orjson.loads(fields[b"data"])
        for _, fields in service.store.execute("XRANGE", stream(shard("u_1")), "-", "+")
        if fields[b"type"] == b"tier"
    ]
    assert [(event["from"], event["to"], event["source"]) for event in told] == [("allow", "limit", "reviewer")]
