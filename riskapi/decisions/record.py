"""The record of one decision, as the streams keep it: readings, score, versions, and what it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from riskapi.decisions.decide import Decision
from riskapi.lists.matching import Listed
from riskapi.store import damaged
from signals.registry import Readings, schema


def decision_entry(
    *,
    id: str,
    user_id: str,
    at: float,
    kind: str,
    readings: Readings,
    decision: Decision,
    model_mode: str,
    versions: dict[str, Any],
    findings: Mapping[str, float] | None = None,
    cause: str | None = None,
    listed: Sequence[Listed] = (),
) -> dict[str, Any]:
    """One decision as it is stored. ``kind`` says what asked for it (``signup``, ``again`` with its ``cause``, or
    ``import``, where nothing was decided), ``model_mode`` if it counted. ``findings`` are the Unix times of what
    upstreams said and it rested on, by kind. ``listed`` are the entries of lists that named it, of which the decision
    knows the one that had a say.
    """
    return {
        "id": id,
        "user_id": user_id,
        "at": at,
        "kind": kind,
        "schema": schema(),
        "readings": list(readings.values()),
        "tier": decision.tier,
        "risk_score": decision.risk_score,
        "margin": decision.margin,
        "probability": decision.probability,
        "source": decision.source,
        "rule": decision.rule,
        "fired": list(decision.fired),
        "store_away": decision.store_away,
        "model_mode": model_mode,
        "versions": versions,
        "findings": dict(findings or {}),
        "cause": cause,
        "listing": None if decision.listing is None else asdict(decision.listing),
        "listed": [found.id for found in listed],
    }


def listing(stored: Mapping[str, Any]) -> Listed | None:
    """The entry of a list that had a say in a stored decision; None also for one stored before there were lists."""
    found = stored.get("listing")
    return None if found is None else Listed(**damaged.known(Listed, found))
