"""Each signal of what is shared with bad accounts: by proof, by a claim, by a budget, and not at all."""

from __future__ import annotations

from typing import Any

import pytest

from signals.facts import Account, Cluster, Email, Entity, Facts
from signals.registry import Readings, registered
from tests.signals.reading import alone

NOW = 1_795_341_600.0
SIGNALS = {name: found for name, found in registered().items() if found.family == "links"}
STRENGTHS = {"mailbox": "strong", "phone": "strong", "device": "strong", "payment": "strong", "mail_domain": "medium"}


def entity(kind: str, abusive: int = 0, **changes: Any) -> Entity:
    strength = STRENGTHS.get(kind, "weak")
    standing = "observed" if kind in ("device", "payment") else "claimed"
    parts: dict[str, Any] = {"limited": 0, "hub": False, "weight": 0.5, "strength": strength, "standing": standing}
    return Entity(kind, 1, 1, 5, 5, abusive, **{**parts, **changes})


def read(*entities: Entity, cluster: Cluster | None = None) -> Readings:
    facts = Facts(
        at=NOW,
        account=Account(),
        email=Email("x", valid=False),
        entities={row.kind: row for row in entities},
        cluster=cluster,
    )
    return {name: alone(signal, facts) for name, signal in SIGNALS.items()}


def test_without_the_store_everything_is_unknown_and_says_why() -> None:
    facts = Facts(at=NOW, account=Account(), email=Email("x", valid=False), missing={"store": "store_unavailable"})
    assert {alone(signal, facts) for signal in SIGNALS.values()} == {None}
    assert {signal.cause(facts) for signal in SIGNALS.values()} == {"store_unavailable"}


#: Things in the order of their columns; the kind of their entities where that has another name.
THINGS = ["mailbox", "pattern", "domain", "phone", "phone_block", "device", "payment", "ip", "network"]
THINGS += ["fingerprint", "referrer"]
KINDS = {"domain": "mail_domain"}
LATER = ["abusive", "limited", "accounts", "weight_max", "weight_total", "proved_abusive", "cluster_abusive"]


def test_the_columns_of_the_table_are_what_recorded_decisions_and_the_model_know() -> None:
    rows = [f"links_{thing}_{standing}" for thing in THINGS for standing in ("abusive", "limited")]
    assert list(SIGNALS) == [*rows, *(f"links_{name}" for name in LATER), "links_claims_held"]
    assert {(SIGNALS[name].type, SIGNALS[name].needs, SIGNALS[name].risk) for name in rows} == {("int", ("store",), 1)}
    found = SIGNALS["links_ip_limited"]
    assert found.text(1) == "1 account under a limit is linked through the same IP address"
    assert found.doc == (
        "Other accounts, limited now, that signed up with the same IP address; shared by offices and households, so "
        "weak evidence alone.\n\nUnit: accounts, 0 and up; typically 0."
    )


@pytest.mark.parametrize("thing", THINGS)
def test_accounts_of_a_standing_are_those_of_the_thing(thing: str) -> None:
    kind = KINDS.get(thing, thing)
    names = [f"links_{thing}_abusive", f"links_{thing}_limited"]
    for row, told in ((entity(kind, 3, limited=5), [3, 5]), (entity(kind, 3, limited=5, hub=True), [0, 0])):
        assert [read(row)[name] for name in names] == told, "a hub links nobody"
    assert [read()[name] for name in names] == [0, 0]


HELD = ("u_holder",)


@pytest.mark.parametrize(
    ("entities", "signal", "value"),
    [
        # Seen or proved on both sides.
        ([], "proved_abusive", 0),
        ([entity("device", 2)], "proved_abusive", 2),
        ([entity("payment", 1)], "proved_abusive", 1),
        ([entity("phone", 3, standing="proved")], "proved_abusive", 3),
        ([entity("mailbox", 1, standing="proved"), entity("device", 2)], "proved_abusive", 2),
        ([entity("device", 2, hub=True, weight=0.0)], "proved_abusive", 0),
        # Only typed, or held for having been there first: no proof.
        ([entity("phone", 3)], "proved_abusive", 0),
        ([entity("mailbox", 3)], "proved_abusive", 0),
        ([entity("device", 3, standing="held")], "proved_abusive", 0),
        # What can be shared otherwise proves nothing.
        ([entity("ip", 9), entity("mail_domain", 9), entity("fingerprint", 9)], "proved_abusive", 0),
        # Things of somebody else's.
        ([], "claims_held", 0),
        ([entity("phone", holders=HELD)], "claims_held", 1),
        ([entity("phone", holders=HELD), entity("mailbox", holders=HELD), entity("device", holders=HELD)],
         "claims_held", 3),
        ([entity("phone", holders=HELD, standing="proved")], "claims_held", 0),
        ([entity("device", holders=HELD, standing="held")], "claims_held", 0),
        ([entity("phone")], "claims_held", 0),
        ([entity("ip", holders=HELD), entity("mail_domain", holders=HELD)], "claims_held", 0),
        # By kind, whatever the standing; hubs are no link.
        ([entity("phone", 3)], "phone_abusive", 3),
        ([entity("phone", limited=4)], "phone_limited", 4),
        ([entity("phone", 3, hub=True)], "phone_abusive", 0),
        ([entity("ip", 3)], "ip_abusive", 3),
        # The most over the kinds that bind by themselves or nearly so.
        ([entity("phone", 1), entity("mail_domain", 3), entity("ip", 9)], "abusive", 3),
        ([entity("phone", limited=2), entity("network", limited=9)], "limited", 2),
        ([entity("phone"), entity("ip")], "accounts", 4),
        ([entity("phone", weight=0.5), entity("device", weight=0.25), entity("ip", weight=0.9)], "weight_max", 0.5),
        ([entity("phone", weight=0.5), entity("device", weight=0.25), entity("ip", weight=0.9)], "weight_total", 0.625),
    ],
)  # fmt: skip
def test_signals_of_company(entities: list[Entity], signal: str, value: float) -> None:
    assert read(*entities)[f"links_{signal}"] == pytest.approx(value)


@pytest.mark.parametrize(
    ("cluster", "value"), [(None, None), (Cluster(), 0), (Cluster(9, 0), 0), (Cluster(9, 4), 4)],
    ids=["not looked up", "alone", "in good company", "in bad company"],
)  # fmt: skip
def test_who_shares_its_budget(cluster: Cluster | None, value: int | None) -> None:
    assert read(cluster=cluster)["links_cluster_abusive"] == value


@pytest.mark.parametrize(
    ("signal", "value", "text"),
    [
        ("proved_abusive", 1, "1 account labelled abusive is linked by proof or observation"),
        ("proved_abusive", 2, "2 accounts labelled abusive are linked by proof or observation"),
        ("cluster_abusive", 1, "1 account that shares its budget is labelled abusive"),
        ("cluster_abusive", 3, "3 accounts that share its budget are labelled abusive"),
        ("claims_held", 1, "It gives 1 thing that somebody else holds"),
        ("claims_held", 2, "It gives 2 things that somebody else holds"),
    ],
)
def test_its_sentence_is_true_for_one_and_for_many(signal: str, value: int, text: str) -> None:
    assert SIGNALS[f"links_{signal}"].text(value) == text
