"""What binds an account, read from what it shares: a table of standings, and how long each bond holds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskapi.links.bonds import Bond, bonds, edge_of, ends_at, entity_of, proved_edge
from riskapi.links.kinds import evidence_weight
from riskapi.links.linkage import binds
from riskapi.links.waves import Match
from riskapi.policy import DEFAULT, load
from riskapi.times import EARLIEST
from signals.facts import Entity, Recent
from tests.conftest import NOW

POLICY = load(DEFAULT)
HOUR, DAY = 3600.0, 86_400.0
#: Three half-lives take a strong thing, shared just now, to the weight that just binds: 1 to 1/8.
STRONG = 90 * DAY
LETTERS = {"device": "d", "phone": "p", "content": "c", "ip": "i"}


def shared(kind: str, *others: str, **changes: Any) -> Entity:
    """A strong thing that these accounts share with one, just now."""
    found = Entity(
        kind, 1, 1, 1 + len(others), 1 + len(others), 0, 0, False,
        weight=1.0 if others else 0.0, strength="strong", last_seen=NOW if others else None, others=others,
        key=f"risk:e:{LETTERS[kind]}:mac", recent=Recent(others, (NOW,) * len(others)),
    )  # fmt: skip
    return replace(found, **changes)


def made(*found: Entity, matches: list[Match] | None = None) -> list[Bond]:
    return bonds(found, matches or [], POLICY, NOW, lambda kind, value: f"risk:e:{kind[0]}:{value}")


def until(bond: Bond) -> float:
    return round(bond.until - NOW, 3)


def test_what_nobody_holds_binds_all_who_use_it() -> None:
    (bond,) = made(shared("device", "a", "b"))
    assert (bond.edge, bond.key, bond.others, until(bond)) == ("d:mac", "risk:e:d:mac", ("a", "b"), STRONG)
    assert (bond.apart, bond.claims, bond.bound, bond.wave) == ((), False, False, False)


def test_one_that_binds_already_says_so() -> None:
    (bond,) = made(shared("device", "a", bound=True))
    assert bond.bound


@pytest.mark.parametrize(
    "found",
    [
        shared("device"),
        shared("device", "a", hub=True),
        shared("device", "a", weight=0.124),
        shared("ip", "a", weight=0.1, strength="weak"),
        shared("device", "a", key=""),
    ],
    ids=["alone", "a hub", "faded", "weak", "not of the store"],
)
def test_what_does_not_bind(found: Entity) -> None:
    assert made(found) == []


def test_claimants_are_bound_to_each_other_and_never_to_the_holder() -> None:
    """Through the thing, and through its holder, so that they are one over several things of his."""
    claims = {"standing": "claimed", "holders": ("h",)}
    thing, holder = made(shared("phone", "a", "b", **claims))
    assert (thing.edge, thing.others, thing.apart, thing.claims) == ("p:mac", ("a", "b"), ("h",), True)
    assert (holder.edge, holder.key, holder.others, holder.claims) == ("h:h", "risk:e:h:h", (), True)
    assert until(holder) == STRONG
    (only,) = made(shared("phone", **claims))
    assert only.edge == "h:h", "the first claimant is known to his list already"


def test_of_two_who_proved_it_claimants_are_those_of_both() -> None:
    found = made(shared("phone", "a", standing="claimed", holders=("h", "g")))
    assert [(bond.edge, bond.apart) for bond in found] == [("p:mac", ("h", "g")), ("h:h", ()), ("h:g", ())]


@pytest.mark.parametrize("standing", ["proved", "held"])
def test_who_holds_it_is_bound_to_nobody_who_claims_it(standing: str) -> None:
    assert made(shared("phone", standing=standing)) == []


def test_who_proved_the_same_are_bound_to_each_other_alone() -> None:
    (bond,) = made(shared("phone", "g", standing="proved", holders=("g",)))
    assert (bond.edge, bond.key, bond.others, bond.claims) == ("P:mac", None, ("g",), False)


def test_a_weak_thing_that_somebody_holds_binds_nobody_to_its_claimants() -> None:
    assert made(shared("ip", "a", weight=0.1, strength="weak", holders=("h",))) == []
    assert made(shared("ip", "a", weight=0.12, strength="medium", holders=("h",))) == []


def test_content_binds_only_those_named() -> None:
    """Everybody else with the same content does not agree in the second thing."""
    (bond,) = made(shared("content", "a"))
    assert (bond.edge, bond.key, bond.others) == ("c:mac", None, ("a",))


def test_a_burst_at_a_hub_binds_those_of_the_burst() -> None:
    ages = {"a": 60.0, "b": HOUR, "c": DAY - 1, "d": DAY, "e": 9 * DAY}
    recent = Recent(tuple(ages), tuple(NOW - age for age in ages.values()))
    burst = shared("device", *ages, bound=True, recent=recent, hub_found_at=NOW - HOUR)
    (bond,) = made(burst)
    assert (bond.edge, bond.key, bond.others, bond.bound) == ("d:mac", None, ("a", "b", "c"), False)
    for found_at in (0.0, -NOW, NOW - 2 * POLICY.hubs.hours * HOUR, NOW + 1):
        (bond,) = made(replace(burst, hub_found_at=found_at))
        assert (bond.key, bond.others, bond.bound) == ("risk:e:d:mac", tuple(ages), True), found_at


def test_those_it_came_with_are_bound_for_as_long_as_they_are_told() -> None:
    found = made(shared("phone"), matches=[Match(("a", "b"), 900.0), Match(("a",), 72 * HOUR)])
    assert [(bond.others, until(bond), bond.wave, bond.key) for bond in found] == [
        (("a", "b"), 900.0, True, None),
        (("a",), 72 * HOUR, True, None),
    ]


@given(
    accounts=st.integers(2, 2000),
    age=st.floats(0, 200 * DAY),
    ago=st.floats(0, NOW - EARLIEST - 200 * DAY),
)
def test_a_bond_ends_when_its_evidence_has_faded(accounts: int, age: float, ago: float) -> None:
    """Counted from now, when it was used again, however long ago the others did, and the signup says it was."""
    half_life, at = POLICY.links.half_life_days, NOW - ago
    weight = evidence_weight(1.0, accounts, age, half_life)
    found = shared("phone", "a", weight=weight, last_seen=at - age)
    if not binds(found, POLICY):
        return
    ends = ends_at(found, POLICY, NOW, at)
    assert evidence_weight(1.0, accounts, ends - NOW, half_life) == pytest.approx(POLICY.links.bind_weight)
    assert ends >= NOW


@pytest.mark.parametrize("edge", ["d:AbC-_0", "p:AbC-_0"])
def test_names_of_edges_and_entities_are_each_other_s(edge: str) -> None:
    assert edge_of(f"risk:e:{edge}") == edge
    assert entity_of(edge) == f"risk:e:{edge}"
    assert entity_of(proved_edge(edge)) == f"risk:e:{edge}", "the thing that was proved is the same"
    assert proved_edge(edge) == edge[0].upper() + edge[1:]
