"""Decisions of reviews: tried, carried out, and undone.

A decision is one step: its review is closed, the account of the review decided, and the plan of everything else is kept
in the review, at one moment. What follows from the plan (other accounts of the cluster, entries of the deny list, marks
and holds) can be done again and again. It is done by the request, by the worker that reads of the decision, and by
whoever tries to decide again. Undoing it is one step in the same way. So a process that ends in the middle leaves
nothing half done.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Mapping, Sequence
from typing import Literal, cast

from typing_extensions import TypedDict

from riskapi.accounts.accounts import Accounts, Standing
from riskapi.accounts.history import LabelName
from riskapi.accounts.labels import Labels
from riskapi.accounts.reach import ReachView
from riskapi.accounts.tiers import Undone
from riskapi.budgets.budgets import Budgets
from riskapi.clusters.clusters import Clusters
from riskapi.contract import Tier
from riskapi.errors import Problem, invalid
from riskapi.inputs.readers import ActiveReaders
from riskapi.links.entities import Links
from riskapi.lists.entries import ListEntry
from riskapi.policy.active import ActiveBasis
from riskapi.reviews.decided_accounts import Candidate, DecidedAccounts, DecisionPlan, Undoing, review_of
from riskapi.reviews.deniable_values import Deniable, DeniableKind, DeniableValues, Denied
from riskapi.reviews.denials import Denials
from riskapi.reviews.queue import Review, Reviews, ReviewScope, ReviewTier, refusal, review_key
from riskapi.reviews.waiting_reviews import WaitingReviews
from riskapi.store.connections import Store
from riskapi.times import rfc3339
from signals.records import record


class Touched(TypedDict):
    """An account that a decision is about: its tier before and after, whether it counts as an established customer.

    One that is ``left_out`` keeps its tier.
    """

    user_id: str
    before: Tier
    after: Tier
    established: bool
    left_out: bool


class DecidedReview(Review):
    """A review just decided, with every account touched or left out.

    With ``dry_run`` the review is as it is, and accounts and values are as they would be; ``would_touch`` says whom the
    label ``abuse`` would touch besides.
    """

    accounts: list[Touched]
    deny: list[Denied]
    would_touch: ReachView | None
    dry_run: bool


class GivenBack(TypedDict):
    """An account that a decision was about, before and after it was undone.

    ``left`` says why it is not what it was: `decided_since`, somebody decided or labelled it after that; `tier_moved`,
    its tier is not the one decided any more; `untouched`, the decision never reached it.
    """

    user_id: str
    before: Tier
    after: Tier
    left: Literal["decided_since", "tier_moved", "untouched"] | None


class UndoneReview(Review):
    """A review whose decision was undone, with every account, and the entries of the deny list that are gone."""

    accounts: list[GivenBack]
    removed_entries: list[str]


@record
class ReviewDecision:
    """What a reviewer decides about the account of a review, or with ``apply_to`` ``cluster`` about its cluster, too.

    Only the account of the review is labelled. Established customers among the others are left out unless
    ``include_established``. ``deny`` are the kinds of values that go on the deny list, of every account decided, until
    ``deny_expires_at`` (Unix time; None for good). ``reviewer`` is the name of who decides, as the caller says: it is
    noted, and a review that somebody else holds is not theirs to decide. Without it whoever calls holds.
    """

    tier: ReviewTier
    label: LabelName
    apply_to: ReviewScope = "account"
    reason: str | None = None
    include_established: bool = False
    deny: tuple[DeniableKind, ...] = ()
    deny_expires_at: float | None = None
    reviewer: str | None = None


@record
class _Prospect:
    """What a decision would be about: accounts decided, that of the review first, accounts left out, values denied."""

    decided: Sequence[Candidate]
    left_out: Sequence[Candidate]
    values: Sequence[Deniable]


class ReviewDecisions:
    """Decides reviews and undoes decisions. Every method raises :class:`StoreUnavailable` while the store is away.

    ``waiting`` are the reviews that wait: of those that feedback, holds and lists opened, up to 2,000 of a status.
    """

    def __init__(
        self,
        store: Store,
        reviews: Reviews,
        accounts: Accounts,
        links: Links,
        labels: Labels,
        active: ActiveBasis,
        clusters: Clusters,
        budgets: Budgets,
        active_readers: ActiveReaders,
    ) -> None:
        self._store, self._reviews, self._accounts, self._labels = store, reviews, accounts, labels
        self._active, self._clusters, self._budgets = active, clusters, budgets
        self._decided = DecidedAccounts(store, active)
        self._values = DeniableValues(store, links, active_readers, active)
        self._denials, self.waiting = Denials(store, active), WaitingReviews(store)

    def decide(
        self, review_id: str, decision: ReviewDecision, actor: str, now: float, *, dry_run: bool = False
    ) -> DecidedReview:
        """Close a review with a decision; ``actor`` is who calls.

        Returns it with every account touched or left out, and every value denied.

        With ``dry_run`` nothing is changed, and what would be is returned. Raises ``invalid``, ``not_found``,
        ``review_closed`` and ``review_held``.
        """
        _check(decision, now)
        user_id, decided, undone = self._standing(review_id)
        if undone is not None and not dry_run:
            self.finish(undone)  # before anything new begins
        if dry_run:
            self._reviews.check(review_id, decision.reviewer or actor, now)
        prospect = self._prospect(user_id, decision, now)
        if dry_run:
            rows = [touched(each, after=decision.tier) for each in prospect.decided]
            touches = self._labels.reach(user_id, now) if decision.label == "abuse" else None
            return self._answer(review_id, prospect, rows, {}, touches, dry_run=True)
        plan = _plan(review_id, user_id, decision, prospect, actor, now).closing(self.waiting.all(now).reviews)
        try:
            first = self._decided.decide(plan)
        except Problem:
            if decided is not None:
                self.finish(decided)
            raise
        entries, others = self._carry_out(plan, first)
        standings = {**({user_id: first} if first is not None else {}), **others}
        rows = [
            touched(each, before=standings[each.user_id].before, after=standings[each.user_id].tier)
            for each in prospect.decided
            if each.user_id in standings  # else erased or expired since
        ]
        return self._answer(review_id, prospect, rows, entries, None, dry_run=False)

    def undo(
        self,
        review_id: str,
        reason: str | None,
        actor: str,
        now: float,
        reviewer: str | None = None,
        *,
        of: str | None = None,
    ) -> UndoneReview:
        """Take a decision back: its accounts are what they were, what it denied is not, its reviews are open.

        An account that a person decided or labelled since stays as it is. Returns the review with every account, what
        became of it, and the entries that are gone. Raises ``not_found`` and ``not_undoable``, also where ``of``
        (``decided_at``, RFC 3339) is not when the decision that stands was made.
        """
        _, decided, undone = self._standing(review_id)
        if undone is not None:
            self.finish(undone)
        plan, _ = self._decided.load(decided) if decided is not None else (None, None)
        if plan is None or plan.review_id != review_id:
            raise Problem("not_undoable", _why_not(review_id, decided))
        if of is not None and of != rfc3339(plan.at):
            raise Problem("not_undoable", "This decision was undone before, and the review was decided again since.")
        undoing = Undoing(actor, now, reason, secrets.token_hex(6), reviewer)
        first = self._decided.give_back(plan, undoing)
        removed, others = self._take_back(plan, undoing, first)
        found = {**({plan.user_id: first} if first is not None else {}), **others}
        rows: list[GivenBack] = [
            {
                "user_id": name,
                "before": cast("Tier", standing.before),
                "after": cast("Tier", standing.tier),
                "left": None if state == "given_back" else state,
            }
            for name, (state, standing) in found.items()
        ]
        return {**self._reviews.get(review_id), "accounts": rows, "removed_entries": removed}

    def denied(self, review_id: str, now: float) -> list[ListEntry]:
        """The entries of the deny list that the decision of a review made or keeps. Raises ``not_found``."""
        _, decided, _ = self._standing(review_id)
        return [] if decided is None else self._denials.of(decided, now)

    def finish(self, decision_id: str) -> list[str]:
        """Do what is left to do of a decision, or of its undoing. Safe to repeat.

        Returns the accounts that were given back, and must be decided again by what holds now.
        """
        plan, undoing = self._decided.load(decision_id)
        if plan is None:
            return []  # expired
        if undoing is not None:
            self._take_back(plan, undoing, None)
            return plan.user_ids
        self._carry_out(plan, None)
        return []

    def carry_out(self, plan: DecisionPlan) -> Mapping[str, Standing]:
        """Decide all accounts of a plan that has no review of its own, with what follows; where each stands then.

        Those that are there no more are left out, and all of them where it was undone by now. Safe to repeat.
        """
        return self._carry_out(plan, None)[1]

    def take_back(self, plan: DecisionPlan, undoing: Undoing) -> Mapping[str, tuple[Undone, Standing]]:
        """Undo :meth:`carry_out`: what became of each account. Safe to repeat."""
        return self._take_back(plan, undoing, None)[1]

    def _standing(self, review_id: str) -> tuple[str, str | None, str | None]:
        """The account of a review, the decision that stands and the one last undone. Raises ``not_found``."""
        names = ("user_id", "decision_id", "undone_id")
        user_id, decided, undone = self._store.execute("HMGET", review_key(review_id), *names)
        if user_id is None:
            raise refusal("", "")
        return user_id.decode(), decided.decode() if decided else None, undone.decode() if undone else None

    def _prospect(self, user_id: str, decision: ReviewDecision, now: float) -> _Prospect:
        names = [user_id, *(self._others(user_id) if decision.apply_to == "cluster" else ())]
        found = self._decided.candidates(names, now)

        def spared(each: Candidate) -> bool:
            return each.established and not decision.include_established and each.user_id != user_id

        decided = [each for each in found if not spared(each)]
        values = self._values.of(decision.deny, decided, now) if decision.deny else []
        return _Prospect(decided, [each for each in found if spared(each)], values)

    def _others(self, user_id: str) -> list[str]:
        """The other accounts of its cluster."""
        cluster = self._clusters.of(user_id)
        return [name for name in self._clusters.accounts(cluster) if name != user_id] if cluster else []

    def _carry_out(
        self, plan: DecisionPlan, first: Standing | None
    ) -> tuple[dict[tuple[str, str], str], Mapping[str, Standing]]:
        """Do all that follows from a decision; ``first`` is where its account stands, None to look."""
        entries = self._denials.put(plan)
        others = self._decided.decide_others(plan)
        self._mark_latest({**others, **({plan.user_id: first} if plan.user_id else {})})
        self._budgets.end_holds(plan.user_ids, plan.id, self._active.policy, plan.at)
        return entries, others

    def _take_back(
        self, plan: DecisionPlan, undoing: Undoing, first: tuple[Undone, Standing] | None
    ) -> tuple[list[str], Mapping[str, tuple[Undone, Standing]]]:
        """Do all that follows from undoing a decision; ``first`` is what became of its account, None to look."""
        removed = self._denials.take_back(plan, undoing.actor, undoing.at)
        others = self._decided.give_back_others(plan, undoing)
        own = {plan.user_id: None if first is None else first[1]} if plan.user_id else {}
        self._mark_latest({**{name: standing for name, (_, standing) in others.items()}, **own})
        self._budgets.restore_holds(plan.user_ids, plan.id, self._active.policy)
        return removed, others

    def _mark_latest(self, standings: Mapping[str, Standing | None]) -> None:
        """Let all that an account touched know where it stands, and the grants in flight that it may be paused now, or
        paused no longer.
        """
        for name, given in standings.items():
            with contextlib.suppress(Problem):  # erased, or expired
                standing = given or self._accounts.standing(name)
                self._budgets.revise(name, standing.revision, self._active.policy)
                self._labels.mark_latest(name, standing)

    def _answer(
        self,
        review_id: str,
        prospect: _Prospect,
        rows: Sequence[Touched],
        entries: Mapping[tuple[str, str], str],
        would_touch: ReachView | None,
        *,
        dry_run: bool,
    ) -> DecidedReview:
        """The review with the accounts decided (``rows``) and left out, and what is denied by which entry."""
        return {
            **self._reviews.get(review_id),
            "accounts": [*rows, *map(touched, prospect.left_out)],
            "deny": [value.view(entries.get((value.entity, value.mac))) for value in prospect.values],
            "would_touch": would_touch,
            "dry_run": dry_run,
        }


def _check(decision: ReviewDecision, now: float) -> None:
    """Raise ``invalid`` for a decision that makes no sense at Unix time ``now``."""
    if decision.deny and (decision.tier, decision.label) != ("limit", "abuse"):
        raise invalid("/deny", "only a decision to limit with the label abuse can deny anything")
    if decision.deny_expires_at is not None and not decision.deny:
        raise invalid("/deny_expires_at", "nothing is denied")
    if decision.deny_expires_at is not None and decision.deny_expires_at <= now:
        raise invalid("/deny_expires_at", "lies in the past")


def _plan(
    review_id: str, user_id: str, decision: ReviewDecision, prospect: _Prospect, actor: str, now: float
) -> DecisionPlan:
    return DecisionPlan(
        id=f"{review_id}.{secrets.token_hex(6)}",
        user_id=user_id,
        tier=decision.tier,
        label=decision.label,
        apply_to=decision.apply_to,
        reason=decision.reason,
        actor=actor,
        at=now,
        others=tuple((each.user_id, each.review_id) for each in prospect.decided if each.user_id != user_id),
        deny=tuple((value.entity, value.mac) for value in prospect.values if value.skipped is None),
        deny_expires_at=decision.deny_expires_at,
        reviewer=decision.reviewer,
    )


def touched(account: Candidate, *, before: str | None = None, after: str | None = None) -> Touched:
    """An account in an answer; without ``after`` it is left out."""
    return {
        "user_id": account.user_id,
        "before": cast("Tier", before or account.tier),
        "after": cast("Tier", after or account.tier),
        "established": account.established,
        "left_out": after is None,
    }


def _why_not(review_id: str, decided: str | None) -> str:
    if decided is None:
        return "This review is not decided."
    other = review_of(decided)
    return f"It was closed by the decision of {other}; undo that." if other != review_id else "It is too long ago."
