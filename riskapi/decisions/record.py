"""The record of one decision, as the streams keep it: readings, score, versions, and what it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Literal

import orjson

from riskapi.contract import Tier
from riskapi.decisions.line import Case
from riskapi.lists.matching import Listed
from riskapi.store import damaged
from signals.registry import schema

#: What goes without saying of a signup in the streams.
_USUAL: Mapping[str, Any] = {"kind": "signup", "tier": "allow", "subjects": []}


def decision_entry(
    case: Case, id: str, kind: Literal["signup", "again", "import"], cause: str | None
) -> dict[str, Any]:
    """What is kept of the decision of a case. ``kind`` says what asked for it (``signup``, ``again`` with its
    ``cause``, or ``import``, where nothing was decided).
    """
    decided, basis = case.decided, case.basis
    decision = decided.decision
    return {
        "id": id,
        "user_id": case.user_id,
        "at": case.facts.at,
        "kind": kind,
        "schema": schema(),
        "readings": list(decided.readings.values()),
        "tier": decision.tier,
        "risk_score": decision.risk_score,
        "margin": decision.margin,
        "probability": decision.probability,
        "source": decision.source,
        "rule": decision.rule,
        "fired": list(decision.fired),
        "store_away": decision.store_away,
        "model_mode": "off" if kind == "import" else basis.policy.model.mode,
        "versions": dict(basis.versions),
        "findings": case.findings,
        "cause": cause,
        "listing": None if decision.listing is None else asdict(decision.listing),
        "listed": [found.id for found in case.listed],
    }


def decision_event(case: Case, entry: Mapping[str, Any], tier: Tier) -> bytes:
    """What the stream is told of a decision, of which ``entry`` is kept: which account, and what is to be done about
    it. ``tier`` is the one the account is in; ``score`` and what shadow candidates would have decided are counted.

    It leaves out what goes without saying of a signup, see :func:`told_decision`.
    """
    told = {
        "id": entry["id"],
        "user_id": entry["user_id"],
        "at": entry["at"],
        "score": round(entry["risk_score"]),
    }
    is_signup = entry["kind"] == "signup"
    if is_signup and case.decision.shadow:
        told["shadow"] = {row.candidate: row.decision for row in case.decision.shadow}
    for name in ("cause", "findings", "listed"):
        if entry[name]:
            told[name] = entry[name]
    subjects = [] if case.gathered is None else [each.told for each in case.gathered.subjects]
    for name, said in (("kind", entry["kind"]), ("tier", tier), ("subjects", subjects)):
        if not is_signup or said != _USUAL[name]:
            told[name] = said
    return orjson.dumps(told)


def is_brief(data: Mapping[str, Any]) -> bool:
    """Whether an entry of the streams leaves out what goes without saying of a signup; it is of one then."""
    return "kind" not in data and "readings" not in data


def told_tier(data: Mapping[str, Any]) -> Any:
    """The tier that an entry of the streams tells of a decision, as :func:`told_decision` has it."""
    return data.get("tier", _USUAL["tier"] if is_brief(data) else None)


def told_decision(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """What an entry of the streams tells of a decision: a signup that was allowed and of which nothing is asked, where
    it says nothing else. Until 2026-11-27 entries said all of it.
    """
    return {**_USUAL, **data} if is_brief(data) else data


def listing(stored: Mapping[str, Any]) -> Listed | None:
    """The entry of a list that had a say in a stored decision; None also for one stored before there were lists."""
    found = stored.get("listing")
    return None if found is None else Listed(**damaged.known(Listed, found))
