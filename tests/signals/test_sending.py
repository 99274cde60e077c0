"""Each signal of how linked accounts spend their caps, on neighbourhoods that evade and on ones that do not."""

from __future__ import annotations

from typing import Any

import pytest

from riskapi import policy
from riskapi.policy.rules import matching
from signals.facts import Account, Email, Entity, Facts
from signals.registry import Readings, registered
from tests.signals.reading import alone

NOW = 1_795_341_600.0
HOUR = 3600.0
SIGNALS = {name: found for name, found in registered().items() if found.family == "sending"}


def entity(kind: str, accounts: int, **changes: Any) -> Entity:
    strength = {"phone": "strong", "mail_domain": "medium"}.get(kind, "weak")
    weight = {"strong": 1.0, "medium": 0.12, "weak": 0.1}[strength]
    parts: dict[str, Any] = {"abusive": 0, "limited": 0, "hub": False, "weight": weight, "strength": strength}
    return Entity(kind, 1, 1, accounts, accounts, **{**parts, **changes})


def read(*entities: Entity) -> Readings:
    found = {row.kind: row for row in entities}
    facts = Facts(at=NOW, account=Account(), email=Email("x", valid=False), entities=found)
    return {name: alone(signal, facts) for name, signal in SIGNALS.items()}


def test_without_the_store_everything_is_unknown_and_says_why() -> None:
    facts = Facts(at=NOW, account=Account(), email=Email("x", valid=False), missing={"store": "store_unavailable"})
    assert {alone(signal, facts) for signal in SIGNALS.values()} == {None}
    assert {signal.cause(facts) for signal in SIGNALS.values()} == {"store_unavailable"}


@pytest.mark.parametrize(
    "entities",
    [
        [],
        [entity("phone", 1)],
        [entity("ip", 9), entity("mail_domain", 3)],
        [entity("ip", 9, hub=True, weight=0.0, exhausted_24h=5, exhausted_7d=6, exhausted_at=NOW, near_7d=3)],
    ],
    ids=["nothing shared", "alone", "neighbours who do not run out", "a hub"],
)
def test_where_nobody_linked_ran_out_all_is_known_and_quiet(entities: list[Entity]) -> None:
    assert read(*entities) == {
        "sending_exhausted_linked_24h": 0,
        "sending_exhausted_linked_7d": 0,
        "sending_exhausted_linked_strong_7d": 0,
        "sending_hours_since_exhausted": 720.0,
        "sending_neighbourhood_exhausted_share": 0.0,
        "sending_near_cap_linked_7d": 0,
        "sending_near_cap_share": 0.0,
    }


@pytest.mark.parametrize(
    ("entities", "signal", "value"),
    [
        # Through the weakest of links; the most through one thing, as the same accounts are seen through several.
        ([entity("ip", 5, exhausted_24h=2), entity("network", 9, exhausted_24h=3)], "exhausted_linked_24h", 3),
        ([entity("ip", 5, exhausted_7d=2), entity("phone", 3, exhausted_7d=1)], "exhausted_linked_7d", 2),
        ([entity("ip", 5, exhausted_7d=2), entity("phone", 3, exhausted_7d=1)], "exhausted_linked_strong_7d", 1),
        ([entity("mail_domain", 5, exhausted_7d=2)], "exhausted_linked_strong_7d", 2),
        ([entity("ip", 5, exhausted_7d=2)], "exhausted_linked_strong_7d", 0),
        ([entity("ip", 5, exhausted_at=NOW - 6 * HOUR)], "hours_since_exhausted", 6.0),
        (
            [entity("ip", 5, exhausted_at=NOW - 6 * HOUR), entity("phone", 2, exhausted_at=NOW - HOUR)],
            "hours_since_exhausted",
            1.0,
        ),
        ([entity("ip", 5, exhausted_at=NOW + 60)], "hours_since_exhausted", 0.0),
        ([entity("ip", 5, exhausted_at=NOW - 80 * 24 * HOUR)], "hours_since_exhausted", 720.0),
        # The neighbourhood is the three or more most closely linked: not the pair, not the office.
        (
            [entity("ip", 11, exhausted_7d=1), entity("mail_domain", 5, exhausted_7d=3)],
            "neighbourhood_exhausted_share",
            0.75,
        ),
        ([entity("phone", 2, exhausted_7d=1), entity("ip", 11, exhausted_7d=1)], "neighbourhood_exhausted_share", 0.1),
        ([entity("phone", 2, exhausted_7d=1)], "neighbourhood_exhausted_share", 0.0),
        ([entity("phone", 3, exhausted_7d=9)], "neighbourhood_exhausted_share", 1.0),
        ([entity("ip", 9, near_7d=6), entity("phone", 2, near_7d=1)], "near_cap_linked_7d", 6),
        ([entity("ip", 9, near_7d=6)], "near_cap_share", 0.75),
        ([entity("phone", 3, near_7d=9)], "near_cap_share", 1.0),
    ],
)
def test_signals_of_evasion(entities: list[Entity], signal: str, value: float) -> None:
    assert read(*entities)[f"sending_{signal}"] == pytest.approx(value)


def test_more_and_sooner_is_riskier() -> None:
    assert {name: signal.risk for name, signal in SIGNALS.items() if signal.risk != 1} == {
        "sending_hours_since_exhausted": -1
    }


def test_what_rests_on_shared_places_is_guarded() -> None:
    rules = policy.load(policy.DEFAULT)
    assert {name for name in SIGNALS if not rules.guards(name)} == {"sending_exhausted_linked_strong_7d"}


@pytest.mark.parametrize(
    ("readings", "fired"),
    [
        (read(entity("mail_domain", 5, exhausted_7d=2)), {"caps_used_up"}),
        (read(entity("mail_domain", 5, exhausted_7d=1)), set()),
        (read(entity("ip", 9, exhausted_7d=7)), set()),
        (read(entity("phone", 9, near_7d=6)), {"kept_under_caps"}),
        (read(entity("phone", 4, near_7d=3)), set()),
        (read(entity("network", 40, near_7d=6)), set()),
    ],
    ids=["used up", "one", "only a shared address", "just under", "a family", "a busy network"],
)
def test_rules_on_trial_ask_for_a_look_at_most(readings: Readings, fired: set[str]) -> None:
    trial = [each for each in policy.load(policy.DEFAULT).shadow if "cap" in each[-1].name]
    assert {rule.name for rule in matching(trial, readings)} == fired
    assert {each[-1].tier for each in trial} == {"review"}
