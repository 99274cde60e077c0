"""The history of an account's tiers: one entry a change, oldest first, and the event that tells of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

import orjson

from riskapi.contract import Tier
from riskapi.times import rfc3339

#: Stands for a tier that only the script knows which writes the entry: it puts the tier before, or after, in its place.
PUT_LATER = "?"

#: One change of tier. ``from`` is None for a first decision. ``source`` is what set it (``model``, ``rule``, ``list``,
#: ``outage``, ``reviewer``, ``import``, ``feedback``), ``reason`` the rule, the entry of a list or what a person said.
#: ``actor`` is who called, a key. ``cause`` is what had the account decided again (``finding.mail_domain``,
#: ``event.login``, ``linkage``, ``list``, ``schedule``, ``outage``); None for what the account itself brought.
#: ``decision_id`` is the decision of a review that made it, ``undoes`` the one it takes back, ``reviewer`` the name
#: that the caller gave, unchecked.
HistoryEntry = TypedDict(
    "HistoryEntry",
    {
        "at": str,
        "from": str | None,
        "to": str,
        "source": str,
        "actor": str | None,
        "reason": str | None,
        "versions": dict[str, Any],
        "expires_at": str | None,
        "cause": str | None,
        "decision_id": NotRequired[str],
        "undoes": NotRequired[str],
        "reviewer": NotRequired[str],
    },
)


def history_entry(
    at: float,
    before: Tier | str | None,
    to: Tier | str,
    source: str,
    reason: str | None,
    versions: Mapping[str, Any],
    *,
    actor: str | None = None,
    until: float | None = None,
    cause: str | None = None,
) -> HistoryEntry:
    """A change of tier at Unix time ``at``. It holds until Unix time ``until``, where an entry of a list ends then."""
    return {
        "at": rfc3339(at),
        "from": before,
        "to": to,
        "source": source,
        "actor": actor,
        "reason": reason,
        "versions": dict(versions),
        "expires_at": None if until is None else rfc3339(until),
        "cause": cause,
    }


def tier_event(user_id: str, entry: Mapping[str, Any], now: float) -> bytes:
    """What the stream is told of a change of tier at Unix time ``now``; its tiers may be put in later too."""
    told = {name: entry.get(name) for name in ("from", "to", "source", "actor", "reason", "cause")}
    return orjson.dumps({"user_id": user_id, "at": now, **told})
