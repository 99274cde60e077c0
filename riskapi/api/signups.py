"""``/v1/signups``: a signup is assessed."""

from __future__ import annotations

from riskapi.api.routes import Call, Reply, Route
from riskapi.decisions.answer import Assessment
from riskapi.inputs.signup import Signup


def assess(call: Call[Signup]) -> Reply:
    """Assess the signup, or answer again what was assessed."""
    found = call.parts.assessor.signup(call.body, call.now)
    return Reply(found.body, headers={"Idempotent-Replay": "true"} if found.replay else {}, tier=found.tier)


ROUTES = (
    Route(
        method="POST",
        path="/v1/signups",
        handler=assess,
        summary="Assess a signup",
        tag="Signups",
        description=(
            "Answers `allow`, `review` or `limit`, the caps of that tier, the reasons and the linked accounts. "
            "Idempotent by `account.user_id`: the same signup again gets the first assessment with "
            "`Idempotent-Replay: true`; another address under the same `user_id` is `signup_conflict`. "
            "What a visitor's browser, clock or keyboard controls is never an error: what cannot be read, is too long, "
            "negative, a fraction or ahead of the clock is cut or not used, with an entry of `warnings`. `degraded` "
            "lists what should have been known and was not, `not_provided` what was not sent."
        ),
        scopes=("signups",),
        body=Signup,
        mends=True,
        example={
            "account": {
                "user_id": "u_1001",
                "name": "Ana Ruiz",
                "organization": "Ruiz Ceramics",
                "website": "https://ruiz.example",
                "plan": "free",
            },
            "email": {"address": "ana@ruiz.example"},
            "phone": {"number": "+34600123123"},
            "device": {"ip_address": "203.0.113.9", "accept_language": "es-ES", "time_zone": "Europe/Madrid"},
            "behavior": {"form_fill_ms": 41200, "pasted_fields": [], "honeypot_filled": False, "keystrokes": 96},
            "custom_inputs": {"campaign": "spring"},
        },
        response=Assessment,
        problems=("signup_conflict",),
    ),
)
