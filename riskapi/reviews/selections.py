"""Decisions about accounts that a person selected, whether a review of them is open or not: tried, made, undone.

Each account is decided as one of a cluster is (:mod:`riskapi.reviews.decided_accounts`), and labelled: the person chose
it. The plan is kept first, under an id that the caller made; so whoever makes the decision a second time, because the
first was cut off, does what is left to do and nothing twice.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from typing import cast

import orjson
from typing_extensions import TypedDict

from riskapi.accounts.agenda import Agenda
from riskapi.accounts.history import LabelName
from riskapi.contract import Tier
from riskapi.errors import Problem
from riskapi.policy.active import ActiveBasis
from riskapi.reviews.decided_accounts import (
    SELECTION,
    Candidate,
    DecidedAccounts,
    DecisionPlan,
    Undoing,
    selection_key,
)
from riskapi.reviews.decisions import GivenBack, ReviewDecisions, Touched, touched
from riskapi.reviews.queue import ReviewTier
from riskapi.store.connections import Store
from riskapi.times import DAY
from signals.records import record

#: Accounts of one selection: a page of a search has fifty. Two hundred take about a second.
MOST = 200
_ID = re.compile(r"sel_[0-9a-f]{20}")


@record
class SelectionDecision:
    """What a person decides about the accounts selected. Established customers are left out unless
    ``include_established``.
    """

    tier: ReviewTier
    label: LabelName
    reason: str | None = None
    include_established: bool = False


class MadeSelection(TypedDict):
    """A decision that was made: by whom, at which Unix time, about how many accounts, and who undid it, if anybody."""

    actor: str
    at: float
    tier: ReviewTier
    accounts: int
    undone_by: str | None


def new_selection() -> str:
    """The id of a decision that is about to be made."""
    return f"{SELECTION}{secrets.token_hex(10)}"


class SelectionDecisions:
    """Makes and undoes them. Every method raises :class:`StoreUnavailable` while the store is away."""

    def __init__(self, store: Store, decisions: ReviewDecisions, active: ActiveBasis) -> None:
        self._store, self._decisions, self._active = store, decisions, active
        self._accounts, self._agenda = DecidedAccounts(store, active), Agenda(store)

    def preview(self, user_ids: Sequence[str], decision: SelectionDecision, now: float) -> list[Touched]:
        """What :meth:`decide` would do at Unix time ``now``. Nothing is changed. Raises ``invalid`` for too many."""
        found = self._candidates(user_ids, now)
        return [touched(each, after=None if _is_spared(each, decision) else decision.tier) for each in found]

    def decide(
        self, selection_id: str, user_ids: Sequence[str], decision: SelectionDecision, actor: str, now: float
    ) -> list[Touched]:
        """Decide accounts, once for each id; returns them with their tiers before and after.

        The same id again finishes the decision it stands for. Raises ``invalid`` for too many accounts and for an id
        that :func:`new_selection` does not make, ``not_undoable`` for one that was undone.
        """
        found = self._candidates(user_ids, now)
        made = DecisionPlan(
            id=selection_id,
            user_id="",
            tier=decision.tier,
            label=decision.label,
            apply_to="account",
            reason=decision.reason,
            actor=actor,
            at=now,
            others=tuple((each.user_id, each.review_id) for each in found if not _is_spared(each, decision)),
            labels_all=True,
        )
        plan, undoing = self._begun(made.closing(self._decisions.waiting.all(now).reviews))
        if undoing is not None:
            raise Problem("not_undoable", "This decision was undone; select the accounts again.")
        standings = self._decisions.carry_out(plan)
        known = {each.user_id: each for each in found}
        rows = [
            touched(known[name], before=standing.before, after=standing.tier)
            for name, standing in standings.items()
            if name in known
        ]
        return [*rows, *(touched(each) for each in found if each.user_id not in standings)]

    def undo(self, selection_id: str, actor: str, now: float) -> list[GivenBack]:
        """Take a decision back; an account that a person decided or labelled since stays as it is.

        Returns every account and what became of it. Those are decided again by what holds now. Raises ``not_found``.
        """
        key = selection_key(_checked(selection_id))
        self._store.execute("HSETNX", key, "undone", orjson.dumps(Undoing(actor, now, None, secrets.token_hex(6))))
        plan, undoing = self._accounts.load(selection_id)
        if plan is None or undoing is None:
            self._store.execute("DEL", key)
            raise _unknown()
        back = self._decisions.take_back(plan, undoing)
        self._agenda.add(plan.user_ids, now, "linkage")
        return [
            {
                "user_id": name,
                "before": cast("Tier", standing.before),
                "after": cast("Tier", standing.tier),
                "left": None if state == "given_back" else state,
            }
            for name, (state, standing) in back.items()
        ]

    def get(self, selection_id: str) -> MadeSelection:
        """A decision that was made. Raises ``not_found``."""
        plan, undoing = self._accounts.load(_checked(selection_id))
        if plan is None:
            raise _unknown()
        return {
            "actor": plan.actor,
            "at": plan.at,
            "tier": plan.tier,
            "accounts": len(plan.user_ids),
            "undone_by": None if undoing is None else undoing.actor,
        }

    def _candidates(self, user_ids: Sequence[str], now: float) -> list[Candidate]:
        names = list(dict.fromkeys(user_ids))
        if len(names) > MOST:
            raise Problem("invalid", f"At most {MOST} accounts are decided at once.")
        return self._accounts.candidates(names, now)

    def _begun(self, plan: DecisionPlan) -> tuple[DecisionPlan, Undoing | None]:
        """The plan that is kept under the id of this one, which is this one where there was none, and who undid it."""
        key, pipe = selection_key(_checked(plan.id)), self._store.pipeline()
        pipe.execute_command("HSETNX", key, "plan", orjson.dumps(plan))
        pipe.execute_command("EXPIRE", key, self._active.policy.retention.accounts_days * DAY)
        self._store.run(pipe)
        kept, undoing = self._accounts.load(plan.id)
        return kept or plan, undoing


def _checked(selection_id: str) -> str:
    if not _ID.fullmatch(selection_id):
        raise Problem("invalid", "This is not the id of a selection.")
    return selection_id


def _unknown() -> Problem:
    return Problem("not_found", "No decision has this id, or it is too long ago.")


def _is_spared(account: Candidate, decision: SelectionDecision) -> bool:
    return account.established and not decision.include_established
