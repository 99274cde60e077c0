"""Consumers on the real store: shared by workers, taken over from dead ones, poison put aside, seen and replayed."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import orjson
import pytest

from riskapi.errors import StoreUnavailable
from riskapi.store import consumer
from riskapi.store.connections import Store
from riskapi.store.consumer import STREAMS, Consumer, DeadLetters, backlog, dead_key
from riskapi.store.streams import StreamEntry, stream
from tests.bench.counters import counters
from tests.signups import together
from tests.waiting import until


@pytest.fixture
def outbox(store: Store) -> Store:
    """The store with its groups, as a service that starts makes them."""
    consumer.found(store)
    return store


def write(store: Store, count: int, type: str = "event") -> None:
    for number in range(count):
        data = orjson.dumps({"number": number})
        store.execute("XADD", stream(STREAMS[number % len(STREAMS)]), "*", "type", type, "data", data)


def reader(store: Store, handle: Callable[[StreamEntry], None], name: str = "one", **how: Any) -> Consumer:
    return Consumer(store, "reactions", name, handle, **how)


def settle(steps: list[Consumer], done: Callable[[], bool]) -> None:
    """Step until something holds, which takes as long as the pauses between tries do."""

    def stepped() -> bool:
        for each in steps:
            each.step()
        return done()

    until(lambda: done() or stepped())


def test_every_entry_is_handled_once_and_in_order_within_its_stream(outbox: Store) -> None:
    write(outbox, 200)
    seen: list[tuple[str, int]] = []
    one = reader(outbox, lambda entry: seen.append((entry.stream, entry.data["number"])))
    while one.step():
        pass
    assert sorted(number for _, number in seen) == list(range(200))
    for name in STREAMS:
        numbers = [number for where, number in seen if where == stream(name)]
        assert numbers == sorted(numbers)
    assert backlog(outbox, "reactions") == (0, 0)
    assert backlog(outbox, "notices") == (0, 200), "the other group reads for itself"


def test_workers_of_a_group_share_the_load(outbox: Store) -> None:
    write(outbox, 400)
    seen: Counter[int] = Counter()
    lock = threading.Lock()

    def work(number: int) -> int:
        mine = 0

        def handle(entry: StreamEntry) -> None:
            nonlocal mine
            mine += 1
            with lock:
                seen[entry.data["number"]] += 1

        one = reader(outbox, handle, f"worker {number}")
        while one.step():
            pass
        return mine

    shares = together(4, work)
    assert set(seen) == set(range(400)) and set(seen.values()) == {1}
    assert sum(shares) == 400


def test_what_a_dead_worker_took_is_taken_over(outbox: Store) -> None:
    write(outbox, 5)

    class Killed(BaseException):
        pass

    def die(_: StreamEntry) -> None:
        raise Killed

    with pytest.raises(Killed):
        reader(outbox, die, "dead").step()
    seen: list[int] = []
    heir = reader(outbox, lambda entry: seen.append(entry.data["number"]), "heir", idle=50)
    settle([heir], lambda: len(seen) >= 5)
    assert sorted(seen) == list(range(5))
    assert backlog(outbox, "reactions") == (0, 0)


def test_what_is_in_hand_is_not_taken_from_a_worker_that_lives(outbox: Store) -> None:
    write(outbox, 1)
    seen: list[str] = []
    other = reader(outbox, lambda _: seen.append("other"), "other", idle=60_000)

    def handle(_: StreamEntry) -> None:
        other.step()
        seen.append("one")

    reader(outbox, handle).step()
    assert seen == ["one"]


def test_poison_is_put_aside_and_holds_up_nothing_behind_it(outbox: Store) -> None:
    write(outbox, 20)
    seen: list[int] = []

    def handle(entry: StreamEntry) -> None:
        if entry.data["number"] == 3:
            raise ValueError("a person's secret")
        seen.append(entry.data["number"])

    letters = DeadLetters(outbox)
    settle([reader(outbox, handle, idle=1, tries=3)], lambda: letters.count() == 1)
    assert sorted(seen) == [number for number in range(20) if number != 3]
    (letter,) = letters.list()
    assert (letter.group, letter.entry.type, letter.entry.data) == ("reactions", "event", {"number": 3})
    assert letter.tries == 3
    assert letter.error.startswith("builtins.ValueError at ") and "secret" not in letter.error
    assert backlog(outbox, "reactions") == (0, 0)


def test_what_is_alike_is_done_together_and_the_rest_one_by_one(outbox: Store) -> None:
    write(outbox, 40)
    outbox.execute("XADD", stream("3"), "*", "type", "event", "data", "{")
    seen: list[int] = []
    alike: list[list[int]] = []

    def together(entries: Sequence[StreamEntry]) -> list[bool]:
        alike.append(sorted(entry.data["number"] for entry in entries if entry.data["number"] % 4))
        return [bool(entry.data["number"] % 4) for entry in entries]

    one = reader(outbox, lambda entry: seen.append(entry.data["number"]), together=together)
    assert one.step() == 41
    assert alike == [[number for number in range(40) if number % 4]]
    assert sorted(seen) == [number for number in range(40) if not number % 4]
    assert backlog(outbox, "reactions") == (1, 0), "what is no JSON has failed, as it does by itself"


def test_what_fails_together_is_handled_one_by_one(outbox: Store) -> None:
    write(outbox, 20)
    seen: list[int] = []

    def together(_: Sequence[StreamEntry]) -> list[bool]:
        raise ValueError("one of them")

    def handle(entry: StreamEntry) -> None:
        if entry.data["number"] == 3:
            raise ValueError("this one")
        seen.append(entry.data["number"])

    reader(outbox, handle, together=together).step()
    assert sorted(seen) == [number for number in range(20) if number != 3]
    assert backlog(outbox, "reactions") == (1, 0)


def test_a_store_that_goes_away_while_much_is_done_together_leaves_it_all_to_be_done(outbox: Store) -> None:
    write(outbox, 5)

    def together(_: Sequence[StreamEntry]) -> list[bool]:
        raise StoreUnavailable("away")

    with pytest.raises(StoreUnavailable):
        reader(outbox, lambda _: None, together=together).step()
    assert backlog(outbox, "reactions") == (5, 0)
    seen: list[int] = []
    heir = reader(outbox, lambda entry: seen.append(entry.data["number"]), "heir", idle=1)
    settle([heir], lambda: len(seen) >= 5)
    assert sorted(seen) == list(range(5))


def test_new_entries_of_all_streams_are_read_by_one_command(outbox: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer, "_LOOK", 3_600_000)  # not again in this test, however slow the machine is
    seen: list[int] = []
    one = reader(outbox, lambda entry: seen.append(entry.data["number"]), idle=60_000)
    one.step()  # which looks for what others left unfinished as well
    write(outbox, 90)
    before = counters(outbox)
    assert one.step() == 90
    calls = (counters(outbox) - before).calls
    assert (calls["xreadgroup"], calls["xpending"], calls["xack"]) == (1, 0, len(STREAMS))
    assert sorted(seen) == list(range(90))


def test_a_reader_knows_that_there_is_more_than_it_reads_at_once(outbox: Store) -> None:
    write(outbox, 10 * len(STREAMS))
    one = reader(outbox, lambda _: None, count=8)
    told = []
    while one.step():
        told.append(one.is_behind)
    assert told == [True, False]


def test_a_dead_letter_is_replayed_and_stays_when_it_fails_again(outbox: Store) -> None:
    write(outbox, 1)
    broken = True
    seen: list[int] = []

    def handle(entry: StreamEntry) -> None:
        if broken:
            raise RuntimeError
        seen.append(entry.data["number"])

    letters = DeadLetters(outbox)
    settle([reader(outbox, handle, idle=1, tries=2)], lambda: letters.count() == 1)
    (letter,) = letters.list()
    with pytest.raises(RuntimeError):
        letters.replay(letter, handle)
    assert letters.count() == 1
    broken = False
    letters.replay(letter, handle)
    assert (seen, letters.count()) == ([0], 0)


def test_each_try_is_waited_for_twice_as_long(outbox: Store) -> None:
    write(outbox, 1)
    times: list[float] = []

    def handle(_: StreamEntry) -> None:
        times.append(time.monotonic())
        raise ValueError

    settle([reader(outbox, handle, idle=40, tries=4)], lambda: DeadLetters(outbox).count() == 1)
    pauses = [after - before for before, after in pairwise(times)]
    assert len(times) == 4
    assert all(pause > 0.9 * least for pause, least in zip(pauses, (0.04, 0.08, 0.16), strict=True))


def test_a_store_that_is_away_is_no_fault_of_the_entry(outbox: Store) -> None:
    write(outbox, 1)

    def handle(_: StreamEntry) -> None:
        raise StoreUnavailable("away")

    with pytest.raises(StoreUnavailable):
        reader(outbox, handle).step()
    assert DeadLetters(outbox).count() == 0
    assert backlog(outbox, "reactions")[0] == 1


def test_an_entry_that_is_no_json_is_poison_too(outbox: Store) -> None:
    outbox.execute("XADD", stream("0"), "*", "type", "event", "data", "{")
    outbox.execute("XADD", stream("0"), "*", "nothing", "ours")
    letters = DeadLetters(outbox)
    settle([reader(outbox, lambda _: None, idle=1, tries=2)], lambda: letters.count() == 2)
    assert [letter.entry.data for letter in letters.list()] == [{}, {}]


def test_groups_are_made_once_and_look_back_a_day_not_a_year(store: Store) -> None:
    old = int((time.time() - 30 * 86400) * 1000)
    store.execute("XADD", stream("0"), f"{old}-0", "type", "event", "data", "{}")
    store.execute("XADD", stream("0"), "*", "type", "event", "data", "{}")
    consumer.found(store)
    consumer.found(store)
    seen: list[str] = []
    reader(store, lambda entry: seen.append(entry.id)).step()
    assert len(seen) == 1 and not seen[0].startswith(str(old))


def test_sweeping_trims_what_is_old_and_forgets_readers_that_are_gone(outbox: Store) -> None:
    write(outbox, 30)
    reader(outbox, lambda _: None, "gone").step()
    outbox.execute("XADD", dead_key("0"), "1-0", "group", "reactions")
    script = outbox.script("stream_sweep")
    before = outbox.execute("XLEN", stream("0"))
    assert before > 0
    assert script.call([stream("0"), dead_key("0")], [-1, "0"]) == 1  # silent for longer than less than nothing
    assert script.call([stream("0"), dead_key("0")], [-1, "0"]) == 0
    consumer.sweep(outbox, "99999999999999-0")
    assert outbox.execute("XLEN", stream("0")) == 0
    assert outbox.execute("XLEN", dead_key("0")) == 0
    assert consumer.sweep(outbox, "99999999999999-0") == 0
