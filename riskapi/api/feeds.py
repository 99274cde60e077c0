"""``/v1/feedback/{feed}``: webhooks of mail providers, each proved as its provider proves them."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from pydantic import RootModel
from typing_extensions import TypedDict

from riskapi.api.routes import Call, Raw, Reply, Route
from riskapi.contract import Count
from riskapi.errors import Problem
from riskapi.feedback.counts import FeedbackAction
from riskapi.feedback.feeds.feed import Posted
from riskapi.feedback.feeds.mailgun import FORM

#: Parameters of an address that are read. A provider's has one at most.
_PARAMETERS = 20


class ProviderBody(RootModel[dict[str, Any] | list[Any]]):
    """What a provider posts, in its own words."""


class FeedTaken(TypedDict):
    """What became of the events of a body, each recipient of an event counted as one.

    ``ignored`` say nothing that counts (opens, clicks, types that are not known); ``not_understood`` are the provider's
    and could not be read.
    """

    accepted: Count
    duplicates: Count
    unknown_accounts: Count
    ignored: Count
    not_understood: Count
    actions: list[FeedbackAction]


def take(call: Call[Raw]) -> Reply:
    """Verify, read, store; only then is anything acknowledged."""
    feed = call.parts.feeds.get(call.path["feed"])
    if feed is None:
        raise Problem("not_found", "This feed is off: its secret is not set.")
    if call.body.media not in feed.media:
        raise Problem("unsupported_media_type", f"Send Content-Type: {' or '.join(sorted(feed.media))}.")
    posted = Posted(call.body.content, _headers(call), _query(call), call.body.media, call.now)
    hearing = call.parts.monitor.hearing
    with hearing.proving(feed.name, call.now):
        feed.verify(posted)
    with hearing.reading(feed.name, call.now):
        received = feed.read(posted)
    taken = call.parts.intake.take_reports(feed.name, received, posted.body, call.now)
    feed.finish(posted)
    hearing.took(feed.name, received, call.now)
    answer: FeedTaken = {
        "accepted": taken.accepted,
        "duplicates": taken.duplicates,
        "unknown_accounts": taken.unknown_accounts,
        "ignored": taken.ignored,
        "not_understood": taken.not_understood,
        "actions": taken.actions,
    }
    return Reply(answer, headers=dict(received.answer))


def _headers(call: Call[Raw]) -> dict[str, str]:
    """The headers of the request, as PEP 3333 hands them over, by name in small letters."""
    found = call.environ.items()
    return {name[5:].replace("_", "-").lower(): value for name, value in found if name.startswith("HTTP_")}


def _query(call: Call[Raw]) -> dict[str, str]:
    """The parameters of the address; none where there are more than any provider's has."""
    try:
        return dict(parse_qsl(call.environ.get("QUERY_STRING", ""), max_num_fields=_PARAMETERS))
    except ValueError:
        return {}


ROUTES = (
    Route(
        method="POST",
        path="/v1/feedback/{feed}",
        handler=take,
        summary="Take a mail provider's webhook",
        tag="Feedback",
        description=(
            "Proved as the provider proves it: its signature, or a user and password (HTTP basic). A feed whose secret "
            "is not set answers 404. Each event counts once, however often the provider sends it; 503 has it sent "
            "again. `docs/providers.md` says for each provider what to click and paste."
        ),
        body=ProviderBody,
        verbatim=True,
        raw={"text/plain": '{"Type": "Notification"}', FORM: "event=complained&recipient=bo%40ruiz.example"},
        example={
            "RecordType": "SpamComplaint",
            "ID": 42,
            "Email": "bo@ruiz.example",
            "BouncedAt": "2026-11-22T10:00:00Z",
            "Metadata": {"account_id": "u_1001"},
        },
        response=FeedTaken,
        problems=("bad_signature", "not_this_feed", "not_found", "unavailable"),
    ),
)
