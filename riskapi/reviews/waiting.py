"""Reviews that wait, as the queue reads them: all at once, and no more of each than it takes to choose from.

What a review says at length is read for those that a page shows, see :mod:`riskapi.reviews.reasons`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import cast

from riskapi.budgets.keys import budget_key, members_key
from riskapi.contract import Tier
from riskapi.reviews.queue import ReviewStatus, index_key
from riskapi.store import damaged
from riskapi.store.connections import Store, as_it_is
from riskapi.store.streams import SHARDS
from signals.records import changed, record

#: Reviews of a status and shard that are looked at, the oldest first: 2,000 of a status. Chosen by us.
_MOST = 250
#: Fields that only those have which somebody claimed, handed on, or asked the customer about.
_FIELDS = ("reviewer", "claimed_at", "escalation_reason", "question", "waits_until", "asked_seen")
#: Accounts asked of in one call of the script, so that none holds the store up.
_ASKED = 500


@record
class WaitingReview:
    """A review that waits; times are Unix times, 0 where there is none. ``tier`` and ``signed_up_at``
    are of its account, ``cluster_id`` is ``""`` for one in no cluster, whose ``size`` is 1.
    ``asked_seen`` is what had happened when the customer was asked, see :mod:`riskapi.reviews.questions`.
    """

    id: str
    user_id: str
    status: ReviewStatus
    opened_at: float
    risk_score: float
    tier: Tier
    signed_up_at: float
    reviewer: str = ""
    claimed_at: float = 0.0
    escalation_reason: str = ""
    question: str = ""
    waits_until: float = 0.0
    asked_seen: str = ""
    cluster_id: str = ""
    size: int = 1


class WaitingReviews:
    """Reads them, in two trips. Raises :class:`StoreUnavailable` while the store is away."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting, self._sizes = store.script("review_waiting"), store.script("cluster_sizes")

    def all(self) -> list[WaitingReview]:
        """All that are open, claimed or escalated, up to 2,000 of each, with the clusters of their accounts."""
        pipe = self._store.pipeline()
        asked = [
            self._waiting.ask(
                pipe,
                [
                    *(index_key(number, status) for status in ("open", "claimed", "escalated")),
                    f"risk:r:{{{number}}}:",
                    f"risk:a:{{{number}}}:",
                ],
                [_MOST, *_FIELDS],
                read=as_it_is,
            )
            for number in range(SHARDS)
        ]
        self._store.run(pipe)
        rows = [row for reply in asked for row in reply()]
        read = (damaged.read("review", row[1].decode().partition(":")[2], partial(_review, row), None) for row in rows)
        return self._clustered([review for review in read if review is not None])

    def _clustered(self, reviews: Sequence[WaitingReview]) -> list[WaitingReview]:
        """The same reviews, each with the cluster of its account."""
        pipe = self._store.pipeline()
        keys = [budget_key(""), members_key("")]
        asked = [
            self._sizes.ask(pipe, keys, [each.user_id for each in reviews[at : at + _ASKED]], read=as_it_is)
            for at in range(0, len(reviews), _ASKED)
        ]
        if asked:
            self._store.run(pipe)
        told = [value for reply in asked for value in reply()]
        known = zip(reviews, told[::2], told[1::2], strict=True)
        return [
            changed(each, cluster_id=cluster.decode(), size=max(int(size), 1)) if cluster else each
            for each, cluster, size in known
        ]


def _review(row: Sequence[bytes]) -> WaitingReview:
    status, place, user_id, score, tier, at, *more = row
    opened_at, _, id = place.decode().partition(":")
    found = WaitingReview(
        id,
        user_id.decode(),
        cast("ReviewStatus", status.decode()),
        float(opened_at),
        float(score),
        cast("Tier", tier.decode()),
        float(at or 0),
    )
    if not more:
        return found
    reviewer, claimed, why, question, waits, seen = more
    return changed(
        found,
        reviewer=reviewer.decode(),
        claimed_at=float(claimed or 0),
        escalation_reason=why.decode("utf-8", "replace"),
        question=question.decode("utf-8", "replace"),
        waits_until=float(waits or 0),
        asked_seen=seen.decode(),
    )
