"""``/v1/reviews``: decisions that wait for a person."""

from __future__ import annotations

from riskapi.api.bodies import ClaimBody, DecideBody, EscalateBody, ReleaseBody, ReviewQuery, UndoBody
from riskapi.api.routes import Call, Reply, Route
from riskapi.lists.entries import ListEntry
from riskapi.metrics import Metrics
from riskapi.reviews.decisions import DecidedReview, ReviewDecision, UndoneReview
from riskapi.reviews.queue import Review, ReviewPage


class ReviewView(Review):
    """A review with the entries of the deny list that its decision made or keeps."""

    denied: list[ListEntry]


def list_page(call: Call[ReviewQuery]) -> Reply:
    """A page of the reviews in a status."""
    return Reply(call.parts.reviews.list(call.body.status, call.body.limit, call.body.cursor))


def show(call: Call[None]) -> Reply:
    """One review, and what its decision denied."""
    parts, review_id = call.parts, call.path["review_id"]
    denied = parts.review_decisions.denied(review_id, call.now)
    answer: ReviewView = {**parts.reviews.get(review_id), "denied": denied}
    return Reply(answer)


def claim(call: Call[ClaimBody]) -> Reply:
    """Hold a review; one reviewer at a time."""
    found = call.parts.reviews.claim(call.path["review_id"], call.body.reviewer, call.now)
    call.parts.metrics.review("claimed")
    return Reply(found)


def release(call: Call[ReleaseBody]) -> Reply:
    """Put a review back into the queue."""
    reviewer = _reviewer(call, call.body.reviewer) or call.principal.name
    found = call.parts.reviews.release(call.path["review_id"], reviewer, call.now)
    call.parts.metrics.review("released")
    return Reply(found)


def escalate(call: Call[EscalateBody]) -> Reply:
    """Hand a review on."""
    actor = call.principal.name
    reviewer = _reviewer(call, call.body.reviewer) or actor
    found = call.parts.reviews.escalate(call.path["review_id"], reviewer, call.body.reason, call.now, actor=actor)
    call.parts.metrics.review("escalated")
    return Reply(found)


def decide(call: Call[DecideBody]) -> Reply:
    """Close a review with a decision, or tell what that would change."""
    body, parts = call.body, call.parts
    decision = ReviewDecision(
        tier=body.decision,
        label=body.label,
        apply_to=body.apply_to,
        reason=body.reason,
        include_established=body.include_established,
        deny=tuple(body.deny),
        deny_expires_at=None if body.deny_expires_at is None else body.deny_expires_at.timestamp(),
        reviewer=_reviewer(call, body.reviewer),
    )
    actor = call.principal.name
    found = parts.review_decisions.decide(call.path["review_id"], decision, actor, call.now, dry_run=body.dry_run)
    if not body.dry_run:
        count_decision(parts.metrics, found)
    return Reply(found)


def count_decision(metrics: Metrics, found: DecidedReview) -> None:
    """Count a decision that was carried out, and the entries of the deny list that it made."""
    metrics.review("decided")
    for row in found["deny"]:
        if row["entry_id"] is not None and not row["already"]:
            metrics.list_change("deny", "put")


def undo(call: Call[UndoBody]) -> Reply:
    """Take a decision back."""
    body, parts = call.body, call.parts
    actor = call.principal.name
    found = parts.review_decisions.undo(call.path["review_id"], body.reason, actor, call.now, body.reviewer)
    count_undo(parts.metrics, found)
    return Reply(found)


def count_undo(metrics: Metrics, found: UndoneReview) -> None:
    """Count a decision that was taken back, and the entries of the deny list that are gone with it."""
    metrics.review("undone")
    for _ in found["removed_entries"]:
        metrics.list_change("deny", "removed")


def _reviewer(call: Call[ReleaseBody] | Call[EscalateBody] | Call[DecideBody], named: str | None) -> str | None:
    """For whom the caller acts: the one named, else whoever holds the review, if anybody.

    A mere note, and what the holder of a review is compared with; who acted is the key. The store checks again.
    """
    if named is not None:
        return named
    return call.parts.reviews.get(call.path["review_id"])["reviewer"]


_HELD = ("not_found", "review_held", "review_closed")

ROUTES = (
    Route(
        method="GET",
        path="/v1/reviews",
        handler=list_page,
        summary="List reviews, oldest first",
        tag="Reviews",
        scopes=("reviews",),
        query=ReviewQuery,
        response=ReviewPage,
    ),
    Route(
        method="GET",
        path="/v1/reviews/{review_id}",
        handler=show,
        summary="One review",
        tag="Reviews",
        scopes=("reviews",),
        response=ReviewView,
        problems=("not_found",),
    ),
    Route(
        method="POST",
        path="/v1/reviews/{review_id}/claim",
        handler=claim,
        summary="Hold a review",
        tag="Reviews",
        description="One reviewer holds a review at a time, until the policy's `reviews.claim_minutes` are over.",
        scopes=("reviews",),
        body=ClaimBody,
        example={"reviewer": "ana"},
        response=Review,
        problems=_HELD,
        idempotent=True,
    ),
    Route(
        method="POST",
        path="/v1/reviews/{review_id}/release",
        handler=release,
        summary="Put a review back into the queue",
        tag="Reviews",
        scopes=("reviews",),
        body=ReleaseBody,
        example={"reviewer": "ana"},
        optional_body=True,
        response=Review,
        problems=_HELD,
        idempotent=True,
    ),
    Route(
        method="POST",
        path="/v1/reviews/{review_id}/escalate",
        handler=escalate,
        audited="case handed on",
        summary="Hand a review to somebody more senior",
        tag="Reviews",
        scopes=("reviews",),
        body=EscalateBody,
        example={"reviewer": "ana", "reason": "unsure"},
        optional_body=True,
        response=Review,
        problems=_HELD,
        idempotent=True,
    ),
    Route(
        method="POST",
        path="/v1/reviews/{review_id}/decide",
        handler=decide,
        audited="decided",
        summary="Close a review with a decision",
        tag="Reviews",
        description=(
            "Sets the tier of the account, or of all accounts of its cluster, and labels the account. Established "
            "customers of the cluster are named and left out unless `include_established`. With `deny` mailboxes, "
            "numbers, devices, means of payment and mail domains go on the deny list with it, hashed, for good or "
            "until `deny_expires_at`; values that others hold too, and domains where strangers have their mail, are "
            "named and skipped. `dry_run` answers what would change and changes nothing."
        ),
        scopes=("reviews",),
        body=DecideBody,
        example={
            "decision": "limit",
            "label": "abuse",
            "apply_to": "cluster",
            "deny": ["mailbox", "phone"],
            "dry_run": True,
            "reason": "throw-away mailbox",
        },
        response=DecidedReview,
        problems=_HELD,
        idempotent=True,
    ),
    Route(
        method="POST",
        path="/v1/reviews/{review_id}/undo",
        handler=undo,
        audited="undone",
        summary="Take a decision back",
        tag="Reviews",
        description=(
            "Every account that the decision was about has the tier and the label again that it had before, unless "
            "somebody decided or labelled it since; what the decision put on the deny list is taken off it, unless it "
            "is there for another reason too; and the reviews that it closed are open again."
        ),
        scopes=("reviews",),
        body=UndoBody,
        example={"reason": "the wrong Ana"},
        optional_body=True,
        response=UndoneReview,
        problems=("not_found", "not_undoable"),
        idempotent=True,
    ),
)
