"""What waits, as a process that keeps what it read sees it: after whatever happens, the same as one that reads all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from riskapi.api.parts import Parts
from riskapi.errors import Problem
from riskapi.reviews import stream_news, waiting_reviews
from riskapi.reviews.ring_claims import RingClaims
from riskapi.reviews.waiting_reviews import WaitingReview, WaitingReviews
from riskapi.store.connections import Store
from riskapi.store.streams import SHARDS, account_key, stream
from tests.conftest import Clock
from tests.console.casework import DEVICE, Api, sign_up

Deed = Callable[[Api, list[str]], Any]


def seen(kept: WaitingReviews, clock: Clock) -> list[WaitingReview]:
    """What a reader sees, in an order that does not depend on how it read."""
    return sorted(kept.all(clock.now).reviews, key=lambda row: row.id)


def reviewed(api: Api, review: str, step: str, **more: Any) -> Any:
    return api("POST", f"/v1/reviews/{review}/{step}", {"reviewer": "desk", **more})


DEEDS: dict[str, Deed] = {
    "a claim": lambda api, ring: reviewed(api, ring[1], "claim"),
    "a release": lambda api, ring: [reviewed(api, ring[1], step) for step in ("claim", "release")],
    "one handed on": lambda api, ring: reviewed(api, ring[0], "escalate", reason="unsure"),
    "a decision": lambda api, ring: reviewed(api, ring[0], "decide", decision="limit", label="abuse"),
    "an undo": lambda api, ring: [
        reviewed(api, ring[0], "decide", decision="limit", label="abuse", apply_to="cluster"),
        reviewed(api, ring[0], "undo"),
    ],
    "one more alone": lambda api, ring: sign_up(api, "alone"),
    "one more in the ring": lambda api, ring: sign_up(api, "late", DEVICE),
    "two rings that become one": lambda api, ring: [
        sign_up(api, "other0", "another-device-0002"),
        sign_up(api, "other1", "another-device-0002"),
        sign_up(api, "both", DEVICE, phone=1),
        sign_up(api, "both2", "another-device-0002", phone=1),
    ],
}


@pytest.fixture
def ring(api: Api) -> list[str]:
    """The reviews of three accounts that share a device."""
    return [sign_up(api, f"ring{number}", DEVICE) for number in range(3)]


@pytest.mark.parametrize("deed", DEEDS)
def test_whatever_happens_is_seen_at_once(deed: str, api: Api, ring: list[str], store: Store, clock: Clock) -> None:
    kept = WaitingReviews(store)
    before = kept.all(clock.now)
    assert {row.id for row in before.reviews} == set(ring) and before.whole
    assert len({row.cluster_id for row in before.reviews}) == 1 and {row.size for row in before.reviews} == {3}
    DEEDS[deed](api, ring)
    assert seen(kept, clock) == seen(WaitingReviews(store), clock)
    after = kept.all(clock.now)
    assert after.version > before.version
    assert kept.all(clock.now) is after, "where nothing happened since, nothing is read"


def test_a_question_and_a_cut_are_seen_at_once(
    api: Api, ring: list[str], parts: Parts, store: Store, clock: Clock
) -> None:
    kept = WaitingReviews(store)
    (cluster,) = {row.cluster_id for row in kept.all(clock.now).reviews}
    parts.reviews.ask(ring[0], "Who reads it?", clock.now + 86400, "", "ana", clock.now)
    assert {row.id: row.question for row in seen(kept, clock)}[ring[0]] == "Who reads it?"
    parts.cuts.cut(cluster, "ring2", None, "not theirs", "ana", clock.now)
    assert seen(kept, clock) == seen(WaitingReviews(store), clock)
    assert {row.user_id: row.size for row in seen(kept, clock)} == {"ring0": 2, "ring1": 2, "ring2": 1}


def test_more_entries_than_are_looked_at_have_all_read_anew(
    api: Api, ring: list[str], store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_news, "_MOST", 2)
    kept = WaitingReviews(store)
    kept.all(clock.now)
    for _ in range(2):
        reviewed(api, ring[0], "claim")
        reviewed(api, ring[0], "release")
    sign_up(api, "late", DEVICE)
    assert seen(kept, clock) == seen(WaitingReviews(store), clock)


def test_a_store_that_was_emptied_and_filled_again_is_read_anew(
    api: Api, ring: list[str], store: Store, clock: Clock
) -> None:
    kept = WaitingReviews(store)
    kept.all(clock.now)
    for number in (*range(SHARDS), "b"):
        store.execute("DEL", stream(number))
    store.execute("DEL", *(account_key(f"ring{number}") for number in range(3)))
    assert seen(kept, clock) == []


def test_an_account_that_expired_leaves_within_a_minute_for_each_shard(
    api: Api, ring: list[str], store: Store, clock: Clock
) -> None:
    kept = WaitingReviews(store)
    kept.all(clock.now)
    store.execute("DEL", account_key("ring1"))
    clock.advance(60)
    for _ in range(SHARDS):  # one shard a page, so that no page reads all
        found = seen(kept, clock)
    assert {row.user_id for row in found} == {"ring0", "ring2"}


def test_a_claim_holds_the_whole_ring_where_more_wait_than_are_read(
    api: Api, ring: list[str], parts: Parts, store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting_reviews, "_MOST", 1)
    late = [sign_up(api, f"late{number}", DEVICE) for number in range(8)]
    read = WaitingReviews(store)
    assert not read.all(clock.now).whole and len(read.all(clock.now).reviews) < 11
    claims = RingClaims(store, parts.reviews, parts.publisher.active, read)
    claims.claim(ring[0], "ana", clock.now)
    assert {api("GET", f"/v1/reviews/{each}")["reviewer"] for each in (*ring, *late)} == {"ana"}
    with pytest.raises(Problem, match="ana holds"):
        claims.hold(late[7], "bo", clock.now)
    claims.release(late[7], "ana", clock.now)
    assert {api("GET", f"/v1/reviews/{each}")["reviewer"] for each in (*ring, *late)} == {None}
