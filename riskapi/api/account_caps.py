"""``/v1/accounts/{user_id}/caps``: what one account may send, as a person says."""

from __future__ import annotations

from riskapi.api.bodies import Reason, StrictBody
from riskapi.api.routes import Call, Reply, Route
from riskapi.contract import Time
from riskapi.policy.tables import Caps, Recipients
from riskapi.sending.own_caps import CapsOfAccount


class CapsBody(StrictBody):
    """Recipients in any hour, day and month of 30 days, why, and until when; without an end they hold for good."""

    hourly: Recipients
    daily: Recipients
    monthly: Recipients
    reason: Reason
    expires_at: Time | None = None


def put(call: Call[CapsBody]) -> Reply:
    """Give the account caps of its own."""
    body = call.body
    caps = Caps(hourly=body.hourly, daily=body.daily, monthly=body.monthly)
    until = None if body.expires_at is None else body.expires_at.timestamp()
    found = call.parts.account_caps.put(call.path["user_id"], caps, body.reason, until, call.principal.name, call.now)
    return Reply(found, tier=found["tier"])


def remove(call: Call[None]) -> Reply:
    """Take the account's own caps away."""
    found = call.parts.account_caps.remove(call.path["user_id"], call.principal.name, call.now)
    return Reply(found, tier=found["tier"])


ROUTES = (
    Route(
        method="PUT",
        path="/v1/accounts/{user_id}/caps",
        handler=put,
        audited="caps set",
        summary="Give one account caps of its own",
        tag="Accounts",
        description=(
            "In the tiers `allow` and `review` they replace the caps of the tier, of the plan and of steps that were "
            "earned, whether they are larger or smaller; in `limit` the smaller cap of each window holds. The cluster "
            "may send `clusters.factor` times as much while this account asks. They hold from this answer on, also for "
            "requests to send that are being answered, and until exactly `expires_at`. The author is the key's name. "
            "Another `PUT` replaces them."
        ),
        scopes=("admin",),
        body=CapsBody,
        example={
            "hourly": 2000,
            "daily": 20000,
            "monthly": 60000,
            "reason": "Opens a second shop, agreed with sales",
            "expires_at": "2999-01-01T00:00:00Z",
        },
        response=CapsOfAccount,
        problems=("not_found",),
    ),
    Route(
        method="DELETE",
        path="/v1/accounts/{user_id}/caps",
        handler=remove,
        audited="caps removed",
        summary="Take the own caps of an account away",
        tag="Accounts",
        description="What its tier and plan say holds again from this answer on. The same answer where it has none.",
        scopes=("admin",),
        response=CapsOfAccount,
        problems=("not_found",),
    ),
)
