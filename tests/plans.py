"""Plans, and what accounts on them have."""

from __future__ import annotations

import json
from typing import Any

from riskapi import policy
from riskapi.app import Service
from riskapi.decisions.events import Event
from riskapi.links.keys import entities_of
from riskapi.policy import Policy
from riskapi.store.streams import account_key
from tests.conftest import NOW
from tests.members import members
from tests.signups import body, post

PLANS: dict[str, Any] = {
    "free": {"hourly": 100, "daily": 300, "monthly": 3000},
    "pro": {
        "paid": True,
        "hourly": 500,
        "daily": 2000,
        "monthly": 20_000,
        "review": {"hourly": 50, "daily": 100, "monthly": 500},
    },
    "huge": {
        "paid": True,
        "hourly": 5000,
        "daily": 50_000,
        "monthly": 500_000,
        "review": {"hourly": 500, "daily": 1000, "monthly": 5000},
        "limit": {"hourly": 50, "daily": 100, "monthly": 500},
    },
}


def planned(service: Service, plans: dict[str, Any] | None = None, **tables: Any) -> Policy:
    """Put the same policy with plans into force, and with some tables replaced."""
    basis = service.active.basis
    found = {**basis.policy.model_dump(mode="json"), "plans": PLANS if plans is None else plans, **tables}
    made = policy.check(found, where="test")
    service.active.use(basis.under(made))
    return made


def signed_up(service: Service, user: str = "u1", plan: str | None = None, **parts: Any) -> dict[str, Any]:
    given = {"account": {"user_id": user, "plan": plan}, "email": {"address": f"{user}@{user}.example"}, "device": None}
    return post(service, body(user, **{**given, **parts}))


def tell(service: Service, type: str, user: str = "u1", at: float = NOW, **more: Any) -> dict[str, Any]:
    event = Event.model_validate_json(json.dumps({"type": type, **more}))
    return dict[str, Any](service.parts.events.record(user, event, at))


def field(service: Service, name: str, user: str = "u1") -> str | None:
    found = service.store.execute("HGET", account_key(user), name)
    return None if found is None else found.decode()


def entities(service: Service, user: str = "u1") -> dict[str, str]:
    """What an account has to do with, by kind."""
    return entities_of(service.store.execute("HGET", account_key(user), "entities"))


def marked(service: Service, user: str = "u1") -> set[str]:
    """The kinds of entities that know the account as an established customer."""
    return {kind for kind, key in entities(service, user).items() if f"&{user}" in members(service.store, key)}


def touched(service: Service, user: str = "u1") -> set[str]:
    return set(entities(service, user))
