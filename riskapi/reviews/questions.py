"""Questions to customers: the company is told by a webhook what to ask, and the review waits for what happens next.

It waits until the account does something (an event, a proof among them), somebody labels it, or the time is over. What
had happened when the question was put is kept in the review (``asked_seen``) and compared with what has by now.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from riskapi.accounts.accounts import labels_key
from riskapi.accounts.activity import TYPES
from riskapi.errors import invalid
from riskapi.reviews.queue import Review, Reviews
from riskapi.reviews.waiting_reviews import WaitingReview
from riskapi.store.connections import Store
from riskapi.store.pipelines import as_it_is
from riskapi.store.streams import account_key
from riskapi.times import DAY

#: Characters of a question, and days a review waits at most.
LONGEST, DAYS = 500, 14
_FIELDS = ("label", *(f"n:{type}" for type in sorted(TYPES)))


class Questions:
    """Puts questions, and knows which reviews still wait for an answer. Raises ``StoreUnavailable``."""

    def __init__(self, store: Store, reviews: Reviews) -> None:
        self._store, self._reviews = store, reviews

    def ask(self, review_id: str, question: str, days: int, reviewer: str, now: float) -> Review:
        """Have the customer asked; nobody holds the review, and it waits for ``days`` (1 to 14) at most.

        Raises ``invalid``, ``not_found``, ``review_held`` and ``review_closed``.
        """
        if not question or len(question) > LONGEST:
            raise invalid("/question", f"expected 1 to {LONGEST} characters")
        if not 1 <= days <= DAYS:
            raise invalid("/days", f"expected 1 to {DAYS}")
        review = self._reviews.get(review_id)
        (seen,) = self._seen([review["user_id"]])
        return self._reviews.ask(review_id, question, now + days * DAY, seen, reviewer, now)

    def waiting(self, reviews: Iterable[WaitingReview], now: float) -> set[str]:
        """The ids of those that still wait for an answer at Unix time ``now``. One trip; none where none was asked."""
        asked = [each for each in reviews if each.waits_until > now]
        seen = self._seen([each.user_id for each in asked])
        return {each.id for each, by_now in zip(asked, seen, strict=True) if each.asked_seen == by_now}

    def _seen(self, user_ids: Iterable[str]) -> list[str]:
        """What has happened to accounts, as a text that is another once more has: label, labels, events."""
        pipe = self._store.pipeline()
        asked = [
            (
                pipe.ask("HMGET", account_key(name), *_FIELDS, read=as_it_is),
                pipe.ask("LLEN", labels_key(name), read=int),
            )
            for name in user_ids
        ]
        self._store.run(pipe)
        return [_said(fields(), count()) for fields, count in asked]


def _said(fields: list[Any], labels: int) -> str:
    label, *events = fields
    return f"{(label or b'').decode()}:{labels}:{sum(int(each or 0) for each in events)}"
