"""The queue of deliveries: made once, leased, tried for a day, given up, sent anew."""

from __future__ import annotations

from typing import Any

import pytest

from riskapi.errors import Problem
from riskapi.store.connections import Store
from riskapi.times import rfc3339
from riskapi.webhooks.deliveries import (
    DELAYS,
    MOST,
    Deliveries,
    Delivery,
    DeliveryOutcome,
    DeliveryView,
    delivery_id,
    delivery_key,
    next_try,
)
from riskapi.webhooks.endpoints import TABLE
from tests.conftest import NOW
from tests.signups import together

DAY = 86400.0
FAILED, ARRIVED = DeliveryOutcome(500, "status"), DeliveryOutcome(200)


@pytest.fixture
def deliveries(store: Store) -> Deliveries:
    """The queues of the endpoint ``whk_1``."""
    store.execute("HSET", TABLE, "whk_1", "{}", "whk_2", "{}")
    return Deliveries(store)


def enqueue(deliveries: Deliveries, entry: str = "1-0", endpoint: str = "whk_1", now: float = NOW) -> bool:
    return deliveries.enqueue(entry, endpoint, "tier.changed", b'{"type":"tier.changed"}', now)


def take(deliveries: Deliveries, now: float = NOW, count: int = 10) -> list[Delivery]:
    return deliveries.take("whk_1", now, 30.0, count)


def rows(deliveries: Deliveries, status: Any, endpoint: str = "whk_1") -> list[DeliveryView]:
    found = deliveries.page(endpoint, status, 200)["deliveries"]
    return found


