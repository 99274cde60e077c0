"""``/v1/accounts/{user_id}``: where an account stands, and what it turned out to be."""

from __future__ import annotations

from riskapi.accounts.labels import Labelled
from riskapi.api.bodies import LabelBody
from riskapi.api.routes import Call, Reply, Route
from riskapi.decisions.view import AccountView


def show(call: Call[None]) -> Reply:
    """Where the account stands and how it got there."""
    found = call.parts.profiles.view(call.path["user_id"], call.now)
    if "reviews" not in call.principal.scopes:
        # What only those see who judge people.
        del found["signup"], found["readings"]
    return Reply(found)


def label(call: Call[LabelBody]) -> Reply:
    """Label the account; the latest label stands, all are kept."""
    body = call.body
    found = call.parts.labels.add(
        call.path["user_id"], body.label, body.source, body.note, call.principal.name, call.now
    )
    call.parts.metrics.label(body.label, body.source)
    return Reply(found)


ROUTES = (
    Route(
        method="GET",
        path="/v1/accounts/{user_id}",
        handler=show,
        summary="Where an account stands, and how it got there",
        tag="Accounts",
        scopes=("signups", "reviews"),
        response=AccountView,
        problems=("not_found",),
    ),
    Route(
        method="POST",
        path="/v1/accounts/{user_id}/labels",
        handler=label,
        summary="Say what an account turned out to be",
        tag="Accounts",
        description=(
            "The latest label stands, all are kept. The next signup that shares something with the account feels it. "
            "A person's word (`manual_review`, `appeal`) also moves the account's own tier: `abuse` to `limit`, "
            "`legitimate` to `allow`."
        ),
        scopes=("reviews",),
        body=LabelBody,
        example={"label": "abuse", "source": "manual_review", "note": "sent phishing"},
        response=Labelled,
        problems=("not_found",),
        idempotent=True,
    ),
)
