"""How far deciding an account again may move its tier. Pure.

What an account is by its own evidence only tightens; policy and people loosen it. What others bring to it (bad company,
an entry of a list) is not kept: it holds while its cause does. What a person decided holds for a while against whatever
model and rules think. What the mail of others met is a floor beneath all that
(:mod:`riskapi.accounts.linked_restrictions`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

from riskapi.accounts.labels import PEOPLE
from riskapi.accounts.linked_restrictions import SaidByPeople
from riskapi.accounts.stored import KeptDecisions, StoredAccount
from riskapi.contract import Tier
from riskapi.decisions.line import Decided
from riskapi.enrichment.findings import RETRACTED
from riskapi.policy import Policy
from riskapi.policy.rules import Rule
from riskapi.policy.tables import SEVERITY
from riskapi.times import DAY, instant
from signals.records import record
from signals.registry import Readings, registered

#: What an account proved, by the event that tells so: who else gave the same thing is not counted against it any more.
_PROVED = {"event.email_verified": "mailbox", "event.phone_verified": "phone"}
#: What brings readings of a family about, after the signup.
_CAUSES = {
    "links": "linkage",
    "velocity": "linkage",
    "reputation": "linkage",
    "sending": "linkage",
    "domain": "finding",
    "network": "finding",
    "sender": "finding",
    "events": "event",
}


@record
class Past:
    """What was decided of an account so far: its tier, what it is by its ``own`` evidence, its history of tiers and its
    labels, oldest first, and the ``decided`` reviews of it. ``restricted``: what the mail of others met may have put
    it in its tier.
    """

    tier: Tier
    own: Tier
    history: Sequence[Mapping[str, Any]]
    labels: Sequence[Mapping[str, Any]]
    decided: KeptDecisions = field(default_factory=KeptDecisions)
    restricted: bool = False

    @classmethod
    def of(cls, account: StoredAccount) -> Past:
        """What was decided of an account as it was read."""
        return cls(
            account.tier,
            account.own,
            account.history,
            account.labels,
            account.decided,
            restricted="restrictions" in account.fields,
        )

    def standing(self, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """The entries of its history, or its labels, without those that were undone and those that undid them."""
        undone = {row["undoes"] for row in rows if row.get("undoes")} | self.decided.undone
        return [row for row in rows if row.get("decision_id") not in undone and not row.get("undoes")]

    @property
    def spoken_at(self) -> float | None:
        """When a person last said something about it that was not taken back, as a Unix time."""
        said = [
            row["at"] for row in self.standing(self.labels) if row["source"] in PEOPLE and row["label"] != "unknown"
        ]
        said += [row["at"] for row in self.standing(self.history) if row["source"] == "reviewer"]
        retracted = self.retracted_at
        times = [at for at in map(_seconds, said) if retracted is None or at > retracted]
        return max(times, default=None)

    @property
    def retracted_at(self) -> float | None:
        """When a person last took back what was said about it, by the label ``unknown``, as a Unix time."""
        said = [
            row["at"] for row in self.standing(self.labels) if row["source"] in PEOPLE and row["label"] == "unknown"
        ]
        return max(map(_seconds, said), default=None)

    @property
    def is_confirmed(self) -> bool:
        """Whether a decision of a review stands that left it in its tier: of that the history has no entry."""
        stands = self.decided.stands
        return stands is not None and all(row.get("decision_id") != stands for row in self.history)

    @property
    def said(self) -> SaidByPeople:
        """What people said about it, as it counts against what others brought."""
        return SaidByPeople(self.spoken_at, self.decided)

    @property
    def imported(self) -> bool:
        """Whether it was imported as an existing customer: the company knows it better than its old signup does."""
        return bool(self.history) and self.history[0].get("source") == "import"

    @property
    def cleared(self) -> bool:
        """Whether a person's latest label says that it is legitimate."""
        said = [row["label"] for row in self.standing(self.labels) if row["source"] in PEOPLE]
        return bool(said) and said[-1] == "legitimate"

    @property
    def last(self) -> Mapping[str, Any]:
        """The last entry of the history that was not undone, but for those about what the mail of others met; empty
        where there is none.
        """
        return next((row for row in reversed(self.standing(self.history)) if not _is_of_others(row)), {})


def _is_of_others(row: Mapping[str, Any]) -> bool:
    """Whether an entry of the history is about what the mail of others met."""
    return row.get("source") == "feedback" and row.get("cause") == "linkage"


@record
class Move:
    """The tier of an account after a decision, and what it is by its own evidence from then on. ``floored``: what the
    mail of others met puts it there.
    """

    tier: Tier
    own: Tier
    floored: bool = False


def moved(past: Past, found: Decided, policy: Policy, now: float, cause: str, floor: Tier = "allow") -> Move:
    """Where an account stands after it was judged at Unix time ``now``, because of ``cause``; no looser than ``floor``,
    where the mail of others put it.
    """
    move = _moved(past, found, policy, now, cause)
    return Move(floor, move.own, floored=True) if SEVERITY[floor] > SEVERITY[move.tier] else move


