"""Reviews as the tests open, decide and undo them."""

from __future__ import annotations

from typing import Any

from riskapi.app import Service
from riskapi.review_decisions import ReviewDecision
from tests.conftest import NOW
from tests.signups import body, post


def opened(service: Service, user: str = "u_1", now: float = NOW, **parts: Any) -> str:
    """Open a review by a signup with a disposable address."""
    found = post(service, body(user, **{"email": {"address": f"{user}@mailinator.com"}, **parts}), now)
    return str(found["review_id"])


def decide(
    service: Service,
    review_id: str,
    tier: Any = "limit",
    label: Any = "abuse",
    apply_to: Any = "account",
    reason: str | None = None,
    actor: str = "kim",
    now: float = NOW,
    *,
    dry_run: bool = False,
    **more: Any,
) -> dict[str, Any]:
    """Decide a review; ``more`` as :class:`ReviewDecision` has it."""
    decision = ReviewDecision(tier, label, apply_to, reason, **more)
    return service.parts.review_decisions.decide(review_id, decision, actor, now, dry_run=dry_run)


def undo(service: Service, review_id: str, reason: str | None = None, actor: str = "lee", now: float = NOW) -> Any:
    """Undo the decision of a review."""
    return service.parts.review_decisions.undo(review_id, reason, actor, now)
