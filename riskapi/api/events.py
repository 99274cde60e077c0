"""``/v1/accounts/{user_id}/events``: what an account did after its signup."""

from __future__ import annotations

from riskapi.api import repeats
from riskapi.api.routes import Call, Reply, Route
from riskapi.decisions.events import Event, EventTaken


def take(call: Call[Event]) -> Reply:
    """Record the event."""
    found = call.parts.events.record(call.path["user_id"], call.body, call.now, repeats.name(call))
    return Reply(found, status=202, tier=found["tier"])


ROUTES = (
    Route(
        method="POST",
        path="/v1/accounts/{user_id}/events",
        handler=take,
        summary="Say what an account did",
        tag="Accounts",
        description=(
            "`type` is `email_verified`, `phone_verified`, `payment_verified`, `login`, `contacts_imported`, "
            "`profile_changed`, `plan_changed`, `domain_authenticated`, or one of your own. After a `login` from a "
            "network and an AS the account was never seen on, a smaller jump in its volume is held. A `plan_changed` "
            "with its `plan` moves the caps at once; a paid plan or a payment makes the account an established "
            "customer. Each is a reading of the next decision: the account is decided again at once, and the answer "
            "has the tier after that. `domain_authenticated` may name the domain as `custom_inputs.domain`: what DNS "
            "says of it can earn a step. What cannot be read, is too long or lies ahead is cut "
            "or not used, with a warning, and no error."
        ),
        scopes=("events",),
        body=Event,
        mends=True,
        example={"type": "login", "time": "2026-11-22T10:00:00Z", "device": {"ip_address": "203.0.113.9"}},
        response=EventTaken,
        status=202,
        problems=("not_found",),
        idempotent=True,
    ),
)
