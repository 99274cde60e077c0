"""Cases: the reviews of one cluster, as one. What a reviewer chooses from, read in a few trips.

What else a page says of a case is read by the parts that stand as fields of :class:`Cases`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import get_args

from riskapi.accounts.accounts import Accounts
from riskapi.accounts.first_record import SIGNUP_FIELDS, replied_signup
from riskapi.contract import Tier
from riskapi.policy.active import ActiveBasis
from riskapi.reviews.courses import Courses
from riskapi.reviews.decided_accounts import DecidedAccounts
from riskapi.reviews.decided_cases import DecidedCases
from riskapi.reviews.limited_accounts import LimitedCases
from riskapi.reviews.notes import CaseNotes
from riskapi.reviews.questions import Questions
from riskapi.reviews.queue import Reviews
from riskapi.reviews.random_audit import RandomAudit
from riskapi.reviews.reasons import ReviewReasons
from riskapi.reviews.ring_claims import RingClaims
from riskapi.reviews.rings import Rings
from riskapi.reviews.waiting_reviews import WaitingReview, WaitingReviews
from riskapi.store import damaged
from riskapi.store.connections import Store
from riskapi.store.pipelines import as_it_is
from riskapi.store.streams import account_key
from signals.records import record

#: Seconds for which the applicants are kept in whose data words are looked for.
_FRESH = 60
#: What the name of a case begins with if its account is in no cluster; ids of clusters begin with letters.
_ALONE = "."
#: Accounts asked of in one trip, and applicants kept, some 400 bytes each.
_ASKED, _KEPT = 200, 20_000


@record
class Applicant:
    """Who an account says it is: its name and its mail address, empty where it told none."""

    user_id: str
    name: str
    mail: str


@record
class ReviewCase:
    """Reviews of accounts that share a cluster, the riskiest first; it stands for the case.

    ``daily`` are the recipients a day that all of its accounts together could write to, by the caps of the tier of the
    first. ``opened_at`` is the Unix time at which the oldest was opened, ``harm`` what is at stake: recipients a day ×
    probability of abuse. ``claimed`` are those that name who claimed them, the claim may be over; ``handed_on``: one of
    them was. ``waits``: the customer was asked, and has not answered yet.
    """

    reviews: Sequence[WaitingReview]
    daily: int
    opened_at: float
    harm: float
    claimed: Sequence[WaitingReview]
    handed_on: bool
    waits: bool = False

    @property
    def lead(self) -> WaitingReview:
        """The review that stands for the case."""
        return self.reviews[0]

    @property
    def size(self) -> int:
        """How many accounts the cluster has, with and without a review."""
        return self.lead.size


#: The reviews that a case was made of, in the order they were read, and the case.
_Made = tuple[Sequence[WaitingReview], ReviewCase]


@record
class WaitingCases:
    """The cases that wait, what puts most at stake first. ``version`` is another once any of it is, ``decided`` once a
    review was decided or an account moved to another tier.
    """

    cases: Sequence[ReviewCase]
    version: tuple[object, ...]
    decided: int


@record
class _Terms:
    """What a case is made of besides its reviews: recipients a day by tier, by how much a cluster has more than an
    account, and the reviews whose customer was asked.
    """

    caps: Mapping[Tier, int]
    most: float
    asked_of: frozenset[str]


class Cases:
    """Reads cases. Every method raises :class:`StoreUnavailable` while the store is away."""

    def __init__(self, store: Store, reviews: Reviews, waiting: WaitingReviews, active: ActiveBasis) -> None:
        self._store, self._active = store, active
        self._waiting, self.reasons = waiting, ReviewReasons(store)
        self._known: dict[str, tuple[float, Applicant]] = {}
        self._kept: WaitingCases | None = None
        self._made: tuple[_Terms, dict[str, _Made]] = (_Terms({}, 0, frozenset()), {})
        self.notes, self.questions = CaseNotes(store, active), Questions(store, reviews)
        self.claims = RingClaims(store, reviews, active, self._waiting)
        self.rings, self.courses, self.limited = Rings(store), Courses(store), LimitedCases(store)
        self.past, self.audits = (
            DecidedCases(store, DecidedAccounts(store, active)),
            RandomAudit(store, Accounts(store), active),
        )

    def waiting(self, now: float) -> WaitingCases:
        """The cases that wait at Unix time ``now``. What was made of reviews that are as they were is kept."""
        found, policy = self._waiting.all(now), self._active.policy
        asked_of = self.questions.waiting((each for each in found.reviews if each.waits_until), now)
        version = (found.version, policy, frozenset(asked_of))
        kept = self._kept
        if kept is not None and kept.version == version:
            return kept
        caps: dict[Tier, int] = {tier: policy.caps(tier).daily for tier in get_args(Tier)}
        # A cluster shares ``factor`` times the caps of an account; more accounts do not make it more.
        most = policy.clusters.factor if policy.clusters.mode == "live" else math.inf
        terms = _Terms(caps, most, frozenset(asked_of))
        clusters: dict[str, list[WaitingReview]] = {}
        for review in found.reviews:
            clusters.setdefault(review.cluster_id or f"{_ALONE}{review.user_id}", []).append(review)
        before, made = self._made if self._made[0] == terms else (terms, dict[str, _Made]()), dict[str, _Made]()
        for name, reviews in clusters.items():
            known = before[1].get(name)
            made[name] = known if known is not None and known[0] == reviews else (reviews, _case(reviews, terms))
        self._made = (terms, made)
        cases = sorted((case for _, case in made.values()), key=lambda case: (-case.harm, case.opened_at, case.lead.id))
        self._kept = WaitingCases(cases, version, found.decided)
        return self._kept

    def applicants(self, user_ids: Iterable[str]) -> Mapping[str, Applicant]:
        """Who these accounts say they are."""
        names, found = list(dict.fromkeys(user_ids)), dict[str, Applicant]()
        for at in range(0, len(names), _ASKED):
            pipe = self._store.pipeline()
            asked = {
                name: pipe.ask("HMGET", account_key(name), *SIGNUP_FIELDS, read=as_it_is)
                for name in names[at : at + _ASKED]
            }
            self._store.run(pipe)
            for name, signup in asked.items():
                if any(signup()):
                    reader = partial(_applicant, name, signup())
                    found[name] = damaged.read("account", name, reader, Applicant(name, "", ""))
        return found

    def known(self, user_ids: Iterable[str], now: float) -> Mapping[str, Applicant]:
        """The same, as of a minute ago at most: unpacking takes long."""
        wanted, kept = set(user_ids), self._known
        found = {name: kept[name] for name in wanted if name in kept and 0 <= now - kept[name][0] < _FRESH}
        fresh = {name: (now, who) for name, who in self.applicants(wanted - found.keys()).items()}
        if len(kept) + len(fresh) > _KEPT:
            kept = found
        if fresh:
            self._known = {**kept, **fresh}
        return {name: who for name, (_, who) in (found | fresh).items()}


def _case(reviews: Sequence[WaitingReview], terms: _Terms) -> ReviewCase:
    if len(reviews) > 1:
        reviews = sorted(reviews, key=lambda review: (-review.risk_score, review.opened_at))
    lead = reviews[0]
    daily = round(terms.caps.get(lead.tier, 0) * min(lead.size, terms.most))
    return ReviewCase(
        reviews=reviews,
        daily=daily,
        opened_at=min(review.opened_at for review in reviews),
        harm=daily * lead.risk_score / 100,
        claimed=[review for review in reviews if review.reviewer],
        handed_on=any(review.status == "escalated" for review in reviews),
        waits=bool(terms.asked_of) and any(review.id in terms.asked_of for review in reviews),
    )


def _applicant(user_id: str, reply: Sequence[bytes | None]) -> Applicant:
    found = damaged.whole(replied_signup(reply))
    return Applicant(user_id, str(found["account"].get("name") or ""), str(found["email"]["address"]))
