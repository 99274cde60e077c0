"""What an account keeps, and answers show, of each change of its tier and of each label."""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from riskapi.contract import Instant, Tier

LabelName = Literal["abuse", "legitimate", "unknown"]
LabelSource = Literal["manual_review", "appeal", "external", "rule"]

# ``from`` is a word of Python, which a class cannot have as a field.
_From = TypedDict("_From", {"from": Tier | None})


class HistoryEntry(_From):
    """One change of tier. ``cause`` is what had the account decided again: ``finding.mail_domain``, ``event.login``,
    ``linkage``, ``list`` or ``schedule``; null for a first decision and for a person's. ``decision_id`` is the decision
    of a review that made it, ``undoes`` the one it takes back. ``actor`` is who called, a key; ``reviewer`` is the name
    that the caller gave with it, unchecked.
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


class LabelEntry(TypedDict):
    """One label, as given. ``decision_id`` is the decision of a review that gave it, ``undoes`` one it takes back."""

    label: LabelName
    source: LabelSource
    note: str | None
    actor: str
    at: Instant
    decision_id: NotRequired[str | None]
    undoes: NotRequired[str | None]
