"""The shape of the answer to a signup; :mod:`riskapi.decisions.answer` puts it together."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from riskapi.budgets.limits import Limits
from riskapi.contract import Instant, Reason, Tier
from riskapi.inputs.usable import InputWarning
from riskapi.links.evidence import Linkage
from riskapi.policy.active import Versions
from signals.registry import Degraded

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