def _moved(past: Past, found: Decided, policy: Policy, now: float, cause: str) -> Move:
    decision, spoken = found.decision, past.spoken_at
    held = past.imported or (spoken is not None and now - spoken < policy.rescoring.reviewer_holds_days * DAY)
    own = found.own if _is_afresh(past, policy, cause) else _own(past, found.own, policy, held=held)
    listing = decision.listing.list if decision.listing is not None and decision.source == "list" else None
    if listing == "deny":
        return Move(decision.tier, own_tier(found, decision.tier, own, policy))
    if listing == "allow":
        # A list entry is written for many accounts: what a person said of this very account goes before it, and so does
        # what its mail met.
        last = past.last
        permitted = spoken is None and not past.is_confirmed and last.get("source") != "feedback"
        return Move(decision.tier if permitted else past.own if past.restricted else past.tier, own)
    tier = own if held else tighter(own, decision.tier)
    return Move(tier, own_tier(found, tier, own, policy))


def own_tier(found: Decided, tier: Tier, own: Tier, policy: Policy) -> Tier:
    """What an account is by its own evidence from then on, where that was ``own`` and it is in ``tier`` now.

    What others brought to it is added where policy wants it kept, whatever becomes of its cause.
    """
    brought = "list" if found.decision.source == "list" else "linkage"
    return own if brought in policy.rescoring.undo else tighter(tier, own)


def _is_afresh(past: Past, policy: Policy, cause: str) -> bool:
    """Whether an account is judged afresh, because what was counted against it turned out to be nothing of its own.

    It was cut from what it shared, it proved to own the one thing that a rule looked at, or what was said of it is not
    believed any more. A person's word stands.
    """
    last = past.last
    if last.get("source") in ("reviewer", "feedback") or past.spoken_at is not None or past.is_confirmed:
        return False
    if cause == "cut":
        return True
    if cause == RETRACTED:
        return _may_rest_on_findings(past)
    kind = _PROVED.get(cause)
    rule = next((rule for rule in policy.rules if rule.name == last.get("reason")), None)
    if kind is None or rule is None or last.get("source") != "rule":
        return False
    return all(name.startswith((f"velocity_{kind}_", f"links_{kind}_")) for name in rule.when)


def _may_rest_on_findings(past: Past) -> bool:
    """Whether what an account is by its own evidence came from its first decision, or from what an upstream said."""
    own = [row for row in past.standing(past.history) if row.get("cause") != "linkage" and row.get("source") != "list"]
    last = own[-1] if own else {}
    return last.get("source") in ("rule", "model") and (last.get("cause") or "finding.").startswith("finding.")


def _own(past: Past, wanted: Tier, policy: Policy, *, held: bool) -> Tier:
    """What an account is by its own evidence: it tightens, and is loosened only by what policy and people permit."""
    last = past.last
    if SEVERITY[wanted] > SEVERITY[past.own]:
        return past.own if held else wanted
    if last.get("source") == "feedback" or past.is_confirmed:
        return past.own
    if past.spoken_at is not None and _seconds(last.get("at")) <= past.spoken_at:
        return past.own  # whoever spoke after it knew of it
    retracted = past.retracted_at is not None and _seconds(last.get("at")) <= past.retracted_at
    if retracted or last.get("source") == "outage":
        return wanted  # what was said is taken back, what was away is back
    permitted = policy.rescoring.loosest
    return tighter(wanted, permitted) if SEVERITY[permitted] < SEVERITY[past.own] else past.own


def tighter(one: Tier, other: Tier) -> Tier:
    """The tighter of two tiers."""
    return max(one, other, key=SEVERITY.__getitem__)


def _seconds(text: str | None) -> float:
    return 0.0 if text is None else instant(text).timestamp()


def first_cause(found: Decided) -> str | None:
    """What brought a first decision about, where that is not the account itself: the company it is in."""
    return "linkage" if SEVERITY[found.decision.before] > SEVERITY[found.own] else None


def cause_of(past: Past, found: Decided, tier: Tier, trigger: str, before: Readings, rules: Mapping[str, Rule]) -> str:
    """What changed a tier: the company it is in, what its rule reads and was read otherwise ``before``, or what was
    taken back; else what led to the look.

    Many things happen at once, and one look covers all of them.
    """
    decision, readings = found.decision, found.readings
    if SEVERITY[tier] < SEVERITY[past.tier] and past.history and decision.source != "list":
        return _brought_by(past.history[-1]) or trigger
    if decision.source == "list":
        return "list"
    if SEVERITY[decision.tier] > SEVERITY[found.own]:
        return "linkage"
    rule = rules.get(decision.rule or "") if decision.source == "rule" else None
    for name in rule.when if rule is not None else ():
        if readings.get(name) != before.get(name):
            signal = registered()[name]
            brought = _CAUSES.get(signal.family, trigger)
            if brought == "finding":
                return f"finding.{signal.needs[-1]}"
            return trigger if trigger.startswith(brought) else brought
    return trigger


def _brought_by(entry: Mapping[str, Any]) -> str | None:
    """The cause of an entry of the history that no longer holds: a list, or what caused the account to be decided
    again. Only what the mail of others met comes and goes.
    """
    if entry.get("source") == "feedback":
        return "linkage"
    return "list" if entry.get("source") == "list" else entry.get("cause")
