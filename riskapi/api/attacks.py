"""``/v1/policy/attack``: one switch for a stricter policy, with an end."""

from __future__ import annotations

from typing import Any

from riskapi.api.bodies import Reason, StrictBody
from riskapi.api.routes import Ahead, Call, Reply, Route
from riskapi.contract import Time
from riskapi.policy.attacks import AttackAnswer
from riskapi.policy.changes import changes
from riskapi.policy.told_changes import told


class AttackBody(StrictBody):
    """Until when attack mode is on, at most 30 days, and why."""

    until: Time
    note: Reason


def show(call: Call[None]) -> Reply:
    """Attack mode as it is."""
    return Reply(_answer(call))


def begin(call: Call[AttackBody]) -> Reply:
    """Switch it on."""
    body, parts = call.body, call.parts
    parts.policy.attacks.begin(body.until.timestamp(), body.note, call.principal.name, call.now)
    parts.publisher.follow()
    return Reply(_answer(call))


def end(call: Call[None]) -> Reply:
    """Switch it off."""
    call.parts.policy.attacks.end(None, call.principal.name, call.now)
    call.parts.publisher.follow()
    return Reply(_answer(call))


def _answer(call: Call[Any]) -> AttackAnswer:
    attacks, plain = call.parts.policy.attacks, call.parts.publisher.plain.policy
    mode = attacks.read(call.now)
    before, after = (each.model_dump(mode="json") for each in (plain, plain.attacked))
    return {
        "attack": None if mode is None else mode.view(),
        "changes": [told(change) for change in changes(before, after)],
        "factor": plain.attack.factor,
        "days": plain.attack.days,
        "switched": attacks.switched(),
    }


ROUTES = (
    Route(
        method="GET",
        path="/v1/policy/attack",
        handler=show,
        summary="Whether attack mode is on, and what it changes",
        tag="Policy",
        scopes=("policy",),
        response=AttackAnswer,
    ),
    Route(
        method="POST",
        path="/v1/policy/attack",
        handler=begin,
        audited="attack mode on",
        summary="Switch attack mode on, until a time",
        tag="Policy",
        description=(
            "What the table `attack` of the policy says decides on every worker within a second, and ends by itself. "
            "It only tightens, and no version is published. Where it is on already, the new end counts. Every "
            "switch is kept, with who did it."
        ),
        scopes=("policy",),
        body=AttackBody,
        example={"until": Ahead(days=7), "note": "A wave from one network"},
        response=AttackAnswer,
        idempotent=True,
    ),
    Route(
        method="DELETE",
        path="/v1/policy/attack",
        handler=end,
        audited="attack mode off",
        summary="Switch attack mode off",
        tag="Policy",
        description="In one step, on every worker within a second; nothing happens where it is off.",
        scopes=("policy",),
        response=AttackAnswer,
    ),
)
