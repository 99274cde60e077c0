"""The answer to a signup: its shape, and how it is put together from what was decided and what may be sent. Pure."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, cast

import orjson
from pydantic import Field
from typing_extensions import TypedDict

import signals
from riskapi.budgets.caps import Allowed, FeedbackRecord, allowed, is_fresh, is_unused
from riskapi.budgets.limits import Limits
from riskapi.budgets.terms import is_paid
from riskapi.contract import Instant, Reason, Tier
from riskapi.decisions.decide import Decision
from riskapi.decisions.line import Case
from riskapi.inputs.input_warnings import InputWarning
from riskapi.inputs.optional import not_provided
from riskapi.inputs.signup import Signup
from riskapi.links.linkage import Linkage, linkage
from riskapi.policy.active import Versions
from riskapi.sending.allowances import limits
from riskapi.store import damaged
from riskapi.times import DAY, rfc3339
from signals.registry import Degraded

#: For an account that sent nothing yet, or whose feedback is not asked for here.
_NO_FEEDBACK = FeedbackRecord()
#: Limits of newcomers that are kept: those of each tier and plan for some days.
_MOST_KNOWN = 256

DecidedBy = Literal["model", "rule", "list", "outage", "reviewer", "feedback", "linkage"]


class Disposition(TypedDict):
    """What made the decision: the model, a rule (then its name), an outage, a person …"""

    source: DecidedBy
    rule: str | None


class Shadow(TypedDict):
    """What a candidate that is not live would have decided."""

    candidate: str
    decision: Tier
    risk_score: float | None


class Assessment(TypedDict):
    """The answer to a signup. ``risk_score`` is 100 × the calibrated probability of abuse."""

    object: Literal["assessment"]
    id: str
    user_id: str
    created_at: Instant
    decision: Tier
    risk_score: Annotated[float, Field(ge=0, le=100)]
    limits: Limits
    disposition: Disposition
    reasons: list[Reason]
    linkage: Linkage
    degraded: list[Degraded]
    not_provided: Annotated[list[str], Field(description="JSON pointers of inputs that were not sent.")]
    warnings: list[InputWarning]
    review_id: str | None
    shadow: list[Shadow]
    versions: Versions


def assessment(case: Case, *, tier: Tier | None = None, review_id: str | None = None) -> Assessment:
    """The answer to a case. ``tier`` is the one it is in, where that is another than was decided."""
    basis, parsed, usage, decided = case.basis, case.parsed, case.usage, case.decided
    decision = decided.decision
    tier = tier or decision.tier
    return {
        "object": "assessment",
        "id": f"asm_{secrets.token_hex(12)}",
        "user_id": case.user_id,
        "created_at": rfc3339(case.now),
        "decision": tier,
        "risk_score": decision.risk_score,
        "limits": _limits(case, tier),
        "disposition": {"source": decision.source, "rule": decision.rule},
        "reasons": reasons(decision),
        "linkage": linkage(case.facts.entities, basis.policy, usage.cluster or None, usage.size),
        "degraded": signals.degraded(case.facts, decided.readings),
        "not_provided": list(parsed.not_provided),
        "warnings": list(parsed.warnings),
        "review_id": review_id,
        "shadow": [
            {"candidate": row.candidate, "decision": row.decision, "risk_score": row.risk_score}
            for row in decision.shadow
        ],
        "versions": cast("Versions", dict(basis.versions)),
    }


def _limits(case: Case, tier: Tier) -> Limits:
    """The ``limits`` part of an answer. Newcomers on one plan, decided alike on one day, share it; so do those bound to
    others, where nothing was granted to any of them. To work it out takes 50,000 instructions, 1.8 % of a signup.
    """
    policy, usage, own = case.basis.policy, case.usage, case.terms
    if case.decision.source == "outage":
        return limits(usage, Allowed(policy.caps(tier, own.plan, outage=True), None, None, None, 0))
    fresh = not is_paid(own.plan, policy) and is_fresh(policy, case.facts.signup_at, None, case.now)
    if not (is_unused(usage) and own.caps is None and own.daily_volume == 0):
        return limits(usage, allowed(policy, tier, usage, _NO_FEEDBACK, None, own, fresh=fresh))
    plan, known = own.plan if own.plan in policy.plans else None, case.basis.newcomers
    alike = tier, plan, fresh, usage.now // DAY, bool(usage.cluster), usage.claims
    found: Limits | None = known.get(alike)
    if found is None:
        if len(known) >= _MOST_KNOWN:
            known.clear()
        found = limits(usage, allowed(policy, tier, usage, _NO_FEEDBACK, None, own, fresh=fresh))
        known[alike] = found
    return found


def in_form(answer: Mapping[str, Any], signup: bytes | str) -> Assessment:
    """An answer that was kept, in the form of today: until 2026-11 ``degraded`` also listed what was not sent.

    ``signup`` is what it answered, as JSON.
    """
    if "not_provided" in answer:
        return cast("Assessment", answer)
    unsent = not_provided(Signup.stored(signup))
    degraded = [row for row in answer["degraded"] if row["cause"] != "not_provided"]
    return cast("Assessment", {**answer, "degraded": degraded, "not_provided": unsent})


def kept_answer(answer: bytes, signup: Callable[[], bytes | None]) -> bytes:
    """As :func:`in_form`, for an answer as JSON; ``signup`` reads what it answered, only where that is needed."""
    found = None if b'"not_provided":[' in answer else signup()
    return answer if found is None else orjson.dumps(in_form(damaged.whole(answer, ("degraded",)), found))


def reasons(decision: Decision) -> list[Reason]:
    """The ``reasons`` part of an answer."""
    return [
        {"code": row.code, "signal": row.signal, "text": row.text, "contribution": row.contribution}
        for row in decision.reasons
    ]
