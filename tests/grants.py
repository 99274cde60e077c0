"""Accounts that send, and what they are granted."""

from __future__ import annotations

from typing import Any

from riskapi.app import Service
from riskapi.policy import Policy
from riskapi.sending.grants import Message
from tests.conftest import NOW
from tests.signups import body, home, post


def under(service: Service, **tables: dict[str, Any]) -> Policy:
    """Put another policy into force: the same, with some keys of some tables changed."""
    basis = service.active.basis
    changed = {name: getattr(basis.policy, name).model_copy(update=changes) for name, changes in tables.items()}
    policy = basis.policy.model_copy(update=changed)
    service.active.use(basis.under(policy))
    return policy


def opened(service: Service, user: str, device: str | None = None, now: float = NOW) -> str:
    """An account of a customer at a domain of their own; those with the same device belong together."""
    mail = {"address": f"{user}@{user.replace('_', '-')}.example"}
    parts = {"id": device or f"dev-{user}", "ip_address": home(user)}
    post(service, body(user, email=mail, device=parts), now)
    return user


def ask(service: Service, user: str, recipients: int, now: float = NOW, **more: Any) -> dict[str, Any]:
    """Ask for a grant; ``said`` is the message."""
    message = more.pop("said", Message())
    return dict(service.parts.grants.send(user, recipients, message, now, **more).body)


def view(service: Service, user: str, now: float = NOW) -> dict[str, Any]:
    return dict[str, Any](service.parts.profiles.view(user, now))
