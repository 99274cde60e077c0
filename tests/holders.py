"""Holders of phones, mailboxes and devices, and those who claim to be them."""

from __future__ import annotations

from typing import Any

from riskapi.app import Service
from riskapi.decisions.events import Event
from tests import consistency
from tests.conftest import NOW
from tests.grants import ask, view
from tests.signups import body, post

MINUTE, HOUR = 60.0, 3600.0
#: An hour's cap of one account, and of a cluster that nobody's claims hold down.
ONE, CLUSTER = 200, 300


def joined(service: Service, user: str, at: float = NOW, **parts: Any) -> dict[str, Any]:
    return post(service, body(user, **parts), at)


def establish(service: Service, user: str, since: float) -> None:
    accounts = service.accounts
    accounts.establish(user, since, "import", service.active.policy)
    service.parts.labels.mark_latest(user, accounts.standing(user))


def happens(service: Service, user: str, type: str, at: float = NOW, **more: Any) -> dict[str, Any]:
    return dict[str, Any](service.parts.events.record(user, Event(type=type, **more), at))


def again(service: Service, user: str, at: float = NOW + HOUR) -> str:
    return str(service.rescorer.again(user, "linkage", at).tier)


def clusters(service: Service) -> list[set[str]]:
    return sorted(consistency.check(service).values(), key=sorted)


def granted(service: Service, *users: str, at: float = NOW + MINUTE) -> list[int]:
    return [ask(service, user, ONE, at)["granted"] for user in users]


def evidence(service: Service, user: str, kind: str, at: float = NOW) -> dict[str, Any]:
    return next(dict(row) for row in view(service, user, at)["linkage"]["evidence"] if row["kind"] == kind)
