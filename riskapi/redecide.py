"""How far deciding an account again may move its tier. Pure.

Deciding again tightens. It loosens only what an allow entry says, what policy permits, and what it tightened itself for
a cause that no longer holds. A person's word stands for a while against whatever model and rules think.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from riskapi.decide import Decision
from riskapi.instants import instant
from riskapi.labels import PEOPLE
from riskapi.policy import Policy
from riskapi.rules import Rule
from riskapi.sections import SEVERITY
from riskapi.signup import Tier
from signals.records import record
from signals.registry import Readings, registered

_DAY = 86400
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
    """What was decided of an account so far: its tier, its history of tiers and its labels, oldest first."""

    tier: Tier
    history: Sequence[Mapping[str, Any]]
    labels: Sequence[Mapping[str, Any]]

    @property
    def spoken_at(self) -> float | None:
        """When a person last said something about it that was not undone, as a Unix time."""
        said = [row["at"] for row in _standing(self.labels) if row["source"] in PEOPLE and row["label"] != "unknown"]
        said += [row["at"] for row in _standing(self.history) if row["source"] == "reviewer"]
        return max((instant(text).timestamp() for text in said), default=None)

    @property
    def last(self) -> Mapping[str, Any]:
        """The last entry of the history that was not undone; empty where there is none."""
        return next(reversed(_standing(self.history)), {})


def _standing(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The entries of a history, or of labels, without those that were undone and those that undid them."""
    undone = {row["undoes"] for row in rows if row.get("undoes")}
    return [row for row in rows if row.get("decision_id") not in undone and not row.get("undoes")]


def moved(past: Past, decision: Decision, policy: Policy, now: float) -> Tier:
    """The tier of an account after a decision at Unix time ``now``."""
    wanted, before = decision.tier, past.tier
    if wanted == before:
        return before
    spoken = past.spoken_at
    listing = decision.listing.list if decision.listing is not None and decision.source == "list" else None
    if listing == "deny":
        return wanted
    if listing == "allow":
        # It is written for many; what a person said of this very account goes before it, and so does what its mail met.
        return wanted if spoken is None and past.last.get("source") != "feedback" else before
    if SEVERITY[wanted] > SEVERITY[before]:
        held = spoken is not None and now - spoken < policy.rescoring.reviewer_holds_days * _DAY
        return before if held else wanted
    floor = _floor(past, policy)
    return max(wanted, floor, key=SEVERITY.__getitem__) if SEVERITY[floor] < SEVERITY[before] else before


def cause_of(
    past: Past, decision: Decision, trigger: str, readings: Readings, before: Readings, rules: Mapping[str, Rule]
) -> str:
    """What changed a tier: what its rule reads and was read otherwise ``before``, or what was taken back; else what led
    to the look.

    Many things happen at once, and one look is for all of them.
    """
    if SEVERITY[decision.tier] < SEVERITY[past.tier] and past.last and decision.source != "list":
        return _brought_by(past.last) or trigger
    rule = rules.get(decision.rule or "") if decision.source == "rule" else None
    for name in rule.when if rule is not None else ():
        if readings.get(name) != before.get(name):
            signal = registered()[name]
            found = _CAUSES.get(signal.family, trigger)
            if found == "finding":
                return f"finding.{signal.needs[-1]}"
            return trigger if trigger.startswith(found) else found
    return "list" if decision.source == "list" else trigger


def _floor(past: Past, policy: Policy) -> Tier:
    """The loosest tier an account may come to without a person or an allow entry."""
    last, spoken = past.last, past.spoken_at
    if last.get("source") in ("reviewer", "feedback"):
        return past.tier
    if spoken is not None and (not last or spoken >= instant(last["at"]).timestamp()):
        return past.tier  # whoever spoke after it knew of it
    permitted = policy.rescoring.loosest
    before = cast("Tier", last.get("from") or "allow")
    if last.get("source") == "outage":
        permitted = "allow"  # what was away is back
    elif _brought_by(last) in policy.rescoring.undo:
        permitted = min(permitted, before, key=SEVERITY.__getitem__)
    return permitted


def _brought_by(entry: Mapping[str, Any]) -> str | None:
    """What brought an entry of the history about: a list, or what deciding again was caused by."""
    return "list" if entry.get("source") == "list" else entry.get("cause")
