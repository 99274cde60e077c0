"""Readers of some types of entries: the store finishes the others unread, on one server and on a cluster alike."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import orjson
import pytest

from riskapi.store import consumer
from riskapi.store.connections import Store
from riskapi.store.consumer import STREAMS, Consumer, DeadLetters, backlog
from riskapi.store.streams import StreamEntry, stream
from tests.bench.counters import counters
from tests.waiting import until


@pytest.fixture
def outbox(either: Store) -> Store:
    """The store with its groups, as a service that starts makes them."""
    consumer.found(either)
    return either


class Killed(BaseException):
    """The reader is gone: nothing in it is run any more."""


def die(_: StreamEntry) -> None:
    raise Killed


def write(store: Store, count: int, type: str) -> None:
    """Write entries of a type, to one stream after the other."""
    for number in range(count):
        data = orjson.dumps({"number": number})
        store.execute("XADD", stream(STREAMS[number % len(STREAMS)]), "*", "type", type, "data", data)


class Seen:
    """A reader and what it was handed."""

    def __init__(
        self, store: Store, *types: str, handle: Callable[[StreamEntry], None] | None = None, **how: Any
    ) -> None:
        self.told: list[tuple[str, int]] = []
        name = f"reader {id(self)}"
        self.reader = Consumer(
            store, "reactions", name, handle or self._saw, types=types or None, **{"idle": 60_000, **how}
        )

    def _saw(self, entry: StreamEntry) -> None:
        self.told.append((entry.type, entry.data["number"]))

    def step_until(self, done: Callable[[], bool]) -> None:
        """Step until something holds, which takes as long as the pauses between tries do."""
        until(lambda: (self.reader.step(), done())[1])


def test_entries_of_types_that_are_nobodys_business_are_finished_unread(outbox: Store) -> None:
    write(outbox, 10, "decision")
    write(outbox, 5, "tier")
    outbox.execute("XADD", stream("0"), "*", "type", "decision", "data", "{")
    one = Seen(outbox, "tier", "review")
    assert one.reader.step() == 16
    assert sorted(one.told) == [("tier", number) for number in range(5)]
    assert backlog(outbox, "reactions") == (0, 0)
    write(outbox, 30, "decision")
    write(outbox, 2, "review")
    write(outbox, 1, "tie")
    assert one.reader.step() == 33
    assert sorted(one.told[5:]) == [("review", 0), ("review", 1)]
    assert backlog(outbox, "reactions") == (0, 0)


def test_entries_of_wanted_types_are_in_hand_until_they_are_done_and_others_never(outbox: Store) -> None:
    write(outbox, 40, "decision")
    write(outbox, 6, "tier")
    in_hand: list[int] = []

    def handle(_: StreamEntry) -> None:
        in_hand.append(backlog(outbox, "reactions")[0])
        raise Killed

    with pytest.raises(Killed):
        Seen(outbox, "tier", handle=handle).reader.step()
    assert (in_hand, backlog(outbox, "reactions")) == ([6], (6, 0))
    heir = Seen(outbox, "tier", idle=50, tries=2)
    heir.step_until(lambda: len(heir.told) >= 6)
    assert sorted(heir.told) == [("tier", number) for number in range(6)]
    assert (backlog(outbox, "reactions"), DeadLetters(outbox).count()) == ((0, 0), 0)


def test_what_was_left_unfinished_comes_first_and_nothing_new_with_it_where_it_is_enough(outbox: Store) -> None:
    write(outbox, 3 * len(STREAMS), "tier")
    with pytest.raises(Killed):
        Seen(outbox, "tier", handle=die, count=2).reader.step()
    for name in STREAMS:
        until(partial(outbox.client.xpending_range, stream(name), "reactions", "-", "+", 10, idle=5))
        rows: list[Any] = outbox.client.xpending_range(stream(name), "reactions", "-", "+", 10)
        assert [row["times_delivered"] for row in rows] == [1, 1], "as what was read in the ordinary way"
    heir = Seen(outbox, "tier", idle=5, count=2)
    assert (heir.reader.step(), heir.reader.is_behind) == (2 * len(STREAMS), True)
    assert sorted(heir.told) == [("tier", number) for number in range(2 * len(STREAMS))]


def test_what_is_new_between_two_looks_is_in_hand_as_well(outbox: Store) -> None:
    one = Seen(outbox, "tier", handle=die)
    one.reader.step()  # which looks for what others left unfinished as well
    write(outbox, 4, "decision")
    write(outbox, 4, "tier")
    with pytest.raises(Killed):
        one.reader.step()
    assert backlog(outbox, "reactions") == (4, 0)


def test_what_is_left_of_types_that_nobody_asks_for_any_more_is_finished(outbox: Store) -> None:
    """A release that handled all types was killed; the one after it handles some."""
    write(outbox, 12, "decision")
    write(outbox, 3, "tier")
    with pytest.raises(Killed):
        Seen(outbox, handle=die).reader.step()
    assert backlog(outbox, "reactions") == (15, 0)
    heir = Seen(outbox, "tier", idle=1, tries=2)
    heir.step_until(lambda: backlog(outbox, "reactions") == (0, 0))
    assert sorted(heir.told) == [("tier", number) for number in range(3)]
    assert DeadLetters(outbox).count() == 0


def test_what_fails_again_and_again_is_put_aside(outbox: Store) -> None:
    def fail(entry: StreamEntry) -> None:
        raise ValueError(entry.data)

    write(outbox, 5, "decision")
    write(outbox, 2, "tier")
    one, letters = Seen(outbox, "tier", handle=fail, idle=1, tries=3), DeadLetters(outbox)
    one.step_until(lambda: letters.count() == 2)
    assert sorted((each.entry.type, each.entry.data["number"], each.tries) for each in letters.list()) == [
        ("tier", 0, 3),
        ("tier", 1, 3),
    ]
    assert all(each.error.startswith("builtins.ValueError at ") for each in letters.list())
    assert backlog(outbox, "reactions") == (0, 0)


def test_a_reader_goes_on_until_nothing_is_left(outbox: Store) -> None:
    for _ in range(3):
        write(outbox, 200 * len(STREAMS), "decision")
    write(outbox, len(STREAMS), "tier")
    one = Seen(outbox, "tier")
    steps = [(one.reader.step(), one.reader.is_behind) for _ in range(4)]
    assert sum(count for count, _ in steps) == 601 * len(STREAMS)
    assert [is_behind for _, is_behind in steps] == [True, True, False, False]
    assert sorted(one.told) == [("tier", number) for number in range(len(STREAMS))]


def test_one_at_a_time_is_taken_where_others_may_take_those_behind_it(outbox: Store) -> None:
    write(outbox, 3 * len(STREAMS), "decision")
    write(outbox, 3 * len(STREAMS), "tier")
    one, other = Seen(outbox, "tier", count=1), Seen(outbox, "tier", count=1)
    for taken in (1, 2):
        one.reader.step()
        assert len(one.told) == taken * len(STREAMS)
    other.reader.step()
    assert len(other.told) == len(STREAMS)
    assert sorted(one.told + other.told) == [("tier", number) for number in range(3 * len(STREAMS))]


@pytest.mark.parametrize("types", [(), ("tier",)], ids=["all types", "some types"])
def test_a_store_that_lost_what_it_held_is_given_its_groups_by_whoever_reads(
    either: Store, types: tuple[str, ...]
) -> None:
    one = Seen(either, *types)
    write(either, 3, "tier")  # before there is any group
    one.reader.step()
    assert sorted(one.told) == [("tier", 0), ("tier", 1), ("tier", 2)]
    for again in (1, 2):
        for node in either.primaries():
            node.flushall()
        write(either, 2, "tier")
        one.reader.step()
        assert sorted(one.told[3:]) == sorted([("tier", 0), ("tier", 1)] * again)
        assert all(
            backlog(either, group) == (0, 0 if group == "reactions" else 2) for group in ("reactions", "notices")
        )


def test_one_server_is_asked_by_one_command(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer, "_LOOK", 3_600_000)  # not again in this test, however slow the machine is
    consumer.found(store)
    one = Seen(store, "tier", "review", count=1)
    one.reader.step()  # which looks for what others left unfinished as well
    write(store, 90, "decision")
    write(store, 3, "review")
    before = counters(store)
    assert one.reader.step() == 93
    calls = (counters(store) - before).calls
    assert (calls["evalsha"], calls["xpending"], calls["xclaim"], calls["xack"]) == (1, 0, 3, 3)
    assert one.told == [("review", number) for number in range(3)]
    assert backlog(store, "reactions") == (0, 0)
    before = counters(store)
    looks = Seen(store, "tier")
    looks.reader.step()
    assert (counters(store) - before).calls["evalsha"] == 1, "the look for what others left unfinished is one as well"
