"""The history of an account: one entry a change of its tier, with the event that tells of it, and one a label."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NotRequired, cast

import orjson
from typing_extensions import TypedDict

from riskapi.contract import Instant, Tier
from riskapi.times import rfc3339

#: Stands for a tier that only the script knows which writes the entry: it puts the tier before, or after, in its place.
PUT_LATER = "?"

LabelName = Literal["abuse", "legitimate", "unknown"]
LabelSource = Literal["manual_review", "appeal", "external", "rule"]

# ``from`` is a word of Python, which a class cannot have as a field.
_From = TypedDict("_From", {"from": Tier | None})


class HistoryEntry(_From):
    """One change of tier; ``from`` is null for a first decision. ``source`` is what set it (``model``, ``rule``,
    ``list``, ``outage``, ``reviewer``, ``import``, ``feedback``), ``reason`` the rule, the entry of a list or what a
    person said. ``cause`` is what had the account decided again: ``finding.mail_domain``, ``event.login``, ``linkage``,
    ``list``, ``schedule`` or ``outage``; null for what the account itself brought, and for a person's.
    ``decision_id`` is the decision of a review that made it, ``undoes`` the one it takes back. ``actor`` is who called,
    a key; ``reviewer`` is the name that the caller gave with it, unchecked. What the mail of others met has ``source``
    ``feedback`` and ``cause`` ``linkage``; where that began or ended a ``pause``, the tier may stay.
    """

    at: Instant
    to: Tier
    source: str
    actor: str | None
    reason: str | None
    versions: dict[str, Any]
    expires_at: Instant | None
    cause: NotRequired[str | None]
    decision_id: NotRequired[str | None]
    undoes: NotRequired[str | None]
    reviewer: NotRequired[str | None]
    pause: NotRequired[Literal["begun", "ended"]]


class LabelEntry(TypedDict):
    """One label, as given. ``decision_id`` is the decision of a review that gave it, ``undoes`` one it takes back."""

    label: LabelName
    source: LabelSource
    note: str | None
    actor: str
    at: Instant
    decision_id: NotRequired[str | None]
    undoes: NotRequired[str | None]


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
    """A change of tier at Unix time ``at``. It holds until Unix time ``until``, where an entry of a list ends then.

    A tier is :data:`PUT_LATER` where only the script knows it that writes the entry.
    """
    return {
        "at": rfc3339(at),
        "from": cast("Tier | None", before),
        "to": cast("Tier", to),
        "source": source,
        "actor": actor,
        "reason": reason,
        "versions": dict(versions),
        "expires_at": None if until is None else rfc3339(until),
        "cause": cause,
    }


def label_event(user_id: str, label: LabelEntry, now: float) -> bytes:
    """What the stream is told of a label given at Unix time ``now``."""
    told = {name: label[name] for name in ("label", "source", "note", "actor")}
    return orjson.dumps({"user_id": user_id, **told, "at": now})


def tier_event(user_id: str, entry: Mapping[str, Any], now: float) -> bytes:
    """What the stream is told of a change of tier at Unix time ``now``; its tiers may be put in later too."""
    told = {name: entry.get(name) for name in ("from", "to", "source", "actor", "reason", "cause")}
    return orjson.dumps({"user_id": user_id, "at": now, **told})
