"""Tallies on the real store: counted once, by hour and day, and bounded."""

from __future__ import annotations

from riskapi.store.connections import Store
from riskapi.store.tallies import FULL, LEFT, NAMED, REST, Happened, Tallies, totals
from tests.conftest import NOW
from tests.signups import together

HOUR, DAY = 3600.0, 86400.0


def count(store: Store, at: float, *rows: Happened, most: dict[str, float] | None = None) -> None:
    pipe = store.pipeline()
    Tallies(store).queue(pipe, rows, at, most)
    store.run(pipe)


def test_what_happened_is_counted_in_its_hour_and_its_day(store: Store) -> None:
    for back, tier in ((0.0, "allow"), (0.0, "allow"), (HOUR, "limit"), (DAY, "limit")):
        count(store, NOW - back, Happened("signup", tier, "n"))
    tallies = Tallies(store)
    hours, days = tallies.read(NOW, "hour", 3), tallies.read(NOW, "day", 2)
    assert [bucket.counts for bucket in hours] == [
        {},
        {"signup": {("limit", "n"): 1}},
        {"signup": {("allow", "n"): 2}},
    ]
    assert totals(days, "signup") == {"allow": {"n": 2}, "limit": {"n": 2}}
    assert hours[-1].at == NOW // HOUR * HOUR and days[-1].at == NOW // DAY * DAY


def test_buckets_are_bounded_and_what_is_small_is_added_up(store: Store) -> None:
    many = [Happened("asn", f"AS{number}", "d", 1 + (number < LEFT)) for number in range(FULL + 1)]
    count(store, NOW, *many)
    [bucket] = Tallies(store).read(NOW, "hour", 1)
    assert len(bucket.counts["asn"]) == LEFT + 1
    assert bucket.count("asn", REST, "d") == FULL + 1 - LEFT
    assert sum(bucket.counts["asn"].values()) == FULL + 1 + LEFT


def test_the_name_of_a_thing_under_a_hash_is_kept_once_it_was_met_often(store: Store) -> None:
    count(store, NOW, Happened("domain", "0123456789ab", "d", NAMED - 1, "ruiz.example"))
    assert totals(Tallies(store).read(NOW, "hour", 1), "domain") == {"0123456789ab": {"d": NAMED - 1}}
    count(store, NOW, Happened("domain", "0123456789ab", "d", 1, "ruiz.example"))
    assert totals(Tallies(store).read(NOW, "hour", 1), "domain") == {"ruiz.example": {"d": NAMED}}


def test_of_values_the_largest_is_kept(store: Store) -> None:
    for waiting in (3, 7, 5):
        count(store, NOW, most={"waiting": waiting})
    assert Tallies(store).read(NOW, "hour", 1)[0].most == {"waiting": 7.0}


def test_a_page_of_a_stream_counts_once_whoever_counts_it(store: Store) -> None:
    tallies = Tallies(store)

    def work(_: int) -> None:
        pipe = store.pipeline()
        tallies.queue_stream(pipe, {NOW: [Happened("signup", "allow", "n")]}, "3", "0-0", "5-0")
        store.run(pipe)

    assert together(8, work) == [None] * 8
    assert tallies.positions() == {"3": "5-0"}
    assert totals(tallies.read(NOW, "hour", 1), "signup") == {"allow": {"n": 1}}


def test_buckets_expire(store: Store) -> None:
    count(store, NOW, Happened("signup", "allow", "n"))
    kept = {key: store.execute("TTL", key) for key in store.execute("KEYS", "risk:ty:*")}
    assert len(kept) == 2 and all(seconds > DAY for seconds in kept.values())
