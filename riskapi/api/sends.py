"""``/v1/accounts/{user_id}/sends`` and ``/v1/reservations``: recipients are granted, and given back."""

from __future__ import annotations

import hashlib
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints
from typing_extensions import TypedDict

from riskapi.api import repeats
from riskapi.api.bodies import StrictBody
from riskapi.api.routes import Call, Reply, Route
from riskapi.budgets.grant_records import Grant
from riskapi.contract import Count
from riskapi.feedback.message_ids import bare
from riskapi.inputs.urls import MOST
from riskapi.sending.grants import Message, Released

#: More at once is a mistake of the caller: no account of a free tier sends to a million.
MOST_RECIPIENTS = 1_000_000
LinkDomain = Annotated[str, StringConstraints(max_length=2048)]
Recipients = Annotated[int, Field(ge=1, le=MOST_RECIPIENTS)]
#: Message ids told at once, as many as events of feedback; characters of one, as many as are read of a returned one.
MOST_MESSAGES, LONGEST_ID = 1000, 300


class MessageBody(StrictBody):
    """What the mail says: the domain in its From, the domains it links to, and a fingerprint of its content.

    Accounts whose mail links to the same or has the same fingerprint are linked by it; sites that everybody links to
    are left out, and so is `from_domain`, which many may share: what its DNS says can earn a step. The fingerprint is
    yours: equal for equal content.
    """

    from_domain: Annotated[str, StringConstraints(max_length=253)] | None = None
    link_domains: Annotated[list[LinkDomain], Field(max_length=MOST)] | None = None
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


def _message_id(text: str) -> str:
    found = bare(text)
    if not found or not found.isprintable():
        raise ValueError("expected a message id, such as <1@mail.saas.example>")
    return found


class MessagesBody(StrictBody):
    """The ids of messages that were sent: their `Message-ID`, or what the mail provider calls them."""

    message_ids: Annotated[
        list[Annotated[str, StringConstraints(max_length=LONGEST_ID), AfterValidator(_message_id)]],
        Field(min_length=1, max_length=MOST_MESSAGES),
    ]


class MessagesTold(TypedDict):
    """What came of message ids. ``ambiguous`` are those that other accounts told as well: they say of nobody whose they
    are. ``attributed`` are events that had waited for one of them and were counted now.
    """

    reservation_id: str
    recorded: Count
    ambiguous: Count
    attributed: Count


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


def tell_messages(call: Call[MessagesBody]) -> Reply:
    """Say which messages were sent."""
    reservation_id, ids = call.path["reservation_id"], list(dict.fromkeys(call.body.message_ids))
    told = call.parts.intake.tell_messages(call.parts.grants.reserved_by(reservation_id), ids, call.now)
    answer: MessagesTold = {
        "reservation_id": reservation_id,
        "recorded": len(ids) - told.ambiguous,
        "ambiguous": told.ambiguous,
        "attributed": told.attributed,
    }
    return Reply(answer)


ROUTES = (
    Route(
        method="POST",
        path="/v1/reservations/{reservation_id}/messages",
        handler=tell_messages,
        summary="Say which messages were sent",
        tag="Sending",
        description=(
            "1 to 1000 message ids: the `Message-ID`, or what the mail provider calls the message. Bounces and "
            "complaints that name one are counted for the account, for 31 days; those that came before are counted "
            "now. Repeating it changes nothing."
        ),
        scopes=("sends",),
        body=MessagesBody,
        example={"message_ids": ["<spring-1@mail.saas.example>", "0102018f-0000-4c5e-8f0a-1b2c3d4e5f60"]},
        response=MessagesTold,
        problems=("not_found", "invalid"),
        idempotent=True,
    ),
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
