"""``/v1/accounts/{user_id}/sends`` and ``/v1/reservations``: recipients are granted, and given back."""

from __future__ import annotations

import hashlib
from typing import Annotated

from pydantic import Field, StringConstraints

from riskapi.api import repeats
from riskapi.api.bodies import StrictBody
from riskapi.api.routes import Call, Reply, Route
from riskapi.budgets.grants import Grant
from riskapi.sending.grants import Message, Released

#: More at once is a mistake of the caller: no account of a free tier sends to a million.
MOST_RECIPIENTS = 1_000_000
Recipients = Annotated[int, Field(ge=1, le=MOST_RECIPIENTS)]


class MessageBody(StrictBody):
    """What the mail says: the domain in its From, the domains it links to, and a fingerprint of its content.

    Accounts whose mail links to the same or has the same fingerprint are linked by it; sites that everybody links to
    are left out, and so is `from_domain`, which many may share: what its DNS says can earn a step. The fingerprint is
    yours: equal for equal content.
    """

    from_domain: Annotated[str, StringConstraints(max_length=253)] | None = None
    link_domains: Annotated[list[Annotated[str, StringConstraints(max_length=2048)]], Field(max_length=200)] | None = (
        None
    )
    fingerprint: Annotated[str, StringConstraints(max_length=256)] | None = None


class SendBody(StrictBody):
    """To how many recipients the account wants to send. ``partial`` takes fewer, otherwise it is all or none.

    With ``any_case`` the account may be named in other capitals: where none has just this id, the one in small letters
    is meant, else one in other capitals. That is how mail servers take a login.
    """

    recipients: Recipients
    partial: bool = True
    any_case: bool = False
    message: MessageBody | None = None


class ReleaseRecipientsBody(StrictBody):
    """How many recipients were granted and not written to."""

    recipients: Recipients


def send(call: Call[SendBody]) -> Reply:
    """Grant recipients."""
    body, said = call.body, call.body.message or MessageBody()
    found = call.parts.grants.send(
        call.path["user_id"],
        body.recipients,
        Message(tuple(said.link_domains or ()), said.fingerprint, said.from_domain),
        call.now,
        partial=body.partial,
        digest=hashlib.sha256(body.model_dump_json(exclude={"any_case"}).encode()).hexdigest(),
        repeat=repeats.name(call),
        any_case=body.any_case,
    )
    return Reply(found.body, headers={"Idempotent-Replay": "true"} if found.replay else {}, tier=found.body["tier"])


def release(call: Call[ReleaseRecipientsBody]) -> Reply:
    """Give back recipients."""
    found = call.parts.grants.release(
        call.path["reservation_id"], call.body.recipients, call.now, repeat=repeats.name(call)
    )
    return Reply(found)


ROUTES = (
    Route(
        method="POST",
        path="/v1/accounts/{user_id}/sends",
        handler=send,
        summary="Ask before sending",
        tag="Sending",
        description=(
            "Grants recipients against the hourly, daily and monthly caps of the account and of its cluster. Windows "
            "slide, the hour at a grain of a minute, the day of 15 minutes, the month (30 days) of 6 hours: what was "
            "granted counts until its whole grain has left the window. Send an `Idempotency-Key` with each message: a "
            "request that is repeated is then counted once. While the store is away a few are granted from the "
            "policy's `outage`."
        ),
        scopes=("sends",),
        body=SendBody,
        example={
            "recipients": 40,
            "partial": True,
            "message": {"from_domain": "ruiz.example", "link_domains": ["ruiz.example"], "fingerprint": "spring-sale"},
        },
        response=Grant,
        problems=("not_found", "idempotency_conflict", "invalid"),
        repeatable=True,
    ),
    Route(
        method="POST",
        path="/v1/reservations/{reservation_id}/release",
        handler=release,
        summary="Give back what was not sent",
        tag="Sending",
        description=(
            "At most once for each recipient granted, for the policy's `sends.reservation_days`. Send an "
            "`Idempotency-Key` so that a repeated request gives back nothing more."
        ),
        scopes=("sends",),
        body=ReleaseRecipientsBody,
        example={"recipients": 5},
        response=Released,
        problems=("not_found", "over_release"),
        idempotent=True,
    ),
)
