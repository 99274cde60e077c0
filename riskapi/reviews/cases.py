"""Cases: the reviews of one cluster, as one. What a reviewer chooses from, read in a few trips.

What else a page says of a case is read by the parts that stand as fields of :class:`Cases`.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import get_args

from riskapi.accounts.accounts import Accounts
from riskapi.accounts.packing import unpack
from riskapi.contract import Tier
from riskapi.policy.active import ActiveBasis
from riskapi.reviews.audits import Audits
from riskapi.reviews.courses import Courses
from riskapi.reviews.decided_accounts import DecidedAccounts
from riskapi.reviews.limited import LimitedCases
from riskapi.reviews.notes import CaseNotes
from riskapi.reviews.past import PastCases
from riskapi.reviews.questions import Questions
from riskapi.reviews.queue import Reviews
from riskapi.reviews.reasons import ReviewReasons
from riskapi.reviews.ring_claims import RingClaims
from riskapi.reviews.rings import Rings
from riskapi.reviews.waiting import WaitingReview, WaitingReviews
from riskapi.store import damaged
from riskapi.store.connections import Store, as_it_is
from riskapi.store.streams import account_key
from signals.records import record

#: Seconds for which applicants are kept that words are looked for in. Chosen by us.
_FRESH = 60
#: What the name of a case begins with whose account is in no cluster; ids of clusters begin with letters.
_ALONE = "."


@record
class Applicant:
    """Who an account says it is: its name and its mail address, empty where it told none."""

    user_id: str
    name: str
    mail: str


@record
class Case:
    """Reviews of accounts that share a cluster, the riskiest first; it stands for the case.

    ``daily`` are the recipients a day that all of its accounts together could write to, by the caps of the tier of the
    first. ``waits``: the customer was asked, and has not answered yet.
    """

    reviews: Sequence[WaitingReview]
    daily: int
    waits: bool = False

    @property
    def lead(self) -> WaitingReview:
        """The review that stands for the case."""
        return self.reviews[0]

    @property
    def size(self) -> int:
        """How many accounts the cluster has, with and without a review."""
        return self.lead.size

    @property
    def opened_at(self) -> float:
        """The Unix time at which the oldest review was opened."""
        return min(review.opened_at for review in self.reviews)

    @property
    def harm(self) -> float:
        """What is at stake: recipients a day × probability of abuse."""
        return self.daily * self.lead.risk_score / 100


class Cases:
    """Reads cases. Every method raises :class:`StoreUnavailable` while the store is away."""

    def __init__(self, store: Store, reviews: Reviews, active: ActiveBasis) -> None:
        self._store, self._active = store, active
        self._waiting, self.reasons = WaitingReviews(store), ReviewReasons(store)
        self._known: dict[str, tuple[float, Applicant]] = {}
        self.notes, self.questions = CaseNotes(store, active), Questions(store, reviews)
        self.claims = RingClaims(store, reviews, active)
        self.rings, self.courses, self.limited = Rings(store), Courses(store), LimitedCases(store)
        self.past, self.audits = (
            PastCases(store, DecidedAccounts(store, active)),
            Audits(store, Accounts(store), active),
        )

    def waiting(self, now: float) -> list[Case]:
        """The cases that wait at Unix time ``now``, what puts most at stake first."""
        found = self._waiting.all()
        clusters: dict[str, list[WaitingReview]] = {}
        for review in found:
            clusters.setdefault(review.cluster_id or f"{_ALONE}{review.user_id}", []).append(review)
        asked_of = self.questions.waiting(found, now)
        policy = self._active.policy
        caps: dict[Tier, int] = {tier: policy.caps(tier).daily for tier in get_args(Tier)}
        # A cluster shares ``factor`` times the caps of an account; more accounts do not make it more.
        most = policy.clusters.factor if policy.clusters.mode == "live" else math.inf
        cases = [_case(reviews, caps, most, asked_of) for reviews in clusters.values()]
        return sorted(cases, key=lambda case: (-case.harm, case.opened_at, case.lead.id))

    def applicants(self, user_ids: Iterable[str]) -> Mapping[str, Applicant]:
        """Who these accounts say they are."""
        names = list(dict.fromkeys(user_ids))
        pipe = self._store.pipeline()
        asked = {name: pipe.ask("HGET", account_key(name), "signup", read=as_it_is) for name in names}
        if asked:
            self._store.run(pipe)
        return {
            name: damaged.read("account", name, partial(_applicant, name, signup()), Applicant(name, "", ""))
            for name, signup in asked.items()
            if signup() is not None
        }

    def known(self, user_ids: Iterable[str], now: float) -> Mapping[str, Applicant]:
        """The same, as of a minute ago at most: to look for words among all that wait, where unpacking takes long."""
        wanted = set(user_ids)
        kept = {name: row for name, row in self._known.items() if name in wanted and 0 <= now - row[0] < _FRESH}
        kept.update((name, (now, who)) for name, who in self.applicants(wanted - kept.keys()).items())
        self._known = kept
        return {name: who for name, (_, who) in kept.items()}


def _case(reviews: Sequence[WaitingReview], caps: Mapping[Tier, int], most: float, asked_of: Collection[str]) -> Case:
    if len(reviews) > 1:
        reviews = sorted(reviews, key=lambda review: (-review.risk_score, review.opened_at))
    lead = reviews[0]
    daily = round(caps.get(lead.tier, 0) * min(lead.size, most))
    return Case(reviews, daily, bool(asked_of) and any(review.id in asked_of for review in reviews))


def _applicant(user_id: str, signup: bytes) -> Applicant:
    found = damaged.whole(unpack(signup))
    return Applicant(user_id, str(found["account"].get("name") or ""), str(found["email"]["address"]))
