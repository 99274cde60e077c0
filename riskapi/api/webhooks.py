"""``/v1/webhooks``: who is told of changes, and what became of telling them.

Endpoints are outside, where nothing is replayed: these handlers go by the real clock, whatever ``X-Replay-Time`` says.
"""

from __future__ import annotations

import secrets
from typing import Annotated, Any

from pydantic import StringConstraints
from typing_extensions import TypedDict

from riskapi.api.bodies import DeliveryQuery, NothingBody, StrictBody, WebhookBody
from riskapi.api.routes import Call, Reply, Route
from riskapi.contract import Count, Time
from riskapi.webhooks.deliveries import DeliveryPage, DeliveryView
from riskapi.webhooks.endpoints import NewWebhook, Webhook, WebhookList
from riskapi.webhooks.recovery import Replayed


class ReplayBody(StrictBody):
    """From when on to send again. With ``delivered`` also what arrived; ``cursor`` is a ``next_cursor``."""

    since: Time
    delivered: bool = False
    cursor: Annotated[str, StringConstraints(max_length=256)] | None = None


class Redelivered(TypedDict):
    """How many dead deliveries are sent anew."""

    redelivered: Count


def create(call: Call[WebhookBody]) -> Reply:
    """Register an endpoint."""
    body, parts = call.body, call.parts
    return Reply(parts.webhooks.create(body.url, body.events, call.principal.name, parts.clock()), 201)


def list_all(call: Call[Any]) -> Reply:
    """Every endpoint."""
    return Reply(call.parts.webhooks.list())


def show(call: Call[Any]) -> Reply:
    """One endpoint."""
    return Reply(call.parts.webhooks.get(call.path["webhook_id"]))


def delete(call: Call[Any]) -> Reply:
    """Delete an endpoint with what waits for it."""
    found = call.parts.webhooks.delete(call.path["webhook_id"])
    call.parts.deliveries.forget(call.path["webhook_id"])
    return Reply(found)


def rotate(call: Call[Any]) -> Reply:
    """Give an endpoint another secret."""
    return Reply(call.parts.webhooks.rotate(call.path["webhook_id"], call.parts.clock()))


def enable(call: Call[Any]) -> Reply:
    """Tell an endpoint of changes again."""
    return Reply(call.parts.webhooks.enable(call.path["webhook_id"]))


def test(call: Call[Any]) -> Reply:
    """Send an endpoint an event that means nothing."""
    return Reply(call.parts.notices.test(call.path["webhook_id"], secrets.token_hex(12)), 202)


def list_deliveries(call: Call[DeliveryQuery]) -> Reply:
    """A page of what was, will be or could not be delivered."""
    call.parts.webhooks.get(call.path["webhook_id"])
    query = call.body
    return Reply(call.parts.deliveries.page(call.path["webhook_id"], query.status, query.limit, query.cursor))


def redeliver(call: Call[Any]) -> Reply:
    """Send one delivery anew."""
    call.parts.webhooks.enabled(call.path["webhook_id"])
    found = call.parts.deliveries.redeliver(call.path["webhook_id"], call.path["delivery_id"], call.parts.clock())
    return Reply(found, 202)


def redeliver_dead(call: Call[Any]) -> Reply:
    """Send all anew that were given up."""
    call.parts.webhooks.enabled(call.path["webhook_id"])
    count = call.parts.deliveries.redeliver_dead(call.path["webhook_id"], call.parts.clock())
    answer: Redelivered = {"redelivered": count}
    return Reply(answer, 202)


def replay(call: Call[ReplayBody]) -> Reply:
    """Send again what happened from a time on."""
    body = call.body
    found = call.parts.recovery.replay(
        call.path["webhook_id"], body.since.timestamp(), body.cursor, delivered=body.delivered
    )
    return Reply(found, 202)


