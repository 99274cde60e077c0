"""Claims of rings: a claim of one review of a cluster holds all that wait there, so that no two people decide one ring.

Reviews lie on many shards, so a ring has a claim of its own, one hash (``risk:rc:{b}:<cluster>``), which decides who
was first. After that each review is claimed as well: for callers of the API, which claims review by review, and for
clusters that merge. A review of the ring that was claimed there keeps others from the ring here.
"""

from __future__ import annotations

import contextlib

from riskapi.budgets.keys import budget_key, members_key
from riskapi.errors import Problem
from riskapi.policy.active import ActiveBasis
from riskapi.reviews.decided_accounts import DecidedAccounts
from riskapi.reviews.queue import Reviews, refusal
from riskapi.reviews.waiting_reviews import WaitingReview, WaitingReviews
from riskapi.store.connections import Store
from signals.records import record

#: Accounts of a cluster whose reviews are looked for one by one. They take some 20 ms.
_MOST = 500


def claim_key(cluster_id: str) -> str:
    """Key of the claim of a cluster's ring; it expires with the claim."""
    return f"risk:rc:{{b}}:{cluster_id}"


@record
class Holder:
    """Who holds a ring, and since which Unix time."""

    reviewer: str
    claimed_at: float


class RingClaims:
    """Claims, hands over and lets go. Every method raises :class:`StoreUnavailable` while the store is away."""

    def __init__(self, store: Store, reviews: Reviews, active: ActiveBasis, waiting: WaitingReviews) -> None:
        self._store, self._reviews, self._active, self._waiting = store, reviews, active, waiting
        self._accounts = DecidedAccounts(store, active)
        self._claim, self._release = store.script("ring_claim"), store.script("ring_release")

    def claim(self, review_id: str, reviewer: str, now: float, to: str | None = None) -> None:
        """Let a reviewer, or whom they hand it to, hold a review and all others that wait in its cluster.

        Raises ``review_held`` while another holds one of them, ``review_closed`` once it is decided, ``not_found``.
        """
        cluster = self._cluster(review_id)
        before, ring = self._held(cluster, reviewer, now, to)
        done: list[str] = []
        try:
            for name in [review_id, *(each.id for each in ring if each.id != review_id)]:
                try:
                    self._one(name, reviewer, now, to)
                    done.append(name)
                except Problem as problem:
                    if name == review_id or problem.code == "review_held":
                        raise  # else it was decided or erased meanwhile
        except Problem:
            if before != reviewer:
                self._free(cluster, done, to or reviewer, now)
            raise

    def hold(self, review_id: str, reviewer: str, now: float) -> bool:
        """Let a reviewer hold the ring of a review, as before a decision; the reviews themselves are as they were.

        Returns whether they held it already. Raises as :meth:`claim`.
        """
        return self._held(self._cluster(review_id), reviewer, now, None)[0] == reviewer

    def release(self, review_id: str, reviewer: str, now: float) -> None:
        """Put a review back into the queue, and all others of its ring that the reviewer holds. Raises as
        :meth:`claim`.
        """
        self._reviews.release(review_id, reviewer, now)
        self.let_go(review_id, reviewer, now)

    def let_go(self, review_id: str, reviewer: str, now: float) -> None:
        """Let go of the ring of a review that was handed on, put back or decided."""
        cluster = self._cluster(review_id)
        if cluster:
            mine = [
                each.id for each in self._ring(cluster, now) if each.status == "claimed" and each.reviewer == reviewer
            ]
            self._free(cluster, mine, reviewer, now)

    def holder(self, cluster_id: str, now: float) -> Holder | None:
        """Who holds the ring of a cluster at Unix time ``now``."""
        if not cluster_id:
            return None
        reviewer, since = self._store.execute("HMGET", claim_key(cluster_id), "reviewer", "claimed_at")
        if reviewer is None or now >= float(since) + self._seconds():
            return None
        return Holder(reviewer.decode(), float(since))

    def _held(self, cluster: str, reviewer: str, now: float, to: str | None) -> tuple[str, list[WaitingReview]]:
        """Hold the ring of a cluster: who held it before, ``""`` for nobody, and its reviews that wait."""
        if not cluster:
            return "", []
        taken, before = self._claim.call([claim_key(cluster)], [reviewer, to or reviewer, repr(now), self._seconds()])
        if not taken:
            raise refusal("claimed", before.decode())
        ring = self._ring(cluster, now)
        for each in ring:
            if each.reviewer not in ("", reviewer) and now < each.claimed_at + self._seconds():
                if not before:
                    self._release.call([claim_key(cluster)], [to or reviewer])
                raise refusal(each.status, each.reviewer)
        return before.decode(), ring

    def _one(self, review_id: str, reviewer: str, now: float, to: str | None) -> None:
        if to is None:
            self._reviews.claim(review_id, reviewer, now)
        else:
            self._reviews.hand_over(review_id, reviewer, to, now)

    def _free(self, cluster: str, review_ids: list[str], holder: str, now: float) -> None:
        for name in review_ids:
            with contextlib.suppress(Problem):  # somebody else has it, or decided it
                self._reviews.release(name, holder, now)
        if cluster:
            self._release.call([claim_key(cluster)], [holder])

    def _ring(self, cluster: str, now: float) -> list[WaitingReview]:
        """The reviews that wait in a cluster. Those of its first 500 accounts are found also where more wait than the
        queue reads.
        """
        found = self._waiting.all(now)
        ring = [each for each in found.reviews if each.cluster_id == cluster]
        if found.whole:
            return ring
        names = [name.decode() for name in self._store.execute("SRANDMEMBER", members_key(cluster), _MOST)]
        others = set(names) - {each.user_id for each in ring}
        accounts = self._accounts.candidates(sorted(others), now) if others else []
        return ring + self._waiting.of(each.review_id for each in accounts if each.review_id)

    def _cluster(self, review_id: str) -> str:
        user_id = self._reviews.get(review_id)["user_id"]
        found = self._store.execute("HGET", budget_key(user_id), "cluster")
        return found.decode() if found else ""

    def _seconds(self) -> int:
        return self._active.policy.reviews.claim_minutes * 60
