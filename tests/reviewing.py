"""Reviews as the tests open, decide and undo them."""

from __future__ import annotations

from typing import Any

from riskapi.app import Service
from riskapi.reviews.decisions import ReviewDecision
from riskapi.store.connections import Store
from riskapi.store.streams import account_key
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
) -> Any:
    """Decide a review; ``more`` as :class:`ReviewDecision` has it."""
    decision = ReviewDecision(tier, label, apply_to, reason, **more)
    return service.parts.review_decisions.decide(review_id, decision, actor, now, dry_run=dry_run)


def undo(service: Service, review_id: str, reason: str | None = None, actor: str = "lee", now: float = NOW) -> Any:
    """Undo the decision of a review."""
    return service.parts.review_decisions.undo(review_id, reason, actor, now)


def establish(service: Service, user: str, since: float) -> None:
    """Let an account count as an established customer since a Unix time."""
    service.store.execute("HSET", account_key(user), "established", repr(since))
    service.parts.labels.mark_latest(user, service.accounts.standing(user))


def prove(service: Service, user: str, kind: str, at: float = NOW) -> None:
    """Let an account prove that its entity of a kind is its own."""
    service.parts.labels._links.prove(user, [service.accounts.standing(user).entities[kind]], at)


def own(service: Service, user: str) -> str | None:
    """The tier that an account has by itself, as a person said it."""
    found = service.store.execute("HGET", account_key(user), "own")
    return None if found is None else str(found.decode())


def contents(store: Store) -> dict[bytes, bytes]:
    """All that is in the store, to tell whether anything changed."""
    return {key: store.execute("DUMP", key) for key in store.execute("KEYS", "*")}
