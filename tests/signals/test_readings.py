"""Readings of many different signups: together as one by one, and links as their plain definitions have them."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from signals.facts import (
    Account,
    Activity,
    Behavior,
    Device,
    Email,
    Entity,
    Facts,
    MailDomain,
    Network,
    Phone,
    Registrant,
    Wave,
)
from signals.registry import Readings, Value, read, registered
from tests.signals.reading import alone

Made = TypeVar("Made")
NOW = 1_795_341_600.0
NAMES = ("Ana Ruiz", "Иван", "Test Test", "call 202 555 0123", "ruiz.example", "José Müller", "ℌugo", "王伟", "A\tB")
LOCALS = ("ana.ruiz84", "x7k2m9q4z", "deadbeef0123", "müller", "иван", "qwerty1", "noone+test", "123456", "aaa.bb")
DOMAINS = ("ruiz.example", "gmail.com", "mail.ruiz.example", "12-34.example")
REGIONS = ("US", "CA", "DE", "KZ", "RU", "001", "AQ")
KINDS = ("mailbox", "pattern", "mail_domain", "phone", "phone_block", "device", "payment", "ip", "network", "referrer")
NETWORKS: tuple[Any, ...] = (None, "hosting", "consumer", "mobile", "education", "cdn")
EVENTS = ("email_verified", "phone_verified", "login", "contacts_imported", "plan_changed")


def _entity(kind: str, chance: random.Random) -> Entity:
    counts = [chance.choice((0, 0, 0, 1, 2, 5)) for _ in range(5)]
    hour, day, month, whole = chance.choices((1, 2, 5, 12), k=4)
    return Entity(
        kind,
        hour,
        day,
        month,
        whole,
        abusive=counts[0],
        limited=counts[1],
        hub=chance.random() < 0.2,
        weight=chance.choice((0.0, 0.0, 0.25, 0.7)),
        strength=chance.choice(("weak", "medium", "strong")),
        exhausted_24h=counts[2],
        exhausted_7d=counts[3],
        exhausted_at=chance.choice((None, None, NOW - 7200, NOW - 9e6, NOW + 5)),
        near_7d=counts[4],
        standing=chance.choice(("observed", "proved", "held", "claimed")),
        holders=chance.choice(((), ("u",))),
    )


def _facts(seed: int) -> Facts:
    """A signup in which anything may be missing."""
    chance = random.Random(seed)

    def maybe(make: Callable[[], Made]) -> Made | None:
        return make() if chance.random() < 0.8 else None

    def some(values: tuple[str, ...]) -> list[str]:
        return chance.sample(values, chance.randrange(len(values)))

    def flag() -> bool:
        return chance.random() < 0.3

    local, domain = chance.choice(LOCALS), chance.choice(DOMAINS)
    return Facts(
        at=NOW,
        account=Account(
            name=maybe(lambda: chance.choice(NAMES)), organization=chance.choice((None, "Ruiz GmbH", "x.com"))
        ),
        email=Email(
            f"{local}@{domain}",
            valid=True,
            local=local,
            domain=domain,
            domain_unicode=domain,
            registrable=".".join(domain.split(".")[-2:]),
            suffix="example",
            tag="test" if local.endswith("+test") else None,
            disposable=maybe(flag),
            relay=maybe(flag),
            free=maybe(flag),
        ),
        phone=maybe(lambda: Phone("x", True, national="2025550123", region=chance.choice(REGIONS), kind="mobile")),
        network=maybe(
            lambda: Network(
                "x",
                ip=maybe(lambda: "192.0.2.1"),
                reserved=chance.choice((None, None, "private_use")),
                country=maybe(lambda: chance.choice(REGIONS)),
                kind=chance.choice(NETWORKS),
                anonymizer=chance.choice((None, None, "vpn", "tor")),
                disputed=flag(),
            )
        ),
        device=Device(
            languages=maybe(lambda: tuple(some(("es", "de", "en")))),
            language_countries=maybe(lambda: frozenset(some(REGIONS))),
            time_zone_countries=maybe(lambda: frozenset(some(REGIONS))),
        ),
        behavior=Behavior(9000, maybe(lambda: tuple(some(("E-Mail", "name", "org")))), keystrokes=maybe(lambda: 40)),
        entities=maybe(lambda: {kind: _entity(kind, chance) for kind in some(KINDS)}),
        mail_domain=maybe(lambda: MailDomain(NOW, maybe(flag), spf=chance.choice((None, "missing", "pass")))),
        registrant=maybe(lambda: Registrant(NOW, maybe(flag), kind=chance.choice(NETWORKS))),
        events=maybe(lambda: {kind: Activity(2, NOW, NOW, maybe(lambda: 40)) for kind in some(EVENTS)}),
        wave=maybe(Wave),
    )


MANY = [_facts(seed) for seed in range(300)]


def test_all_signals_at_once_are_what_each_is_alone() -> None:
    seen: dict[str, set[Value]] = {}
    for facts in MANY:
        together = read(facts)
        assert list(together.items()) == [(name, alone(found, facts)) for name, found in registered().items()]
        for name, value in together.items():
            seen.setdefault(name, set()).add(value)
    dull = [name for name, values in seen.items() if len(values) == 1 and name.startswith(("links_", "sending_"))]
    assert {name for name in dull if "fingerprint" not in name} == {"links_cluster_abusive"}, "the signups are alike"


def _links_as_defined(entities: dict[str, Entity]) -> Readings:
    """The signals of links by their docstrings, each on its own."""
    linking = [entity for entity in entities.values() if not entity.hub]
    binding = [entity for entity in linking if entity.strength != "weak"]
    times = [entity.exhausted_at for entity in linking if entity.exhausted_at is not None]
    many = [entity for entity in linking if entity.accounts >= 3]
    closest = max(many, key=lambda entity: (entity.weight, -entity.accounts), default=None)
    own = [entities[kind] for kind in ("device", "payment", "mailbox", "phone") if kind in entities]
    proved = [entity.abusive for entity in own if not entity.hub and entity.standing in ("observed", "proved")]
    return {
        "links_abusive": max((entity.abusive for entity in binding), default=0),
        "links_limited": max((entity.limited for entity in binding), default=0),
        "links_accounts": max((entity.accounts - 1 for entity in binding), default=0),
        "links_weight_max": max((entity.weight for entity in binding), default=0.0),
        "links_proved_abusive": max(proved, default=0),
        "links_claims_held": sum(bool(each.holders) and each.standing in ("claimed", "observed") for each in own),
        "links_ip_abusive": sum(each.abusive for each in linking if each.kind == "ip"),
        "links_device_limited": sum(each.limited for each in linking if each.kind == "device"),
        "sending_exhausted_linked_24h": max((entity.exhausted_24h for entity in linking), default=0),
        "sending_exhausted_linked_7d": max((entity.exhausted_7d for entity in linking), default=0),
        "sending_exhausted_linked_strong_7d": max((entity.exhausted_7d for entity in binding), default=0),
        "sending_near_cap_linked_7d": max((entity.near_7d for entity in linking), default=0),
        "sending_hours_since_exhausted": min(max(NOW - max(times), 0.0) / 3600, 720.0) if times else 720.0,
        "sending_near_cap_share": min(closest.near_7d / (closest.accounts - 1), 1.0) if closest else 0.0,
        "sending_neighbourhood_exhausted_share": (
            min(closest.exhausted_7d / (closest.accounts - 1), 1.0) if closest else 0.0
        ),
    }


@pytest.mark.parametrize("facts", [pytest.param(facts, id=str(seed)) for seed, facts in enumerate(MANY[:60])])
def test_links_are_as_their_definitions_have_them(facts: Facts) -> None:
    found = read(facts)
    if facts.entities is None:
        assert {found[name] for name in _links_as_defined({})} == {None}
    else:
        expected = _links_as_defined(dict(facts.entities))
        assert {name: found[name] for name in expected} == expected
