"""What callers post, besides the signup: types, lengths and ranges of every body and query."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from riskapi.accounts.history import LabelName, LabelSource
from riskapi.contract import Time
from riskapi.feedback.event import FeedbackEvent
from riskapi.lists.entry_rows import Reason as Reason
from riskapi.reviews.deniable_values import DENIABLE, DeniableKind
from riskapi.reviews.queue import ReviewScope, ReviewStatus, ReviewTier
from riskapi.webhooks.deliveries import Status
from riskapi.webhooks.endpoints import EVENT_TYPES, EventType

#: For whom the caller acts: a name or id of its own staff, shown to other reviewers. A note: who acts is the key.
Reviewer = Annotated[
    str,
    StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$"),
]


def _said(note: str) -> str | None:
    return note if note.strip() else None


#: What somebody may say besides. Blanks alone say nothing.
Note = Annotated[str, StringConstraints(max_length=2000), AfterValidator(_said)]


class StrictBody(BaseModel):
    """What all bodies have in common: unknown keys and wrong types are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class LabelBody(StrictBody):
    """What an account turned out to be, and who says so. `dry_run` changes nothing and tells whom it would touch."""

    label: LabelName
    source: LabelSource
    note: Note | None = None
    dry_run: bool = False


class SpreadBody(StrictBody):
    """What is to become of what the label `abuse` of an account means for others: `undo` takes it back, `apply` lets it
    go that waits, is only shown, or was taken back.
    """

    action: Literal["undo", "apply"]


class ClaimBody(StrictBody):
    """Who takes the review."""

    reviewer: Reviewer


class ReleaseBody(StrictBody):
    """Who puts the review back; without a name, whoever holds it."""

    reviewer: Reviewer | None = None


class EscalateBody(StrictBody):
    """Who hands the review on and why; without a name, whoever holds it."""

    reviewer: Reviewer | None = None
    reason: Note | None = None


class DecideBody(StrictBody):
    """The decision that closes a review. The actor is the key; ``reviewer`` is a note, by default whoever holds it.

    For a `cluster`, established customers are left out unless `include_established`. `deny` puts these values of the
    accounts decided on the deny list, without keeping the values, until `deny_expires_at`, by default for good, an `ip`
    for 24 hours at most; only with the decision `limit` and the label `abuse`. `dry_run` changes nothing and tells what
    would be.
    """

    decision: ReviewTier
    label: LabelName
    apply_to: ReviewScope = "account"
    include_established: bool = False
    deny: Annotated[list[DeniableKind], Field(max_length=len(DENIABLE))] = Field(default_factory=list)
    deny_expires_at: Time | None = None
    dry_run: bool = False
    reason: Note | None = None
    reviewer: Reviewer | None = None


class UndoBody(StrictBody):
    """Why the decision is taken back. The actor is the key; ``reviewer`` is a note."""

    reviewer: Reviewer | None = None
    reason: Note | None = None


class FeedbackBody(StrictBody):
    """Feedback events. What is not an event is left as it is, for the answer to say so without failing the others."""

    events: Annotated[
        list[Annotated[FeedbackEvent | Any, Field(union_mode="left_to_right")]], Field(min_length=1, max_length=1000)
    ]


class ReviewQuery(BaseModel):
    """Which reviews to list. ``cursor`` is the ``next_cursor`` of the page before."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: ReviewStatus = "open"
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, StringConstraints(max_length=256)] | None = None


class PolicyBody(StrictBody):
    """A whole policy and why it should be in force. ``simulation_id`` names the simulation it was tried in, if any."""

    policy: Annotated[
        dict[str, Any],
        Field(description="As `GET` answers it; its `version` does not matter. Checked as at the start."),
    ]
    note: Reason
    simulation_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None = None


class RollbackBody(StrictBody):
    """The version to bring back, and why."""

    version: Annotated[int, Field(ge=1, lt=10**9)]
    note: Reason | None = None


class VersionsQuery(BaseModel):
    """Which versions to list. ``cursor`` is the ``next_cursor`` of the page before."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,8}$")] | None = None


class ChangesQuery(BaseModel):
    """The version to compare with; by default the one before."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    since: Annotated[int, Field(ge=1, lt=10**9)] | None = None


class NothingBody(StrictBody):
    """Nothing more need be said."""


class WebhookBody(StrictBody):
    """Where to tell, and of what."""

    url: Annotated[str, StringConstraints(min_length=1, max_length=2048)]
    events: Annotated[list[EventType], Field(min_length=1, max_length=len(EVENT_TYPES))]


class DeliveryQuery(BaseModel):
    """Which deliveries to list. ``cursor`` is the ``next_cursor`` of the page before."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: Status = "pending"
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, StringConstraints(max_length=256)] | None = None
