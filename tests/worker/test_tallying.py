"""Tallying on the real store: what the streams tell is counted, by each once, whoever reads them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import orjson
import pytest

from riskapi.api.parts import Parts
from riskapi.store.connections import Store
from riskapi.store.streams import stream
from riskapi.store.tallies import Tallies, totals
from riskapi.worker import tallying
from riskapi.worker.tallying import Tallying, happened
from tests.conftest import NOW
from tests.signups import body, together


@pytest.mark.parametrize(
    ("type", "data", "expected"),
    [
        ("decision", {"kind": "signup", "tier": "allow"}, [("signup", "allow")]),
        ("decision", {"kind": "signup", "tier": "limit", "score": 100}, [("signup", "limit"), ("score", "9")]),
        ("decision", {"kind": "again", "tier": "allow", "score": 3}, []),
        (
            "decision",
            {"kind": "signup", "tier": "review", "shadow": {"rule:a": "limit", "model:b": "allow", "rule:c": "review"}},
            [("signup", "review"), ("shadow", "rule:a"), ("shadow", "model:b"), ("shadow", "rule:c")],
        ),
        ("review", {"to": "open", "opened": True}, [("review", "opened")]),
        ("review", {"to": "open"}, []),
        ("review", {"to": "decided"}, [("review", "decided")]),
        ("feedback", {"event": "complaint"}, []),
        ("feedback", {"action": "steps_lost", "rule": "spam_trap"}, [("threshold", "spam_trap")]),
        ("platform", {"action": "crossed", "rule": "blocks"}, [("threshold", "platform blocks")]),
        ("platform", {"action": "ended", "rule": "blocks"}, []),
        ("hold", {}, [("threshold", "sudden volume")]),
        ("cluster", {"change": "joined", "cluster_id": "clu_1", "user_ids": ["a", "b"]}, [("cluster", "clu_1")]),
        ("cluster", {"change": "joined", "cluster_id": "clu_1", "user_ids": []}, []),
        ("cluster", {"change": "merged", "cluster_id": "clu_1", "user_ids": ["a"]}, [("cluster", "clu_1")]),
        ("cluster", {"change": "split", "cluster_id": "clu_1"}, []),
    ],
)
def test_what_is_counted(type: str, data: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert [(row.group, row.id) for row in happened(type, data)] == expected


def test_signups_count_once_whoever_counts_them_and_new_ones_later(parts: Parts, store: Store) -> None:
    for number in range(3):
        parts.assessor.signup(body(f"u_{number}"), NOW)
    assert together(4, lambda _: Tallying(store).step(NOW)) == [0] * 4

    def counted() -> int:
        found = totals(Tallies(store).read(NOW, "day", 1), "signup")
        return sum(each["n"] for each in found.values())

    assert counted() == 3
    parts.assessor.signup(body("u_9"), NOW)
    Tallying(store).step(NOW)
    assert counted() == 4
    scores = totals(Tallies(store).read(NOW, "day", 1), "score")
    assert sum(each["n"] for each in scores.values()) == 4


def test_an_entry_that_cannot_be_read_holds_up_nothing(store: Store) -> None:
    told = {"at": NOW, "kind": "signup", "tier": "allow"}
    for data in (b"broken", b"{}", orjson.dumps({**told, "tier": None, "shadow": 3}), orjson.dumps(told)):
        store.execute("XADD", stream(0), "*", "type", "decision", "data", data)
    Tallying(store).step(NOW)
    assert totals(Tallies(store).read(NOW, "day", 1), "signup") == {"allow": {"n": 1}}


def test_signups_that_are_alike_are_counted_by_their_hour_tier_and_score(store: Store) -> None:
    told: list[dict[str, Any]] = [
        *[{"at": NOW + number, "score": number} for number in range(30)],
        {"at": NOW, "score": 100, "tier": "limit"},
        {"at": NOW - 3600, "score": 41},
        {"at": NOW},
        {"at": NOW, "score": 7, "shadow": {"rule:a": "limit"}},
    ]
    for number, each in enumerate(told):
        data = orjson.dumps({"id": f"asm_{number}", "user_id": f"u_{number}", **each})
        store.execute("XADD", stream(0), "*", "type", "decision", "data", data)
    Tallying(store).step(NOW)
    before, last = Tallies(store).read(NOW, "hour", 2)
    assert totals([before], "score") == {"4": {"n": 1}}
    assert totals([before], "signup") == {"allow": {"n": 1}}
    assert totals([last], "signup") == {"allow": {"n": 32}, "limit": {"n": 1}}
    assert totals([last], "score") == {"0": {"n": 11}, "1": {"n": 10}, "2": {"n": 10}, "9": {"n": 1}}
    assert totals([last], "shadow") == {"rule:a": {"tighter": 1}}


def test_what_one_step_leaves_is_counted_by_the_next(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallying, "_PAGE", 2)
    monkeypatch.setattr(tallying, "_TRIPS", 3)
    for number in range(9):
        data = orjson.dumps({"id": f"asm_{number}", "user_id": f"u_{number}", "at": NOW, "score": 7})
        store.execute("XADD", stream(number % 2 * 3), "*", "type", "decision", "data", data)
    for _ in range(4):
        store.execute("XADD", stream(0), "*", "type", "decision", "data", orjson.dumps({"at": NOW, "score": 7}))

    def counted() -> dict[str, Counter[str]]:
        return totals(Tallies(store).read(NOW, "day", 1), "signup")

    assert (Tallying(store).step(NOW), counted()) == (1, {"allow": {"n": 6 + 4}})
    assert (Tallying(store).step(NOW), counted()) == (0, {"allow": {"n": 13}})
