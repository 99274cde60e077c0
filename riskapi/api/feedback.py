"""``/v1/feedback``: what became of mail that was sent."""

from __future__ import annotations

from collections import Counter
from typing import Any

from pydantic import ValidationError
from pydantic_core import to_json
from typing_extensions import TypedDict

from riskapi.api.bodies import FeedbackBody
from riskapi.api.routes import Call, Reply, Route
from riskapi.contract import Count
from riskapi.errors import Problem
from riskapi.feedback.counts import FeedbackAction
from riskapi.feedback.event import FeedbackEvent
from riskapi.inputs.input_warnings import AHEAD
from riskapi.inputs.invalid import from_validation


class RejectedEvent(TypedDict):
    """A feedback event that could not be read: its place in the body, and what is wrong."""

    index: Count
    code: str
    detail: str


class FeedbackTaken(TypedDict):
    """What became of each feedback event; with those rejected, the numbers add up to what was sent."""

    accepted: Count
    duplicates: Count
    unknown_accounts: Count
    rejected: list[RejectedEvent]
    actions: list[FeedbackAction]


def take(call: Call[FeedbackBody]) -> Reply:
    """Count the events that can be read; the others are listed with what is wrong about them."""
    events: list[FeedbackEvent] = []
    rejected: list[RejectedEvent] = []
    for index, given in enumerate(call.body.events):
        try:
            events.append(_read(given, call.now))
        except Problem as problem:
            first = problem.errors[0]
            detail = f"{first['pointer'] or 'the event'}: {first['detail']}"
            rejected.append({"index": index, "code": first["code"], "detail": detail})
    tally = call.parts.intake.take_events(events, call.now)
    sources = Counter(event.source for event in events)
    call.parts.monitor.hearing.heard_events(sources, len(rejected), call.now)
    answer: FeedbackTaken = {
        "accepted": tally.accepted,
        "duplicates": tally.duplicates,
        "unknown_accounts": tally.unknown_accounts,
        "rejected": rejected,
        "actions": tally.actions,
    }
    return Reply(answer)


def _read(given: Any, now: float) -> FeedbackEvent:
    """The event. Raises ``invalid`` for what is not an event, and for one from the future."""
    event = given if isinstance(given, FeedbackEvent) else _parse(to_json(given))
    if event.at(now) > now + AHEAD:
        error = {"pointer": "/time", "code": "in_future", "detail": "lies over 5 minutes ahead"}
        raise Problem("invalid", "1 error, at /time.", [error])
    return event


def _parse(text: bytes) -> FeedbackEvent:
    try:
        return FeedbackEvent.model_validate_json(text)
    except ValidationError as error:
        raise from_validation(error, text) from None


ROUTES = (
    Route(
        method="POST",
        path="/v1/feedback",
        handler=take,
        summary="Say what became of mail",
        tag="Feedback",
        description=(
            "1 to 1000 events. Each is counted once by its `source` and `id`, for 31 days and whatever the "
            "`Idempotency-Key`, on the day it happened; what happened over 30 days ago does not count. An event that "
            "cannot be read is `rejected` with its index and stops none of the others. One whose account is not known "
            "is in `unknown_accounts`, kept (`GET /v1/feedback/unattributed`), and counted for the account once it is "
            "there. Addresses are not stored otherwise. "
            "An account whose mail is no longer clean by the policy's rules loses its earned steps: `steps_lost`. "
            "What the triggers of the policy say is done at once: `warned`, "
            "`tightened`, `limited` or `paused`, by `rule`."
        ),
        scopes=("feedback",),
        body=FeedbackBody,
        example={
            "events": [
                {"id": "evt-1", "type": "delivered", "user_id": "u_1001", "time": "2026-11-22T10:00:00Z"},
                {
                    "id": "evt-2",
                    "type": "hard_bounce",
                    "user_id": "u_1001",
                    "recipient": "bo@ruiz.example",
                    "source": "mta",
                    "diagnostic": "550 5.1.1 no such user",
                },
            ]
        },
        response=FeedbackTaken,
        idempotent=True,
    ),
)
