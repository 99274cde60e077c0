"""Hubs: a crowd earns the name by how it grew and turned out, as a table; when it is looked at, and what is noted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from riskapi.app import Service
from riskapi.links import hubs
from riskapi.links.hubs import Hubs, is_hub
from riskapi.policy import DEFAULT, Policy, load
from riskapi.store.streams import account_key
from signals.facts import Entity
from tests.conftest import NOW, Clock
from tests.grants import under
from tests.members import members
from tests.signups import body, post
from tests.working import Work

POLICY = load(DEFAULT)
HOUR, DAY = 3600.0, 86_400.0
START = NOW // DAY * DAY
Row = tuple[bytes | None, bytes | None, bytes | None]
DAY_OF_MANY = [START + number for number in range(600)]


def things(network: int, domain: int) -> bytes:
    return orjson.dumps({"network": f"n{network}", "mail_domain": f"o{domain}", "device": "d"})


def row(network: int, domain: int, label: str = "", tier: str = "allow") -> Row:
    return things(network, domain), label.encode(), tier.encode()


def grown(days: float, count: int) -> list[float]:
    """Times of so many accounts, evenly over so many days."""
    return [START + number * days * DAY / (count - 1) for number in range(count)]


def many(count: int, networks: int = 40, domains: int = 40, **changes: Any) -> list[Row]:
    return [row(number % networks, number % domains, **changes) for number in range(count)]


#: Times at which it was first used, what a sample of its accounts is, and whether it is a hub.
CROWDS: dict[str, tuple[Sequence[float], Sequence[Row], bool]] = {
    "grew over weeks from everywhere": (grown(30, 600), many(200), True),
    "just long enough": (grown(21, 600), many(200), True),
    "a day less": (grown(20, 600), many(200), False),
    "all in ten seconds": ([START + number / 52 for number in range(520)], many(200), False),
    "all on one day": (DAY_OF_MANY, many(200), False),
    "one long ago, and then all on one day": ([START - 60 * DAY, *DAY_OF_MANY], many(200), False),
    "a quarter of it on one day": ([*grown(30, 300), *DAY_OF_MANY[:80]], many(200), True),
    "more than a quarter": ([*grown(30, 300), *DAY_OF_MANY[:120]], many(200), False),
    "a burst inside a hub": ([*grown(30, 600), *DAY_OF_MANY[:60]], many(200), True),
    "a burst as large as the hub": ([*grown(30, 600), *DAY_OF_MANY], many(200), False),
    "from ten networks": (grown(30, 600), many(200, networks=10), True),
    "from nine": (grown(30, 600), many(200, networks=9), False),
    "at ten domains": (grown(30, 600), many(200, domains=10), True),
    "at nine": (grown(30, 600), many(200, domains=9), False),
    "at one firm": (grown(30, 600), many(200, domains=1), False),
    "one of a hundred abusive": (grown(30, 600), [*many(99), row(1, 1, "abuse")], True),
    "two of a hundred abusive": (grown(30, 600), [*many(98), *[row(1, 1, "abuse")] * 2], False),
    "two of a hundred limited": (grown(30, 600), [*many(98), *[row(1, 1, tier="limit")] * 2], False),
    "one of each": (grown(30, 600), [*many(98), row(1, 1, "abuse"), row(1, 1, tier="limit")], False),
    "labelled legitimate, in review": (grown(30, 600), many(200, label="legitimate", tier="review"), True),
    "nobody is known any more": (grown(30, 600), [(None, None, None)] * 200, False),
    "many are not known any more": (grown(30, 600), [*many(40), *[(None, None, None)] * 160], True),
    "those known came from nowhere": (grown(30, 600), [(b"{}", b"", b"allow")] * 200, False),
    "nobody": ([], [], False),
}  # fmt: skip


@pytest.mark.parametrize(("times", "accounts", "expected"), CROWDS.values(), ids=CROWDS)
def test_a_crowd(times: Sequence[float], accounts: Sequence[Row], expected: bool) -> None:
    assert is_hub(times, accounts, POLICY) is expected


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({}, False),
        ({"days": 10}, True),
        ({"days": 10, "day_share": 0.01}, False),
        ({"days": 10, "networks": 41}, False),
        ({"days": 10, "mail_domains": 41}, False),
        ({"days": 10, "bad_share": 0.0}, False),
    ],
)
def test_policy_says_what_a_crowd_is(rules: dict[str, Any], expected: bool) -> None:
    policy = POLICY.model_copy(update={"hubs": POLICY.hubs.model_copy(update=rules)})
    assert is_hub(grown(10, 600), many(200), policy) is expected


def entity(kind: str = "device", month: int = 501, found_at: float = 0.0, **changes: Any) -> Entity:
    strength = POLICY.links.kinds[kind].strength  # type: ignore[index]
    return Entity(kind, 1, 1, month, month, 0, 0, False, strength=strength, hub_found_at=found_at, key="k", **changes)


@pytest.mark.parametrize(
    ("found", "due"),
    [
        (entity(), True),
        (entity(month=500), False),
        (entity("phone"), True),
        (entity("link_domain", 201), True),
        (entity("mailbox", 10**6), False),
        (entity("payment", 10**6), False),
        (entity("ip", 10**6), False),
        (entity("mail_domain", 10**6), False),
        (entity(found_at=NOW - 1), False),
        (entity(found_at=-(NOW - 1)), False),
        (entity(found_at=NOW - 24 * HOUR + 1), False),
        (entity(found_at=NOW - 24 * HOUR), True),
        (entity(found_at=-(NOW - 24 * HOUR)), True),
    ],
    ids=[
        "over its number", "at it", "a number", "a linked domain", "one person reads it", "a card", "weak", "medium",
        "just looked: a hub", "just looked: none", "a look still holds", "and no more", "nor that it was none",
    ],
)  # fmt: skip
def test_what_is_looked_at(service: Service, found: Entity, due: bool) -> None:
    assert Hubs(service.store, service.parts.assessor._links).is_due(found, POLICY, NOW) is due


def small(service: Service) -> Policy:
    """Five accounts on a device are looked at; three networks and domains are many."""
    kinds = service.active.policy.links.kinds
    device = kinds["device"].model_copy(update={"hub_over": 4})
    return under(service, links={"kinds": {**kinds, "device": device}}, hubs={"networks": 3, "mail_domains": 3})


def kiosk(service: Service, user: str, days: float) -> Entity:
    """Somebody signs up on the device, and a worker reacts; what it is then."""
    at = NOW + days * DAY
    post(service, body(user, device={"id": "kiosk", "ip_address": f"203.0.{int(days)}.9"}), at)
    Work(service, Clock(at)).do()
    facts = service.parts.assessor.gatherer.parse(body(user, device={"id": "kiosk"}), at).facts
    return service.parts.assessor.gatherer.gather(user, facts, service.active.policy, add=False).facts.entities[
        "device"
    ]  # type: ignore[index]


def test_a_look_is_noted_with_the_thing(service: Service) -> None:
    small(service)
    for number in range(4):
        assert kiosk(service, f"u{number}", number * 5).hub_found_at == 0.0
    found = kiosk(service, "u4", 20)
    assert (found.hub, found.hub_found_at) == (False, -(NOW + 20 * DAY))
    assert kiosk(service, "u5", 20.9).hub_found_at == -(NOW + 20 * DAY), "a look holds for a day"
    found = kiosk(service, "u6", 22)
    assert (found.hub_found_at, found.accounts) == (NOW + 22 * DAY, 7)
    later = kiosk(service, "u7", 22.5)
    assert (later.hub, later.hub_found_at) == (True, NOW + 22 * DAY)
    assert "=n" not in members(service.store, found.key)


def test_it_is_looked_at_again_and_may_be_none_any_more(service: Service) -> None:
    small(service)
    for number in range(5):
        found = kiosk(service, f"u{number}", number * 6)
    assert found.hub_found_at == NOW + 24 * DAY
    service.parts.labels.add("u0", "abuse", "external", None, "key", NOW + 24 * DAY)
    found = kiosk(service, "late", 26)
    assert (found.hub, found.hub_found_at) == (False, -(NOW + 26 * DAY))


def test_of_many_a_sample_is_looked_at_that_spans_them_all(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "_SAMPLE", 10)
    policy = small(service)
    key = service.parts.assessor._links.entity_key("device", "crowd")
    for number in range(100):
        service.store.execute("ZADD", key, NOW + number * DAY / 2, f"u{number}")
        if number % 10 == 0:
            mine = things(number, number)
            service.store.execute("HSET", account_key(f"u{number}"), "entities", mine, "tier", "allow")
    assert Hubs(service.store, service.parts.assessor._links).look(key, policy, NOW + 50 * DAY)
    assert members(service.store, key)["=h"] == 5e12 + NOW + 50 * DAY


def test_a_thing_that_was_forgotten_meanwhile_is_no_hub(service: Service) -> None:
    assert not Hubs(service.store, service.parts.assessor._links).look("risk:e:d:gone", POLICY, NOW)
