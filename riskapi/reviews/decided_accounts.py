"""Accounts that a reviewer's decision is about: what is known of them, how they are decided, and how that is undone.

Each account is decided, and given back, by one script on keys of its shard, once for each decision: what it was before
is kept in the account itself. So whoever carries a decision out a second time changes nothing, and one that was undone
is not carried out any more, whatever the order the two arrive in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, cast

import orjson

from riskapi.accounts.accounts import Standing
from riskapi.accounts.first_record import kept_signup
from riskapi.accounts.history import PUT_LATER, LabelEntry, LabelName
from riskapi.accounts.labels import entry
from riskapi.accounts.stored import latest_answer
from riskapi.accounts.tiers import (
    AccountDecision,
    AccountReturn,
    DecisionOutcome,
    ReturnOutcome,
    ReviewMove,
    Tiers,
    Undone,
    by_reviewer,
)
from riskapi.contract import Tier
from riskapi.errors import Problem
from riskapi.links.keys import entities_of
from riskapi.policy.active import ActiveBasis
from riskapi.reviews.queue import ReviewScope, ReviewTier, index_key, place_of, refusal, review_key
from riskapi.reviews.reasons import ReviewReasons
from riskapi.reviews.waiting_reviews import WaitingReview
from riskapi.store import damaged
from riskapi.store.connections import Store
from riskapi.store.pipelines import Pipeline, ReplyReader, as_it_is
from riskapi.store.streams import account_key, shard
from riskapi.times import rfc3339
from signals.records import changed, record

#: What ids of decisions about selected accounts begin with, see :mod:`riskapi.reviews.selections`.
SELECTION = "sel_"


@record
class Candidate:
    """An account that a decision can be about. ``established``: it counts as an established customer.

    ``entities`` are the keys of what it shares by kind, ``address`` the mail address it signed up with.
    """

    user_id: str
    tier: Tier
    established: bool
    review_id: str | None
    entities: Mapping[str, str]
    address: str


@record
class DecisionPlan:
    """A decision as it is kept in its review, so that anybody can carry it out. ``at`` is a Unix time.

    ``id`` begins with the id of the review. ``others`` are the accounts decided along with that of the review, each
    with a review of its own where it has one, and as often as it has reviews; so is the account of the review, with
    those that wait besides this one. ``deny`` are the kinds of entities and HMACs that go on the deny list until
    ``deny_expires_at``, None for good. ``actor`` is who called, ``reviewer`` for whom, as they say. A decision about
    accounts that a person selected (:mod:`riskapi.reviews.selections`) has no account of its own (``user_id`` is
    empty), and ``labels_all``: each of them is labelled.
    """

    id: str
    user_id: str
    tier: ReviewTier
    label: LabelName
    apply_to: ReviewScope
    reason: str | None
    actor: str
    at: float
    others: tuple[tuple[str, str | None], ...] = ()
    deny: tuple[tuple[str, str], ...] = ()
    deny_expires_at: float | None = None
    reviewer: str | None = None
    labels_all: bool = False

    @property
    def review_id(self) -> str:
        """The review that was decided."""
        return review_of(self.id)

    @property
    def user_ids(self) -> list[str]:
        """All accounts that are decided, each once, that of the review first, if there is one."""
        lead = [self.user_id] if self.user_id else []
        return list(dict.fromkeys([*lead, *(name for name, _ in self.others)]))

    def closing(self, waiting: Sequence[WaitingReview]) -> DecisionPlan:
        """The plan, which closes every review of its accounts that is among those that wait, whatever opened it."""
        decided, known = set(self.user_ids), {self.review_id, *(review for _, review in self.others)}
        more = [(row.user_id, row.id) for row in waiting if row.user_id in decided and row.id not in known]
        return changed(self, others=(*self.others, *more))


@record
class Undoing:
    """Who undid a decision, at which Unix time, and why. ``token`` tells one undo from another.

    ``reviewer`` is whom the caller named, if anybody.
    """

    actor: str
    at: float
    reason: str | None
    token: str
    reviewer: str | None = None


def selection_key(selection_id: str) -> str:
    """Key of a decision about selected accounts; it expires ``retention.accounts_days`` after it was made."""
    return f"risk:sel:{selection_id}"


def review_of(decision_id: str) -> str:
    """The review that a decision was made in."""
    return decision_id.partition(".")[0]


class DecidedAccounts:
    """Reads, decides and gives back accounts. Every method raises :class:`StoreUnavailable` while the store is away."""

    def __init__(self, store: Store, active: ActiveBasis) -> None:
        self._store, self._active, self._reasons = store, active, ReviewReasons(store)
        self._tiers = Tiers(store)

    def candidates(self, user_ids: Sequence[str], now: float) -> list[Candidate]:
        """What is known of accounts at Unix time ``now``; those that are erased or expired are left out."""
        pipe = self._store.pipeline()
        for name in user_ids:
            names = ("tier", "established", "latest", "assessment", "entities", "signup")
            pipe.execute_command("HMGET", account_key(name), *names)
        found = []
        for name, row in zip(user_ids, self._store.run(pipe), strict=True):
            tier, since, again, first, entities, signup = row
            if tier is None:
                continue
            answer = {"assessment": first, **({"latest": again} if again else {})}
            review_id = damaged.read("account", name, partial(_review_of, answer), None)
            address = damaged.read("account", name, partial(_address_of, {"signup": signup, "assessment": first}), "")
            established = bool(since) and float(since) <= now
            things = entities_of(entities, name)
            found.append(Candidate(name, cast("Tier", tier.decode()), established, review_id, things, address))
        return found

    def decide(self, plan: DecisionPlan) -> Standing | None:
        """Decide the account of the review and close the review. Returns None where the account no longer exists.

        Raises ``not_found``, ``review_closed`` and ``review_held``. Nothing else is closed by it, see
        :meth:`decide_others`.
        """
        pipe = self._store.pipeline()
        decided = self._queue(pipe, plan, plan.user_id, plan.review_id)
        self._store.run(pipe)
        outcome = decided()
        if outcome.state == "refused":
            raise refusal(outcome.status, outcome.holder)
        if outcome.state == "undone":
            raise refusal("decided", "")
        return outcome.standing

    def decide_others(self, plan: DecisionPlan) -> dict[str, Standing]:
        """Decide the other accounts, and close all other reviews unless somebody holds them. Safe to repeat."""
        pipe = self._store.pipeline()
        decided = [(name, self._queue(pipe, plan, name, review_id)) for name, review_id in plan.others]
        self._store.run(pipe)
        found = {name: outcome().standing for name, outcome in decided}
        return {name: standing for name, standing in found.items() if standing is not None}

    def _queue(
        self, pipe: Pipeline, plan: DecisionPlan, user_id: str, review_id: str | None
    ) -> ReplyReader[DecisionOutcome]:
        leads, policy = review_id == plan.review_id, self._active.policy
        label: LabelEntry | None = None
        if plan.label and (leads or plan.labels_all):
            label = entry(plan.label, "manual_review", plan.reason, plan.actor, plan.at)
            label["decision_id"] = plan.id
        history = by_reviewer(plan.tier, plan.reason, plan.actor, plan.at, policy, plan.reviewer)
        history["decision_id"] = plan.id
        closed = None if review_id is None else _closing(plan, user_id, review_id, label, leads=leads)
        holder = plan.reviewer or plan.actor
        decision = AccountDecision(plan.id, user_id, plan.at, history, label, holder, closed, leads)
        return self._tiers.queue_decide(pipe, decision, policy)

    def load(self, decision_id: str) -> tuple[DecisionPlan | None, Undoing | None]:
        """A decision, and who undid it, if anybody did; None for one whose review, or which itself, expired."""
        if decision_id.startswith(SELECTION):
            asked = (selection_key(decision_id), "plan", "undone")
        else:
            asked = (review_key(review_of(decision_id)), f"p:{decision_id}", f"u:{decision_id}")
        plan, undoing = self._store.execute("HMGET", *asked)
        return _plan(plan) if plan else None, _undoing(undoing) if undoing else None

    def undone(self, review_ids: Iterable[str]) -> dict[tuple[str, str], Undoing]:
        """Who undid decisions of reviews, by the review and when the decision was made (RFC 3339); one trip."""
        pipe = self._store.pipeline()
        asked = [(name, pipe.ask("HGETALL", review_key(name), read=as_it_is)) for name in review_ids]
        self._store.run(pipe)
        found = {}
        for name, reply in asked:
            fields = reply()
            for field in (each for each in fields if each.startswith(b"u:")):
                decided = fields.get(b"p:" + field.removeprefix(b"u:"))
                undoing = damaged.read("review", name, partial(_undoing, fields[field]), None)
                plan = damaged.read("review", name, partial(_plan, decided), None) if decided else None
                if plan is not None and undoing is not None:
                    found[name, rfc3339(plan.at)] = undoing
        return found

    def give_back(self, plan: DecisionPlan, undoing: Undoing) -> tuple[Undone, Standing] | None:
        """Give the account of the review back and open the review. Returns None where the account no longer exists.

        Raises ``not_undoable`` where the review is not decided so any more. Other accounts keep what they have.
        """
        (found,) = self._given_back(plan, undoing, [(plan.user_id, plan.review_id)])
        if found.state == "refused":
            raise Problem("not_undoable", "Somebody undid this decision, or decided again.")
        return _undone(found)

    def give_back_others(self, plan: DecisionPlan, undoing: Undoing) -> dict[str, tuple[Undone, Standing]]:
        """Give the other accounts back, and open the reviews that the decision closed. Safe to repeat."""
        found = zip(plan.others, self._given_back(plan, undoing, plan.others), strict=True)
        return {name: back for (name, _), each in found if (back := _undone(each)) is not None}

    def _given_back(
        self, plan: DecisionPlan, undoing: Undoing, accounts: Sequence[tuple[str, str | None]]
    ) -> list[ReturnOutcome]:
        codes = self._reasons.codes(review_id for _, review_id in accounts if review_id is not None)
        why = f"undone: {undoing.reason}" if undoing.reason else "undone"
        pipe, policy = self._store.pipeline(), self._active.policy
        # What it goes back to is put in where the account is, see review_undo.lua.
        label = entry(cast("LabelName", PUT_LATER), "manual_review", why, undoing.actor, undoing.at)
        label["undoes"] = plan.id
        history = by_reviewer(PUT_LATER, why, undoing.actor, undoing.at, policy, undoing.reviewer)
        history["undoes"] = plan.id
        replies, mark = [], orjson.dumps(undoing)
        for name, review_id in accounts:
            leads = review_id == plan.review_id
            opened = None if review_id is None else _opening(plan, undoing, name, review_id, codes.get(review_id, []))
            back = AccountReturn(plan.id, name, undoing.at, history, label, opened, leads, mark)
            replies.append(self._tiers.queue_give_back(pipe, back, policy))
        self._store.run(pipe)
        return [reply() for reply in replies]


def _closing(plan: DecisionPlan, user_id: str, review_id: str, label: LabelEntry | None, *, leads: bool) -> ReviewMove:
    """A review that closes because its account is decided."""
    fields: dict[str, Any] = {
        "decided_at": plan.at,
        "decided_by": plan.actor,
        "decision": plan.tier,
        "label": label["label"] if label is not None else "",
        "apply_to": plan.apply_to,
        "reason": plan.reason or "",
        **({"reviewer": plan.reviewer} if plan.reviewer else {}),
    }
    told = {"id": review_id, "user_id": user_id, "to": "decided", "at": plan.at, "decision_id": plan.id, **fields}
    if leads:
        fields[f"p:{plan.id}"] = orjson.dumps(plan)
    keys = _review_keys(user_id, review_id, ("open", "claimed", "escalated", "decided"))
    return ReviewMove(keys, orjson.dumps(told), place_of(plan.at, review_id), fields)


def _opening(plan: DecisionPlan, undoing: Undoing, user_id: str, review_id: str, reasons: Sequence[str]) -> ReviewMove:
    """A review that waits again because its decision is undone: for whom it was escalated to, where it was."""
    told = {"id": review_id, "user_id": user_id, "to": "open", "at": undoing.at, "opened": True}
    told |= {"reasons": reasons, "decision_id": plan.id, "reviewer": undoing.actor}
    return ReviewMove(_review_keys(user_id, review_id, ("open", "decided", "escalated")), orjson.dumps(told))


def _review_of(answer: Mapping[str, bytes]) -> str | None:
    found: str | None = latest_answer(answer)["review_id"]
    return found


def _address_of(fields: Mapping[str, bytes | None]) -> str:
    return str(damaged.whole(kept_signup(fields))["email"]["address"])


def _review_keys(user_id: str, review_id: str, statuses: Sequence[str]) -> list[str]:
    return [review_key(review_id), *(index_key(shard(user_id), status) for status in statuses)]


def _undoing(text: bytes) -> Undoing:
    return Undoing(**damaged.known(Undoing, orjson.loads(text)))


def _plan(text: bytes) -> DecisionPlan:
    found = orjson.loads(text)
    pairs = {name: tuple((first, second) for first, second in found[name]) for name in ("others", "deny")}
    return DecisionPlan(**damaged.known(DecisionPlan, {**found, **pairs}))


def _undone(found: ReturnOutcome) -> tuple[Undone, Standing] | None:
    return None if found.standing is None else (cast("Undone", found.state), found.standing)
