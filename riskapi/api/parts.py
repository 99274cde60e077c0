"""What the HTTP layer is handed by ``riskapi.app``: the shape of each part it calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from riskapi.api.bodies import Label
from riskapi.idempotency import Idempotency
from riskapi.keys import Keys
from riskapi.metrics import Metrics
from riskapi.ratelimits import RateLimits
from riskapi.signup import Signup

ReviewStatus = Literal["open", "claimed", "escalated", "decided"]
LabelSource = Literal["manual_review", "appeal", "external", "rule"]


class Assessed(Protocol):
    """The answer to a signup."""

    @property
    def body(self) -> bytes:
        """The assessment, as JSON."""

    @property
    def replay(self) -> bool:
        """Whether it is the first answer again."""

    @property
    def tier(self) -> str | None:
        """The tier, for the log; ``None`` for a replay."""


class Assessor(Protocol):
    """Judges signups."""

    def signup(self, signup: Signup, now: float) -> Assessed:
        """Assess, or answer again what was assessed."""


class Accounts(Protocol):
    """Knows where accounts stand."""

    def view(self, user_id: str, now: float) -> dict[str, Any]:
        """One account. Raises ``not_found``."""


class Labels(Protocol):
    """Labels accounts."""

    def add(
        self, user_id: str, label: Label, source: LabelSource, note: str | None, actor: str, now: float
    ) -> dict[str, Any]:
        """Add a label. Raises ``not_found``."""


class Reviews(Protocol):
    """The queue of reviews."""

    def list(self, status: ReviewStatus, limit: int, cursor: str | None) -> dict[str, Any]:
        """A page of reviews."""

    def get(self, review_id: str) -> dict[str, Any]:
        """One review. Raises ``not_found``."""

    def claim(self, review_id: str, reviewer: str, now: float) -> dict[str, Any]:
        """Hold a review."""

    def release(self, review_id: str, reviewer: str, now: float) -> dict[str, Any]:
        """Put it back."""

    def escalate(self, review_id: str, reviewer: str, reason: str | None, now: float) -> dict[str, Any]:
        """Hand it on."""

    def decide(
        self,
        review_id: str,
        decision: Literal["allow", "limit"],
        label: Label,
        apply_to: Literal["account", "cluster"],
        reason: str | None,
        actor: str,
        now: float,
    ) -> dict[str, Any]:
        """Close it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything the HTTP layer calls.

    ``clock`` gives Unix time. ``readiness`` gives ``ok`` or what is wrong for each of store, model and data;
    ``versions`` what decisions are made with. ``replay`` honours ``X-Replay-Time``; ``api_rate_limit`` in requests a
    second for a key that has no limit of its own; ``metrics_token`` opens ``/metrics`` from elsewhere than loopback.
    """

    assessor: Assessor
    accounts: Accounts
    labels: Labels
    reviews: Reviews
    keys: Keys
    idempotency: Idempotency
    ratelimits: RateLimits
    metrics: Metrics
    clock: Callable[[], float]
    readiness: Callable[[], Mapping[str, str]]
    versions: Callable[[], Mapping[str, Any]]
    replay: bool = False
    api_rate_limit: float | None = None
    metrics_token: str | None = None
