"""An entity of few is one string, one of many a sorted set, and so is one of few that an earlier release wrote.

Whatever is asked of them, the answers are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from riskapi import policy
from riskapi.links.census import Census, Censuses
from riskapi.links.entities import Links
from riskapi.links.kinds import MessageEntities, Touch
from riskapi.store.connections import Store
from riskapi.store.streams import account_key
from signals.facts import Entity
from signals.records import changed
from tests.active_readers import readers_of, shipped
from tests.conftest import NOW
from tests.joining import bind
from tests.members import members

DAY = 86400.0
RULES = policy.load(policy.DEFAULT)
LISTS = shipped()
#: Of things that are only counted nobody asks how many came when, of crowds only how many came within an hour.
_LONGER = ("accounts_24h", "accounts_30d")
UNASKED = {"tld": ("accounts_1h", *_LONGER), "asn": _LONGER, "behavior": _LONGER}
#: Members of which there are more in a sorted set only, see ``riskapi/store/lua/parts/entities.lua``.
FEW = 8


class Case:
    """Accounts that share a device. ``of_before``: its entity is a sorted set from the first account on."""

    def __init__(self, store: Store, secret: bytes, *, of_before: bool, kind: str = "device") -> None:
        self.store, self.of_before, self.kind = store, of_before, kind
        self.links, self.censuses = Links(store, secret, readers_of(LISTS)), Censuses(store)
        self.key = self.links.entity_key(kind, "dev-1")

    def touch(self, user: str, at: float, *, add: bool) -> Entity:
        """What the store answers of the entity, but for windows in which nobody asks for things of its kind."""
        pipe = self.store.pipeline()
        touch = Touch(user, at, {self.kind: self.key}, frozenset(), hosting=self.kind == "asn")
        replies = self.links.queue(pipe, touch, RULES, add=add)
        self.store.run(pipe)
        unasked = {name: 0 for name in UNASKED.get(self.kind, ())}
        return changed(self.links.entities(touch, replies(), RULES)[self.kind], key="", **unasked)

    def happen(self, user: str, at: float, what: str) -> Any:
        told = EVENTS[what](self, user, at)
        if self.of_before and self.store.execute("TYPE", self.key) == b"string":
            found, left = members(self.store, self.key), self.store.execute("PTTL", self.key)
            self.store.execute("DEL", self.key)
            self.store.execute("ZADD", self.key, *[word for name, at in found.items() for word in (repr(at), name)])
            self.store.execute("PEXPIRE", self.key, left)
        return told

    def census(self, at: float) -> Census:
        pipe = self.store.pipeline()
        found = self.censuses.queue(pipe, self.key, at)
        self.store.run(pipe)
        return found()

    def told(self, at: float) -> list[Any]:
        """All that is asked of an entity."""
        pipe = self.store.pipeline()
        asked: list[Callable[[], Any]] = [
            self.censuses.queue_size(pipe, self.key),
            *(self.censuses.queue_newest(pipe, self.key, most) for most in (1, 3, 50)),
            self.links.queue_accounts(pipe, self.key),
            self.links.queue_provers(pipe, self.key),
            self.links.queue_holders(pipe, self.key),
        ]
        self.store.run(pipe)
        own = [members(self.store, self.key), self.links.uses(self.key), self.links.hub_found_at(self.key)]
        return [self.census(at), *own, *(each() for each in asked), self.links.proved_at("a", self.key)]


def _say(case: Case, user: str, at: float) -> None:
    pipe = case.store.pipeline()
    case.links.queue_said(pipe, MessageEntities(user, at, (("device", case.key),)), RULES, account_key(user))
    case.store.run(pipe)


EVENTS: dict[str, Callable[[Case, str, float], Any]] = {
    "touch": lambda case, user, at: case.touch(user, at, add=True),
    "say": _say,
    "bad": lambda case, user, at: case.links.mark(user, [case.key], abusive=True, limited=True),
    "good": lambda case, user, at: case.links.mark(user, [case.key], abusive=False, limited=False),
    "stay": lambda case, user, at: case.links.mark(user, [case.key], abusive=False, limited=False, established=at),
    "spend": lambda case, user, at: case.links.mark_spent(user, [case.key], at, out=True, near=False),
    "near": lambda case, user, at: case.links.mark_spent(user, [case.key], at, out=False, near=True),
    "bind": lambda case, user, at: bind(case.links, [case.key], on=True),
    "unbind": lambda case, user, at: bind(case.links, [case.key], on=False),
    "prove": lambda case, user, at: case.links.prove(user, [case.key], at, proved=True),
    "leave": lambda case, user, at: case.links.leave(user, [case.key]),
    "cut": lambda case, user, at: case.links.cut(user, [case.key], on=True),
    "undo": lambda case, user, at: case.links.cut(user, [case.key], on=False),
    "cut all": lambda case, user, at: case.links.cut(None, [case.key], on=True),
    "undo all": lambda case, user, at: case.links.cut(None, [case.key], on=False),
    "hub": lambda case, user, at: case.links.find_hub(case.key, at, RULES, hub=True),
    "renew": lambda case, user, at: case.links.renew(user, [case.key], at, RULES),
}
#: Touches come as often as all else together, so that there is something to tell of.
_EVENT = st.tuples(
    st.sampled_from("abcdefghijk"), st.integers(0, 40), st.just("touch") | st.sampled_from(sorted(EVENTS))
)
_MANY = [(user, day, "touch") for day, user in enumerate("abcdefghijk")]


@settings(max_examples=30)
@given(st.lists(_EVENT, min_size=3, max_size=20))
@example(events=[*_MANY, ("b", 12, "bad"), ("c", 13, "cut"), ("a", 14, "prove"), ("k", 15, "leave")])
@example(events=[*_MANY[:7], ("b", 12, "bad"), ("c", 13, "stay"), ("a", 14, "spend"), ("d", 15, "cut all")])
@example(events=[*_MANY[:3], ("a", 14, "spend"), ("a", 10, "spend"), ("b", 12, "stay"), ("c", 13, "bad")])
def test_either_form_answers_the_same(session_store: Store, events: list[tuple[str, int, str]]) -> None:
    session_store.execute("FLUSHALL")
    cases = [Case(session_store, letter * 32, of_before=letter == b"b") for letter in (b"a", b"b")]
    for user, day, what in events:
        at = NOW + day * DAY
        for case in cases:
            case.happen(user, at, what)
        packed, plain = (case.touch(user, at, add=False) for case in cases)
        assert packed == plain
        whole, of_before = (case.told(at) for case in cases)
        assert whole == of_before
    kinds = {session_store.execute("TYPE", case.key) for case in cases if members(session_store, case.key)}
    assert kinds <= {b"string", b"zset"}
    assert session_store.execute("TYPE", cases[1].key) != b"string"


@settings(max_examples=25)
@given(
    kind=st.sampled_from(("device", "ip", "tld", "asn", "behavior")),
    before=st.sampled_from((0, 5, FEW, 9, 36)),
    minutes=st.lists(st.tuples(st.integers(0, 12), st.integers(-20, 4000)), min_size=1, max_size=8),
    marks=st.sets(st.sampled_from(("bad", "bind", "hub"))),
)
@example(kind="ip", before=36, minutes=[(1, 3), (2, 2), (3, 2), (1, 90)], marks=set())
@example(kind="behavior", before=9, minutes=[(1, 2), (2, 1), (3, 0), (4, 1500), (5, 1501)], marks={"bad"})
@example(kind="device", before=36, minutes=[(1, 2), (2, 1), (3, 0), (4, 1500), (5, 1501)], marks={"bind"})
@example(kind="device", before=9, minutes=[(1, 2), (2, 2), (1, 3), (3, -10)], marks={"bind", "hub"})
def test_a_touch_tells_what_a_look_right_after_it_tells(
    session_store: Store, kind: str, before: int, minutes: list[tuple[int, int]], marks: set[str]
) -> None:
    session_store.execute("FLUSHALL")
    cases = [Case(session_store, letter * 32, of_before=letter == b"b", kind=kind) for letter in (b"a", b"b")]
    for number in range(before):
        for case in cases:
            case.happen(f"old{number}", NOW - 3600 + 90 * number, "touch")
    for case in cases:
        for mark in sorted(marks) if before else ():
            case.happen("old1", NOW, mark)
    for user, minute in minutes:
        at = NOW + 60.5 * minute
        touched = [case.happen(f"new{user}", at, "touch") for case in cases]
        looked = [case.touch(f"new{user}", at, add=False) for case in cases]
        assert touched[0] == touched[1] == looked[0] == looked[1]


@pytest.mark.parametrize("count", [1, FEW, FEW + 1])
def test_few_are_a_string_and_more_a_sorted_set(store: Store, count: int) -> None:
    case = Case(store, b"a" * 32, of_before=False)
    for number in range(count):
        case.happen(f"u{number}", NOW + number, "touch")
    assert store.execute("TYPE", case.key) == (b"zset" if count > FEW else b"string")
    assert case.census(NOW + count) == Census(count, first=NOW, last=NOW + count - 1)
    assert store.execute("TTL", case.key) > (RULES.retention.entities_days - 1) * DAY


def test_what_is_damaged_tells_nothing_and_is_written_anew(store: Store) -> None:
    case = Case(store, b"a" * 32, of_before=False)
    for damaged in (b"\xff\xff", b"", b"\x93\xa1u\x01\xa1v", b"\x01"):
        store.execute("SET", case.key, damaged, "EX", 100)
        assert case.census(NOW) == Census(0)
        case.happen("u", NOW, "touch")
        assert members(store, case.key) == {"u": NOW}
