"""Cases: the reviews of one cluster, as one. What a reviewer chooses from, read in a few trips.

What else a page says of a case is read by the parts that stand as fields of :class:`Cases`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import cast

from riskapi.accounts.accounts import Accounts
from riskapi.accounts.packing import unpack
from riskapi.budgets.keys import budget_key, members_key
from riskapi.contract import Tier
from riskapi.policy.active import ActiveBasis
from riskapi.reviews.audits import Audits
from riskapi.reviews.courses import Courses
from riskapi.reviews.decided_accounts import DecidedAccounts
from riskapi.reviews.limited import LimitedCases
from riskapi.reviews.notes import CaseNotes
from riskapi.reviews.past import PastCases
from riskapi.reviews.questions import Questions
from riskapi.reviews.queue import Review, Reviews, ReviewStatus
from riskapi.reviews.rings import Rings
from riskapi.store import damaged
from riskapi.store.connections import Store, as_it_is
from riskapi.store.streams import account_key
from riskapi.times import instant
from signals.records import record

#: Reviews of a status that are looked at, the oldest first. Chosen by us.
_MOST = 1_000
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

    ``size`` counts the accounts of the cluster, with and without a review. ``tier`` is that of the account of the first
    review. ``daily`` are the recipients a day that all of them together could write to, by the caps of that tier.
    ``opened_at`` is a Unix time, of the oldest review, ``signed_up_at`` that of the first review's account. ``waits``:
    the customer was asked, and has not answered yet.
    """

    reviews: Sequence[Review]
    cluster_id: str
    size: int
    tier: Tier
    daily: int
    opened_at: float
    signed_up_at: float = 0.0
    waits: bool = False

    @property
    def lead(self) -> Review:
        """The review that stands for the case."""
        return self.reviews[0]

    @property
    def harm(self) -> float:
        """What is at stake: recipients a day × probability of abuse."""
        return self.daily * self.lead["risk_score"] / 100


class Cases:
    """Reads cases. Every method raises :class:`StoreUnavailable` while the store is away."""

    def __init__(self, store: Store, reviews: Reviews, active: ActiveBasis) -> None:
        self._store, self._reviews, self._active = store, reviews, active
        self.notes, self.questions = CaseNotes(store, active), Questions(store, reviews)
        self.rings, self.courses, self.limited = Rings(store), Courses(store), LimitedCases(store)
        self.past, self.audits = (
            PastCases(store, DecidedAccounts(store, active)),
            Audits(store, Accounts(store), active),
        )

    def waiting(self, statuses: Iterable[ReviewStatus], now: float) -> list[Case]:
        """The cases with reviews in these statuses at Unix time ``now``, what puts most at stake first."""
        found = [review for status in statuses for review in self._reviews.list(status, _MOST, None)["reviews"]]
        pipe = self._store.pipeline()
        asked = [
            (
                review,
                pipe.ask("HGET", budget_key(review["user_id"]), "cluster", read=_text),
                pipe.ask("HMGET", account_key(review["user_id"]), "tier", "at", read=_tier_and_time),
            )
            for review in found
        ]
        self._store.run(pipe)
        known: dict[str, tuple[Tier, float]] = {}
        clusters: dict[str, list[Review]] = {}
        for review, cluster, account in asked:
            standing = account()
            if standing is not None:  # else the account is erased or expired; the sweep takes its review
                known[review["id"]] = standing
                clusters.setdefault(cluster() or f"{_ALONE}{review['user_id']}", []).append(review)
        sizes = self._sizes(clusters)
        asked_of = self.questions.waiting(found, now)
        cases = [self._case(name, reviews, sizes.get(name, 1), known, asked_of) for name, reviews in clusters.items()]
        return sorted(cases, key=lambda case: (-case.harm, case.opened_at, case.lead["id"]))

    def applicants(self, user_ids: Iterable[str]) -> Mapping[str, Applicant]:
        """Who these accounts say they are."""
        names = list(dict.fromkeys(user_ids))
        pipe = self._store.pipeline()
        asked = {name: pipe.ask("HGET", account_key(name), "signup", read=as_it_is) for name in names}
        self._store.run(pipe)
        return {
            name: damaged.read("account", name, partial(_applicant, name, signup()), Applicant(name, "", ""))
            for name, signup in asked.items()
            if signup() is not None
        }

    def _sizes(self, clusters: Iterable[str]) -> dict[str, int]:
        pipe = self._store.pipeline()
        asked = {
            name: pipe.ask("SCARD", members_key(name), read=int) for name in clusters if not name.startswith(_ALONE)
        }
        self._store.run(pipe)
        return {name: max(size(), 1) for name, size in asked.items()}

    def _case(
        self,
        name: str,
        reviews: Sequence[Review],
        size: int,
        known: Mapping[str, tuple[Tier, float]],
        asked_of: Collection[str],
    ) -> Case:
        reviews = sorted(reviews, key=lambda review: (-review["risk_score"], review["opened_at"]))
        (tier, signed_up), policy = known[reviews[0]["id"]], self._active.policy
        # A cluster shares ``factor`` times the caps of an account; more accounts do not make it more.
        many = min(size, policy.clusters.factor) if policy.clusters.mode == "live" else size
        daily = round(policy.caps(tier).daily * many)
        opened = min(instant(review["opened_at"]).timestamp() for review in reviews)
        waits = any(review["id"] in asked_of for review in reviews)
        return Case(reviews, "" if name.startswith(_ALONE) else name, size, tier, daily, opened, signed_up, waits)


def _applicant(user_id: str, signup: bytes) -> Applicant:
    found = damaged.whole(unpack(signup))
    return Applicant(user_id, str(found["account"].get("name") or ""), str(found["email"]["address"]))


def _tier_and_time(reply: Sequence[bytes | None]) -> tuple[Tier, float] | None:
    """The tier of an account and the Unix time of its signup; None for one that is not there."""
    tier, at = reply
    return None if tier is None else (cast("Tier", tier.decode()), float(at or 0))


def _text(reply: bytes | None) -> str:
    return (reply or b"").decode()
