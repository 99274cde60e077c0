"""What callers get of reviews: the shape of every answer of ``/v1/reviews``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from riskapi.api.answers import Answer, Reason
from riskapi.api.bodies import Label
from riskapi.api.lists import ListEntry
from riskapi.contract import Tier
from riskapi.reviews.deniable_values import DeniableKind, Skipped


class Review(Answer):
    """A decision that waits, or waited, for a person."""

    id: str
    user_id: str
    status: Literal["open", "claimed", "escalated", "decided"]
    opened_at: AwareDatetime
    risk_score: float
    reasons: list[Reason]
    reviewer: str | None
    claimed_at: AwareDatetime | None
    escalated_by: str | None
    escalation_reason: str | None
    decided_at: AwareDatetime | None
    decided_by: str | None
    decision: Literal["allow", "limit"] | None
    label: Label | None
    apply_to: Literal["account", "cluster"] | None
    reason: str | None


class ReviewView(Review):
    """A review with the entries of the deny list that its decision made or keeps."""

    denied: list[ListEntry]


class Touched(Answer):
    """An account that a decision is about: its tier before and after, whether it counts as an established customer.

    One that is ``left_out`` keeps its tier.
    """

    user_id: str
    before: Tier
    after: Tier
    established: bool
    left_out: bool


class Denied(Answer):
    """A value of the accounts decided that goes on the deny list, or why not.

    ``skipped``: `not_given`, none of them has one; `shared_domain`, strangers have their mail there; `hub`, it stands
    for a crowd; `held_by_another`, an established customer has it too, or somebody who proved that it is theirs;
    `too_many`, a decision denies 100 values. ``user_ids`` are those decided who have it, a hundred at most; ``already``
    says that it was on the list before; ``would_match_count`` are the accounts known to have it, 2,000 at most.
    """

    kind: DeniableKind
    normalized: str | None
    user_ids: list[str]
    skipped: Skipped | None
    already: bool
    entry_id: str | None
    would_match_count: Annotated[int, Field(ge=0)]


class DecidedReview(Review):
    """A review just decided, with every account touched or left out.

    With ``dry_run`` the review is as it is, and accounts and values are as they would be.
    """

    accounts: list[Touched]
    deny: list[Denied]
    dry_run: bool


class GivenBack(Answer):
    """An account that a decision was about, before and after it was undone.

    ``left`` says why it is not what it was: `decided_since`, somebody decided or labelled it after that; `tier_moved`,
    its tier is not the one decided any more; `untouched`, the decision never reached it.
    """

    user_id: str
    before: Tier
    after: Tier
    left: Literal["decided_since", "tier_moved", "untouched"] | None


class UndoneReview(Review):
    """A review whose decision was undone, with every account, and the entries of the deny list that are gone."""

    accounts: list[GivenBack]
    removed_entries: list[str]


class ReviewPage(Answer):
    """A page of reviews; ``next_cursor`` is null on the last one."""

    reviews: list[Review]
    next_cursor: str | None
