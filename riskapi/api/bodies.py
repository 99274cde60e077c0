"""What callers post, besides the signup: types, lengths and ranges of every body and query."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

#: Who acts: a name or id of the caller's own staff, shown to other reviewers.
Reviewer = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$")]
Note = Annotated[str, StringConstraints(max_length=2000)]
Label = Literal["abuse", "legitimate", "unknown"]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class LabelBody(_Body):
    """What an account turned out to be, and who says so."""

    label: Label
    source: Literal["manual_review", "appeal", "external", "rule"]
    note: Note | None = None


class ClaimBody(_Body):
    """Who takes the review."""

    reviewer: Reviewer


class ReleaseBody(_Body):
    """Who puts the review back; without a name, whoever holds it."""

    reviewer: Reviewer | None = None


class EscalateBody(_Body):
    """Who hands the review on and why; without a name, whoever holds it."""

    reviewer: Reviewer | None = None
    reason: Note | None = None


class DecideBody(_Body):
    """The decision that closes a review. ``reviewer`` defaults to whoever holds it, and then to the key's name."""

    decision: Literal["allow", "limit"]
    label: Label
    apply_to: Literal["account", "cluster"] = "account"
    reason: Note | None = None
    reviewer: Reviewer | None = None


class ReviewQuery(BaseModel):
    """Which reviews to list. ``cursor`` is the ``next_cursor`` of the page before."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: Literal["open", "claimed", "escalated", "decided"] = "open"
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, StringConstraints(max_length=256)] | None = None
