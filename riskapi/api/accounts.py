"""``/v1/accounts/{user_id}``: where an account stands, and what it turned out to be."""

from __future__ import annotations

from riskapi.accounts.labels import Labelled
from riskapi.accounts.spreads import KeptSpread
from riskapi.api.bodies import LabelBody, SpreadBody
from riskapi.api.routes import Call, Reply, Route
from riskapi.decisions.view import AccountView


def show(call: Call[None]) -> Reply:
    """Where the account stands and how it got there."""
    found = call.parts.profiles.view(call.path["user_id"], call.now)
    if "reviews" not in call.principal.scopes:
        # Only those who decide about people see this.
        del found["signup"], found["readings"]
    return Reply(found)


def label(call: Call[LabelBody]) -> Reply:
    """Label the account; the latest label stands, all are kept."""
    body = call.body
    if body.dry_run:
        return Reply(call.parts.labels.preview(call.path["user_id"], body.label, body.source, call.now))
    found = call.parts.labels.add(
        call.path["user_id"], body.label, body.source, body.note, call.principal.name, call.now
    )
    call.parts.metrics.label(body.label, body.source)
    return Reply(found)


def spread(call: Call[SpreadBody]) -> Reply:
    """Say what is to become of what abuse of the account means for others."""
    return Reply(call.parts.labels.spread(call.path["user_id"], call.body.action, call.principal.name, call.now))


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
        audited="labelled",
        summary="Say what an account turned out to be",
        tag="Accounts",
        description=(
            "The latest label counts, all are kept. The next signup that shares something with the account is decided "
            "with it. A person's label (`manual_review`, `appeal`) also moves the account's own tier: `abuse` to "
            "`limit`, `legitimate` to `allow`. `abuse` touches all who share a mailbox, number, device, card or budget "
            "with the account; one that would touch more accounts than the policy's `feedback.spread.max_accounts` is "
            "`held` until a person applies it. `dry_run` names whom it would touch."
        ),
        scopes=("reviews",),
        body=LabelBody,
        example={"label": "abuse", "source": "manual_review", "note": "sent phishing"},
        response=Labelled,
        problems=("not_found",),
        idempotent=True,
    ),
    Route(
        method="POST",
        path="/v1/accounts/{user_id}/spread",
        handler=spread,
        audited="label spread",
        summary="Take back what abuse of an account means for others, or apply it",
        tag="Accounts",
        description=(
            "One step for all of them: a worker decides everybody it touched again, and the reviews it opened are "
            "closed. The account itself stays labelled. `apply` does all of it again. A new label `abuse` begins a new "
            "spread."
        ),
        scopes=("reviews",),
        body=SpreadBody,
        example={"action": "undo"},
        response=KeptSpread,
        problems=("not_found",),
        idempotent=True,
    ),
)
