"""Accounts of one cluster, the mail of one of them that meets something, and what that makes of the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from riskapi.app import Service
from riskapi.feedback.event import FeedbackEvent
from riskapi.policy.tables import Trigger
from tests.conftest import NOW, Clock
from tests.grants import ask, under, view
from tests.holders import joined
from tests.signups import body, post
from tests.working import Work

HOUR, DAY = 3600.0, 86_400.0
DEVICE, CARD, NUMBER = {"id": "dev-ring"}, {"fingerprint": "card-1"}, {"number": "+34600123123"}
#: Accounts of a ring. As many join it, and are told of in one reading.
RING = ("bad", "mate", *(f"u_{number}" for number in range(10)))
#: What each action makes of an account that was in `allow`: its tier, and whether it is paused.
BOUND = {"warn": ("allow", False), "tighten": ("review", False), "limit": ("limit", False), "pause": ("allow", True)}
#: Of one that nothing was done to.
FREE = ("allow", False)


#: What the accounts share, and who has what to do with whom: seen by all, merely claimed, or both in two halves.
TIES: dict[str, dict[str, dict[str, Any]]] = {
    "one device": {user: {"device": DEVICE} for user in RING},
    "a number that is claimed": {user: {"phone": NUMBER} for user in RING},
    "two devices, and a number that binds them": {
        user: {"device": {"id": f"dev-{place % 2}"}, "phone": NUMBER} for place, user in enumerate(RING)
    },
    "a card and devices": {
        user: {"payment": CARD} | ({"device": DEVICE} if place < 4 else {}) for place, user in enumerate(RING)
    },
    "an address, as a wave": {user: {"device": {"ip_address": "203.0.113.77"}} for user in RING},
    "nothing": {user: {} for user in RING},
}


def trigger(action: Any, of: Any = "spam_trap", **more: Any) -> Trigger:
    given: dict[str, Any] = {"mode": "live", "kind": "count", "review": True} | more
    return Trigger(name=f"{of}_{action}", of=of, action=action, **given)


def triggers(service: Service, *given: Trigger) -> None:
    under(service, feedback={"triggers": given})


def met(service: Service, user: str, now: float, of: Any = "spam_trap", id: str = "e1") -> None:
    event = FeedbackEvent(id=f"{id}-{user}-{of}", type=of, user_id=user, recipient=f"{id}@{id}.example")
    service.parts.consequences.take([event], now)


def state(service: Service, now: float, user: str = "mate") -> tuple[str, bool]:
    """The tier of an account and whether it is paused, as its page and the next grant have them."""
    found, grant = view(service, user, now), ask(service, user, 1, now)
    assert found["paused"] == (grant["denied_by"] == "paused")
    assert grant["tier"] == found["tier"]
    return found["tier"], found["paused"]


def waiting(service: Service, user: str = "mate") -> list[str]:
    """What the open reviews about an account are about."""
    rows = service.parts.reviews.list("open", 200, None)["reviews"]
    return sorted(reason["code"] for row in rows if row["user_id"] == user for reason in row["reasons"])


def changes(service: Service, now: float, user: str = "mate") -> list[tuple[Any, ...]]:
    rows = view(service, user, now)["history"][1:]
    return [(row["from"], row["to"], row["source"], row["cause"], row.get("pause")) for row in rows]


def sharing(service: Service, *others: str, **parts: Any) -> None:
    """`bad`, `mate` and others sign up, a second apart, and share these parts."""
    for at, user in enumerate(("bad", "mate", *others)):
        joined(service, user, NOW + at, **parts)


def tied(service: Service, ties: str) -> None:
    """All of the ring sign up, a second apart, and share that."""
    for at, user in enumerate(RING):
        post(service, body(user, **TIES[ties][user]), NOW + at)


def came_to(service: Service, clock: Clock, ties: str, action: Any, *, apart: bool = False) -> list[Any]:
    """What becomes of each of the ring, in an empty store, when the mail of three of it meets something under a trigger
    with this action; ``apart``: the worker handles each entry by itself.
    """
    service.store.execute("FLUSHALL")
    clock.now = NOW
    triggers(service, trigger(action))
    work = Work(service, clock, apart=apart)
    tied(service, ties)
    clock.advance(60)
    work.do()
    for user in RING[:3]:
        met(service, user, clock())
        met(service, user, clock(), id="e2")
    work.do()
    now = clock()
    return [(state(service, now, user), waiting(service, user), changes(service, now, user)) for user in RING]


def linked(service: Service, clock: Clock, *given: Trigger, others: Sequence[str] = (), **parts: Any) -> Work:
    """They share something, a device where nothing else is said, under these triggers, and the worker knows of it; the
    mail of none met anything yet.
    """
    triggers(service, *given)
    sharing(service, *others, **(parts or {"device": DEVICE}))
    return settled(service, clock)


def settled(service: Service, clock: Clock) -> Work:
    """A minute later, when the worker knows of all who signed up."""
    clock.advance(60)
    work = Work(service, clock)
    work.do()
    return work


def trapped(service: Service, clock: Clock, work: Work) -> Work:
    """Spam traps are met by `bad`, and the worker does what follows."""
    met(service, "bad", clock())
    work.do()
    return work


def cut(service: Service, user: str | None, now: float) -> str:
    """Cut an account, or (None) the first thing that binds `mate`; the id of that."""
    clusters = service.parts.clusters
    edge = None if user else clusters.edges("mate")[0]
    return service.parts.cuts.cut(clusters.of("mate"), user, edge, "a library", "kim", now)["cut_id"]


def ring(service: Service, clock: Clock, *given: Trigger, **parts: Any) -> Work:
    """`bad` and `mate` share something, and spam traps were met by `bad`."""
    return trapped(service, clock, linked(service, clock, *given, **parts))


def review_of(service: Service, user: str = "mate") -> str:
    rows = service.parts.reviews.list("open", 50, None)["reviews"]
    return next(row["id"] for row in rows if row["user_id"] == user)