class TestEnqueue:
    def test_an_entry_handled_twice_makes_one_delivery_an_endpoint(self, deliveries: Deliveries) -> None:
        assert [enqueue(deliveries), enqueue(deliveries, now=NOW + 5)] == [True, False]
        assert enqueue(deliveries, endpoint="whk_2")
        assert [each.id for each in take(deliveries, NOW + 9)] == [delivery_id("1-0", "whk_1")]

    def test_an_entry_is_enqueued_once_also_after_it_was_delivered(self, deliveries: Deliveries) -> None:
        enqueue(deliveries)
        deliveries.finish(take(deliveries)[0], ARRIVED, NOW)
        assert not enqueue(deliveries, now=NOW + 1)
        assert (take(deliveries, NOW + 60), len(rows(deliveries, "delivered"))) == ([], 1)

    def test_many_who_handle_the_same_entry_make_one(self, deliveries: Deliveries) -> None:
        assert sum(together(16, lambda _: enqueue(deliveries))) == 1
        assert len(rows(deliveries, "pending")) == 1

    def test_nothing_is_queued_for_an_endpoint_that_is_gone(self, deliveries: Deliveries, store: Store) -> None:
        store.execute("HDEL", TABLE, "whk_1")
        assert not enqueue(deliveries)
        assert store.execute("KEYS", "risk:h[dqrx]:*") == []

    def test_a_full_queue_sends_what_comes_on_top_to_the_dead(
        self, deliveries: Deliveries, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("riskapi.webhooks.deliveries.MOST", 2)
        for entry in ("1-0", "2-0", "3-0"):
            assert enqueue(deliveries, entry)
        assert len(rows(deliveries, "pending")) == 2
        assert [row["last_error"] for row in rows(deliveries, "dead")] == ["queue_full"]
        assert MOST == 100_000

    def test_the_id_has_no_dot_and_names_entry_and_endpoint(self) -> None:
        # Standard Webhooks 1.0.0, "Signature scheme": a dot would let parts of what is signed be moved about.
        found = {delivery_id(entry, endpoint) for entry in ("1-0", "1-1") for endpoint in ("whk_1", "whk_2")}
        assert len(found) == 4
        assert not any("." in id for id in found)


class TestLeases:
    def test_no_two_take_the_same(self, deliveries: Deliveries) -> None:
        for number in range(40):
            enqueue(deliveries, f"{number}-0")
        taken = [each.id for found in together(8, lambda _: take(deliveries, count=10)) for each in found]
        assert (len(taken), len(set(taken))) == (40, 40)

    def test_what_a_killed_worker_took_comes_back_when_its_lease_ends(self, deliveries: Deliveries) -> None:
        enqueue(deliveries)
        first = take(deliveries)[0]
        assert take(deliveries, NOW + 29) == []
        second = take(deliveries, NOW + 31)[0]
        assert (second.id, second.attempts) == (first.id, 0)
        # And the first, who was only slow, has no say in it any more.
        assert deliveries.finish(first, FAILED, NOW + 32) is None
        assert deliveries.finish(second, ARRIVED, NOW + 33) == "delivered"
        assert deliveries.finish(first, FAILED, NOW + 34) is None
        assert [row["attempts"] for row in rows(deliveries, "delivered")] == [1]

    def test_a_take_that_is_sent_twice_gets_the_same(self, deliveries: Deliveries, store: Store) -> None:
        enqueue(deliveries)
        enqueue(deliveries, "2-0")
        script, keys = store.script("webhook_take"), ["risk:hq:{h}:whk_1"]
        first = script.call(keys, [repr(NOW), repr(NOW + 30.25), 1])
        assert script.call(keys, [repr(NOW), repr(NOW + 30.25), 1]) == first
        assert len(take(deliveries)) == 1

    def test_one_that_is_not_due_is_left(self, deliveries: Deliveries) -> None:
        enqueue(deliveries, now=NOW + 1)
        assert take(deliveries) == []

    def test_a_delivery_that_expired_leaves_the_queue(self, deliveries: Deliveries, store: Store) -> None:
        enqueue(deliveries)
        store.execute("DEL", delivery_key(delivery_id("1-0", "whk_1")))
        assert take(deliveries) == []
        assert store.execute("EXISTS", "risk:hq:{h}:whk_1") == 0


class TestTries:
    def test_tries_last_a_day_and_then_the_delivery_is_dead(self, deliveries: Deliveries) -> None:
        enqueue(deliveries)
        now, at = NOW, []
        while taken := take(deliveries, now):
            at.append(now - NOW)
            deliveries.finish(taken[0], FAILED, now)
            waiting = rows(deliveries, "pending")
            if waiting:
                now = next(iter(deliveries._ranked("risk:hq:{h}:whk_1", 0, 1, False)))[1]
        assert len(at) == len(DELAYS) + 1
        assert at[0] == 0
        assert 0.9 * 5 <= at[1] <= 5
        assert 0.9 * DAY * 0.98 <= at[-1] <= DAY
        dead = rows(deliveries, "dead")
        assert [(row["attempts"], row["last_status"], row["next_attempt_at"]) for row in dead] == [(8, 500, None)]

    @pytest.mark.parametrize(
        ("attempts", "now", "asked", "low", "high"),
        [
            (1, NOW, 0.0, 4.5, 5.0),
            (2, NOW, 0.0, 270.0, 300.0),
            (1, NOW, 60.0, 60.0, 60.0),
            (2, NOW, 60.0, 270.0, 300.0),
            (1, NOW, 1e9, DAY, DAY),
            (7, NOW + 80_000, 0.0, DAY - 80_000, DAY - 80_000),
        ],
    )
    def test_tries_wait_as_the_schedule_and_the_endpoint_say_but_not_past_the_day(
        self, attempts: int, now: float, asked: float, low: float, high: float
    ) -> None:
        due = next_try(attempts, NOW, now, asked)
        assert due is not None
        assert low <= due - now <= high

    @pytest.mark.parametrize(("attempts", "now"), [(8, NOW + 60), (1, NOW + DAY), (3, NOW + 2 * DAY)])
    def test_tries_end(self, attempts: int, now: float) -> None:
        assert next_try(attempts, NOW, now) is None

    def test_tries_do_not_fall_together(self) -> None:
        assert len({next_try(2, NOW, NOW) for _ in range(50)}) > 40

    def test_tries_end_at_once_where_the_endpoint_is_gone(self, deliveries: Deliveries) -> None:
        enqueue(deliveries)
        assert deliveries.finish(take(deliveries)[0], DeliveryOutcome(410, "status", gone=True), NOW) == "dead"


class TestRedelivery:
    def test_a_dead_one_gets_another_day(self, deliveries: Deliveries) -> None:
        enqueue(deliveries)
        deliveries.finish(take(deliveries)[0], DeliveryOutcome(410, "status", gone=True), NOW)
        later = NOW + 10 * DAY
        found = deliveries.redeliver("whk_1", delivery_id("1-0", "whk_1"), later)
        assert (found["status"], found["attempts"]) == ("pending", 0)
        assert found["next_attempt_at"] == rfc3339(later)
        assert rows(deliveries, "dead") == []
        assert deliveries.finish(take(deliveries, later)[0], FAILED, later) == "pending"

    def test_a_delivered_one_goes_out_again_under_the_same_id(self, deliveries: Deliveries) -> None:
        enqueue(deliveries)
        first = take(deliveries)[0]
        deliveries.finish(first, ARRIVED, NOW)
        assert deliveries.redeliver("whk_1", first.id, NOW + 1)["next_attempt_at"] == rfc3339(NOW + 1)
        again = take(deliveries, NOW + 1)[0]
        assert (again.id, again.body) == (first.id, first.body)
        assert rows(deliveries, "delivered") == []

    def test_one_that_waits_goes_out_now(self, deliveries: Deliveries) -> None:
        enqueue(deliveries)
        deliveries.finish(take(deliveries)[0], DeliveryOutcome(503, "status", retry_after=9000), NOW)
        found = deliveries.redeliver("whk_1", delivery_id("1-0", "whk_1"), NOW + 1)
        assert found["next_attempt_at"] == rfc3339(NOW + 1)
        assert len(take(deliveries, NOW + 1)) == 1

    def test_all_dead_ones_at_once(self, deliveries: Deliveries) -> None:
        for number in range(450):
            enqueue(deliveries, f"{number}-0")
        for each in take(deliveries, count=450):
            deliveries.finish(each, DeliveryOutcome(410, "status", gone=True), NOW)
        assert sum(together(3, lambda _: deliveries.redeliver_dead("whk_1", NOW + 1))) >= 450
        assert len(take(deliveries, NOW + 1, 1000)) == 450
        assert deliveries.redeliver_dead("whk_1", NOW + 2) == 0

    def test_those_that_expired_are_forgotten(self, deliveries: Deliveries, store: Store) -> None:
        enqueue(deliveries)
        deliveries.finish(take(deliveries)[0], DeliveryOutcome(410, "status", gone=True), NOW)
        store.execute("DEL", delivery_key(delivery_id("1-0", "whk_1")))
        assert deliveries.redeliver_dead("whk_1", NOW + 1) == 0
        assert store.execute("KEYS", "risk:h[qx]:*") == []

    def test_only_by_its_own_endpoint(self, deliveries: Deliveries) -> None:
        enqueue(deliveries)
        for endpoint, id in (("whk_2", delivery_id("1-0", "whk_1")), ("whk_1", "msg_none")):
            with pytest.raises(Problem, match="no delivery"):
                deliveries.redeliver(endpoint, id, NOW)


class TestPages:
    def test_pages_show_each_once_in_order(self, deliveries: Deliveries) -> None:
        for number in range(25):
            enqueue(deliveries, f"{number}-0", now=NOW + number // 10)  # many at the same moment
        seen, cursor = [], None
        while True:
            page = deliveries.page("whk_1", "pending", 7, cursor)
            seen += [row["id"] for row in page["deliveries"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert (len(seen), len(set(seen))) == (25, 25)

    def test_pages_go_on_where_the_last_one_shown_has_moved(self, deliveries: Deliveries) -> None:
        for number in range(6):
            enqueue(deliveries, f"{number}-0", now=NOW + number)
        page = deliveries.page("whk_1", "pending", 3)
        deliveries.finish(take(deliveries, NOW + 2, 3)[2], ARRIVED, NOW + 2)
        left = [row["id"] for row in deliveries.page("whk_1", "pending", 10, page["next_cursor"])["deliveries"]]
        assert {delivery_id(f"{number}-0", "whk_1") for number in (3, 4, 5)} <= set(left)

    def test_pages_show_no_secret_and_no_body(self, deliveries: Deliveries) -> None:
        enqueue(deliveries)
        deliveries.finish(take(deliveries)[0], DeliveryOutcome(None, "timeout"), NOW + 3)
        (row,) = rows(deliveries, "pending")
        assert set(row) == {
            "id", "webhook_id", "type", "status", "attempts", "created_at", "last_attempt_at", "last_status",
            "last_error", "next_attempt_at",
        }  # fmt: skip
        assert (row["attempts"], row["last_status"], row["last_error"]) == (1, None, "timeout")
        assert row["last_attempt_at"] == "2026-11-22T10:00:03.000Z"

    @pytest.mark.parametrize("cursor", ["", "x", "AAAA", "é", "MXxtc2dfMQ==", "LTF8bXNnXzAwMDAwMDAwMDAwMDAwMDAwMDAw"])
    def test_pages_refuse_what_is_no_cursor(self, deliveries: Deliveries, cursor: str) -> None:
        if cursor == "":
            assert deliveries.page("whk_1", "dead", 1, cursor)["deliveries"] == []
            return
        with pytest.raises(Problem, match="cursor"):
            deliveries.page("whk_1", "dead", 1, cursor)


def test_a_deleted_endpoint_leaves_no_queue(deliveries: Deliveries, store: Store) -> None:
    enqueue(deliveries)
    enqueue(deliveries, "2-0")
    held = take(deliveries, count=1)[0]
    deliveries.forget("whk_1")
    assert store.execute("KEYS", "risk:h[dqrx]:*") == []
    assert deliveries.finish(held, ARRIVED, NOW) is None


def test_lists_forget_what_is_kept_no_longer(deliveries: Deliveries, store: Store) -> None:
    for entry, now in (("1-0", NOW), ("2-0", NOW + 2 * DAY), ("3-0", NOW + 4 * DAY)):
        enqueue(deliveries, entry, now=now)
        deliveries.finish(take(deliveries, now)[0], ARRIVED, now)
    assert store.execute("ZCARD", "risk:hr:{h}:whk_1") == 2


def test_every_key_expires(deliveries: Deliveries, store: Store) -> None:
    for number in range(3):
        enqueue(deliveries, f"{number}-0")
    taken = take(deliveries)
    deliveries.finish(taken[0], ARRIVED, NOW)
    deliveries.finish(taken[1], DeliveryOutcome(410, "status", gone=True), NOW)
    for key in store.execute("KEYS", "risk:h[dqrx]:*"):
        assert store.execute("TTL", key) > 0, key
