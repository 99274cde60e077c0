"""Facts without what others bring: what is taken away, what stays, and that taking away twice is once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import signals
from riskapi.decisions.influence import alone, blameless, fair, is_accused, is_felt
from riskapi.links.kinds import KINDS
from signals.facts import Account, Cluster, Device, Email, Entity, Facts, Network, Reputation, Wave
from tests.conftest import NOW

CLEAN = Entity("phone", 2, 3, 4, 5, 0, 0, False, weight=0.5, strength="strong", others=("a", "b"), key="k", bound=True)
FACTS = Facts(
    at=NOW,
    account=Account(name="Ana Ruiz"),
    email=Email("ana@ruiz.example", valid=True),
    network=Network("203.0.113.9", "203.0.113.9"),
    device=Device(id="dev-1"),
    entities={"phone": CLEAN},
    reputation=Reputation(0.02, asn=0.02, network=0.02, domain=0.02, tld=None),
    wave=Wave(),
    cluster=Cluster(3, 0),
)


def facts(**changes: Any) -> Facts:
    """The phone is shared with some; ``changes`` are of that."""
    return replace(FACTS, entities={"phone": replace(CLEAN, **changes)})


DEEDS: dict[str, Facts] = {
    "one is abusive": facts(abusive=1),
    "one is limited": facts(limited=1),
    "one ran out": facts(exhausted_24h=1, exhausted_7d=1, exhausted_at=NOW - 60),
    "one keeps just under": facts(near_7d=1),
    "one of those who share its budget": replace(FACTS, cluster=Cluster(3, 1)),
    "one came before it": facts(earlier=1),
    "somebody at its provider": replace(FACTS, entities={"asn": Entity("asn", 0, 0, 0, 900, 7, 9, True)}),
}
NO_DEEDS: dict[str, Facts] = {
    "many share it": facts(accounts=400, accounts_30d=300),
    "it came in a wave": replace(FACTS, wave=Wave(9, frozenset({"network", "mail"}), True, 12, 12)),
    "a large cluster": replace(FACTS, cluster=Cluster(90, 0)),
    "its provider was bad once": replace(FACTS, reputation=Reputation(0.02, asn=0.4)),
    "the store was away": replace(FACTS, entities=None, reputation=None, cluster=None, wave=None),
}


@pytest.mark.parametrize("found", DEEDS.values(), ids=DEEDS)
def test_deeds_of_others_are_felt_and_taken_away(found: Facts) -> None:
    assert is_felt(found)
    assert not is_felt(blameless(found))
    assert not is_felt(alone(found))


@pytest.mark.parametrize("found", NO_DEEDS.values(), ids=NO_DEEDS)
def test_what_is_nobodys_deed_is_not_felt(found: Facts) -> None:
    assert not is_felt(found)


@pytest.mark.parametrize("found", [FACTS, *DEEDS.values(), *NO_DEEDS.values()])
def test_blameless_keeps_who_shares_what(found: Facts) -> None:
    left = blameless(found)
    for kind, entity in (found.entities or {}).items():
        other = (left.entities or {})[kind]
        assert (other.accounts, other.accounts_30d, other.others, other.weight, other.hub) == (
            entity.accounts, entity.accounts_30d, entity.others, entity.weight, entity.hub,
        )  # fmt: skip
    assert (left.wave, left.cluster and left.cluster.size) == (found.wave, found.cluster and found.cluster.size)


@pytest.mark.parametrize("found", [FACTS, *DEEDS.values(), *NO_DEEDS.values()])
def test_alone_shares_nothing(found: Facts) -> None:
    left = alone(found)
    assert (left.entities is None) is (found.entities is None)
    for kind, entity in (left.entities or {}).items():
        assert (entity.kind, entity.accounts, entity.accounts_30d, entity.others, entity.weight) == (kind, 1, 1, (), 0)
    assert left.cluster in (None, Cluster()) and left.wave in (None, Wave())


@pytest.mark.parametrize("without", [blameless, alone])
@pytest.mark.parametrize("found", [FACTS, *DEEDS.values(), *NO_DEEDS.values()])
def test_what_it_is_by_itself_stays_and_twice_is_once(without: Any, found: Facts) -> None:
    left = without(found)
    assert without(left) == left
    assert (left.at, left.account, left.email, left.network, left.device, left.missing) == (
        found.at, found.account, found.email, found.network, found.device, found.missing,
    )  # fmt: skip
    own = [name for name, signal in signals.registered().items() if signal.family in ("email", "device", "behavior")]
    before, after = signals.read(found), signals.read(left)
    assert [after[name] for name in own] == [before[name] for name in own]


def place(kind: str, accounts: int, **bad: int) -> Facts:
    found = Entity(kind, 1, 1, accounts, accounts, 0, 0, False, weight=0.1, strength="weak")
    return replace(FACTS, entities={kind: replace(found, **bad)})  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["ip", "network", "fingerprint", "pattern", "phone_block", "referrer"])
@pytest.mark.parametrize(
    ("accounts", "bad", "stays"),
    [
        (9, {"abusive": 2}, False), (9, {"limited": 2}, False), (9, {"abusive": 3}, True), (9, {"limited": 3}, True),
        (30, {"abusive": 3}, True), (31, {"abusive": 3}, False), (100, {"limited": 10}, True),
        (100, {"abusive": 9}, False), (9, {"abusive": 1, "limited": 3}, True),
    ],
)  # fmt: skip
def test_one_or_two_bad_accounts_at_a_place_convict_nobody(
    kind: str, accounts: int, bad: dict[str, int], stays: bool
) -> None:
    found = place(kind, accounts, **bad)
    assert (fair(found) == found) is stays
    if not stays:
        assert not is_felt(fair(found))
    assert fair(fair(found)) == fair(found)


@pytest.mark.parametrize("kind", ["phone", "mailbox", "device", "payment", "mail_domain", "link_domain"])
def test_what_is_no_place_counts_from_the_first(kind: str) -> None:
    found = place(kind, 9, abusive=1)
    assert fair(found) == found


@pytest.mark.parametrize(
    ("found", "accused"),
    [
        (facts(abusive=1), True),
        (facts(limited=9), False),
        (facts(earlier=9), False),
        (facts(abusive=1, hub=True), False),
        (facts(abusive=1, strength="medium"), True),
        (place("ip", 9, abusive=9), False),
        (replace(FACTS, cluster=Cluster(3, 1)), True),
        (FACTS, False),
        (replace(FACTS, entities=None, cluster=None), False),
    ],
    ids=[
        "shares a number", "with somebody limited", "with many before it", "with everybody", "a firm's domain",
        "a place", "a budget", "nothing bad", "the store was away",
    ],
)  # fmt: skip
def test_who_is_looked_at_for_its_company(found: Facts, accused: bool) -> None:
    assert is_accused(found) is accused


RATES = st.none() | st.floats(0, 1)


@given(base=st.floats(0, 1), asn=RATES, network=RATES, domain=RATES, tld=RATES)
def test_rates_that_others_made_are_the_base_rate_and_unknown_ones_stay_so(
    base: float, asn: float | None, network: float | None, domain: float | None, tld: float | None
) -> None:
    found = replace(FACTS, reputation=Reputation(base, asn, network, domain, tld))
    for without in (blameless, alone):
        left = without(found).reputation
        assert left is not None
        given_rates = (asn, network, domain, tld)
        assert (left.asn, left.network, left.domain, left.tld) == tuple(
            None if rate is None else base for rate in given_rates
        )
        assert left.base == base


@pytest.mark.parametrize("without", [alone, blameless])
@pytest.mark.parametrize("found", [*DEEDS.values(), *NO_DEEDS.values()], ids=[*DEEDS, *NO_DEEDS])
def test_what_is_read_without_others_is_read_of_the_store_alone(
    found: Facts, without: Callable[[Facts], Facts]
) -> None:
    assert signals.read_again(without(found), signals.read(found)) == signals.read(without(found))


@st.composite
def crowds(draw: st.DrawFn) -> Facts:
    """Facts with things of every kind, shared with accounts that did this and that."""
    few = st.integers(0, 3)
    found = {}
    for kind in draw(st.sets(st.sampled_from(KINDS))):
        accounts, hour, day, spent, lately, near = (draw(few) for _ in range(6))
        found[kind] = Entity(
            kind, hour, day, accounts, 1 + accounts, draw(few), draw(few), draw(st.booleans()),
            weight=draw(st.floats(0, 1)), strength=draw(st.sampled_from(["weak", "medium", "strong"])),
            exhausted_24h=min(lately, spent), exhausted_7d=spent, near_7d=near,
            exhausted_at=draw(st.sampled_from([NOW - 60.0] if spent else [None, NOW - 1e6])),
            standing=draw(st.sampled_from(["observed", "proved", "held", "claimed"])), earlier=draw(few),
            holders=draw(st.sampled_from([(), ("somebody",)])),
        )  # fmt: skip
    rates = st.none() | st.floats(0, 1)
    rated = st.builds(Reputation, st.floats(0, 1), rates, rates, rates, rates, rates)
    return replace(
        FACTS,
        entities=draw(st.none() | st.just(found)),
        reputation=draw(st.none() | rated),
        cluster=draw(st.none() | st.builds(Cluster, few, few)),
    )


@given(crowds())
def test_each_signal_says_what_it_reads_without_what_others_did(found: Facts) -> None:
    assert signals.read_blameless(signals.read(found)) == signals.read(blameless(found))


@pytest.mark.parametrize("found", [FACTS, *DEEDS.values(), *NO_DEEDS.values()])
def test_deeds_are_read_as_their_signals_say_and_in_the_same_order(found: Facts) -> None:
    readings, without = signals.read(found), signals.read_blameless(signals.read(found))
    assert without == signals.read(blameless(found)) and [*without] == [*readings]
    felt = [name for name, declared in signals.registered().items() if declared.blameless is not None]
    assert [name for name in readings if readings[name] != without[name] and name not in felt] == []
