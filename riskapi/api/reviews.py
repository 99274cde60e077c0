"""``/v1/reviews``: decisions that wait for a person."""

from __future__ import annotations

from riskapi.api.answers import DecidedReview, Review, ReviewPage
from riskapi.api.bodies import ClaimBody, DecideBody, EscalateBody, ReleaseBody, ReviewQuery
from riskapi.api.routes import Call, Reply, Route


def list_page(call: Call[ReviewQuery]) -> Reply:
    """A page of the reviews in a status."""
    return Reply(call.parts.reviews.list(call.body.status, call.body.limit, call.body.cursor))


def show(call: Call[None]) -> Reply:
    """One review."""
    return Reply(call.parts.reviews.get(call.path["review_id"]))


def claim(call: Call[ClaimBody]) -> Reply:
    """Hold a review; one reviewer at a time."""
    found = call.parts.reviews.claim(call.path["review_id"], call.body.reviewer, call.now)
    call.parts.metrics.review("claimed")
    return Reply(found)


def release(call: Call[ReleaseBody]) -> Reply:
    """Put a review back into the queue."""
    found = call.parts.reviews.release(call.path["review_id"], _actor(call, call.body.reviewer), call.now)
    call.parts.metrics.review("released")
    return Reply(found)


def escalate(call: Call[EscalateBody]) -> Reply:
    """Hand a review on."""
    actor = _actor(call, call.body.reviewer)
    found = call.parts.reviews.escalate(call.path["review_id"], actor, call.body.reason, call.now)
    call.parts.metrics.review("escalated")
    return Reply(found)


def decide(call: Call[DecideBody]) -> Reply:
    """Close a review with a decision."""
    body = call.body
    actor = _actor(call, body.reviewer)
    found = call.parts.reviews.decide(
        call.path["review_id"], body.decision, body.label, body.apply_to, body.reason, actor, call.now
    )
    call.parts.metrics.review("decided")
    return Reply(found)


def _actor(call: Call[ReleaseBody] | Call[EscalateBody] | Call[DecideBody], named: str | None) -> str:
    """Who acts: the one named, else whoever holds the review, else the key. The store checks the holder again."""
    if named is not None:
        return named
    holder: str | None = call.parts.reviews.get(call.path["review_id"])["reviewer"]
    return holder or call.principal.name


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
        response=Review,
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
        summary="Close a review with a decision",
        tag="Reviews",
        description="Sets the tier of the account, or of the accounts linked to it too, and labels the account.",
        scopes=("reviews",),
        body=DecideBody,
        example={"decision": "limit", "label": "abuse", "apply_to": "account", "reason": "throw-away mailbox"},
        response=DecidedReview,
        problems=_HELD,
        idempotent=True,
    ),
)