ROUTES = (
    Route(
        method="POST",
        path="/v1/webhooks",
        handler=create,
        audited="webhook made",
        summary="Be told of changes",
        tag="Webhooks",
        description=(
            "Deliveries are signed as Standard Webhooks (standardwebhooks.com) says, with the `secret` of this answer, "
            "which is not shown again. They come at least once: `webhook-id` is the same each time. Anything but 2xx "
            "within 15 seconds is tried again for a day; 410 disables the webhook. The URL must be `https` and its "
            "host public, unless `RISKAPI_WEBHOOK_INTERNAL` names it."
        ),
        scopes=("admin",),
        body=WebhookBody,
        example={"url": "https://hooks.ruiz.example/riskapi", "events": ["tier.changed", "review.opened"]},
        response=NewWebhook,
        status=201,
        problems=("destination_refused",),
        idempotent=True,
    ),
    Route(
        method="GET",
        path="/v1/webhooks",
        handler=list_all,
        summary="List webhooks, oldest first",
        tag="Webhooks",
        scopes=("admin",),
        response=WebhookList,
    ),
    Route(
        method="GET",
        path="/v1/webhooks/{webhook_id}",
        handler=show,
        summary="One webhook",
        tag="Webhooks",
        scopes=("admin",),
        response=Webhook,
        problems=("not_found",),
    ),
    Route(
        method="DELETE",
        path="/v1/webhooks/{webhook_id}",
        handler=delete,
        audited="webhook deleted",
        summary="Delete a webhook and what waits for it",
        tag="Webhooks",
        scopes=("admin",),
        response=Webhook,
        problems=("not_found",),
    ),
    Route(
        method="POST",
        path="/v1/webhooks/{webhook_id}/rotate",
        handler=rotate,
        audited="webhook secret changed",
        summary="Change the secret of a webhook",
        tag="Webhooks",
        description="For 24 hours the secret before signs too: `webhook-signature` then has two signatures.",
        scopes=("admin",),
        body=NothingBody,
        optional_body=True,
        idempotent=True,
        response=NewWebhook,
        problems=("not_found",),
    ),
    Route(
        method="POST",
        path="/v1/webhooks/{webhook_id}/enable",
        handler=enable,
        audited="webhook enabled",
        summary="Enable a webhook that was disabled",
        tag="Webhooks",
        description="What waited goes out; what happened while it was disabled can be sent by `replay`.",
        scopes=("admin",),
        body=NothingBody,
        optional_body=True,
        idempotent=True,
        response=Webhook,
        problems=("not_found", "destination_refused", "invalid"),
    ),
    Route(
        method="POST",
        path="/v1/webhooks/{webhook_id}/test",
        handler=test,
        summary="Send a webhook an event of the type test",
        tag="Webhooks",
        scopes=("admin",),
        body=NothingBody,
        optional_body=True,
        idempotent=True,
        response=DeliveryView,
        status=202,
        problems=("not_found", "webhook_disabled"),
    ),
    Route(
        method="GET",
        path="/v1/webhooks/{webhook_id}/deliveries",
        handler=list_deliveries,
        summary="List deliveries: those that wait, were delivered, or could not be",
        tag="Webhooks",
        description="Pending ones as they are due, others the latest first. Kept for 30 days, delivered ones for 3.",
        scopes=("admin",),
        query=DeliveryQuery,
        response=DeliveryPage,
        problems=("not_found",),
    ),
    Route(
        method="POST",
        path="/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver",
        handler=redeliver,
        audited="delivery sent again",
        summary="Send one delivery anew",
        tag="Webhooks",
        description="Whatever became of it before; it is tried for a day again.",
        scopes=("admin",),
        body=NothingBody,
        optional_body=True,
        idempotent=True,
        response=DeliveryView,
        status=202,
        problems=("not_found", "webhook_disabled"),
    ),
    Route(
        method="POST",
        path="/v1/webhooks/{webhook_id}/redeliver",
        handler=redeliver_dead,
        audited="deliveries sent again",
        summary="Send all dead deliveries anew",
        tag="Webhooks",
        scopes=("admin",),
        body=NothingBody,
        optional_body=True,
        idempotent=True,
        response=Redelivered,
        status=202,
        problems=("not_found", "webhook_disabled"),
    ),
    Route(
        method="POST",
        path="/v1/webhooks/{webhook_id}/replay",
        handler=replay,
        audited="deliveries sent again",
        summary="Send a webhook again what happened from a time on",
        tag="Webhooks",
        description=(
            "Sends what was recorded since, is among its events and did not arrive: what happened while it was "
            "disabled or before it existed, and what was given up. With `delivered` also what arrived. Events keep "
            "their `webhook-id` and `timestamp`. What happened is kept for the policy's `retention.decisions_days`; "
            "`since` of the answer says from when on. Some 20,000 records are looked through in a request."
        ),
        scopes=("admin",),
        body=ReplayBody,
        example={"since": "2026-11-22T08:00:00Z"},
        idempotent=True,
        response=Replayed,
        status=202,
        problems=("not_found", "webhook_disabled"),
    ),
)
