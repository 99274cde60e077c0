"""Each signal of how many came, and how fast."""

from __future__ import annotations

import pytest

from riskapi import policy
from signals.facts import Account, Email, Entity, Facts, Wave
from signals.registry import Readings, registered
from tests.signals.reading import alone

NOW = 1_795_341_600.0
SIGNALS = {name: found for name, found in registered().items() if found.family == "velocity"}
KINDS = {"domain": "mail_domain"}


def read(*entities: Entity, wave: Wave | None = None, email: str = "ana@ruiz.example") -> Readings:
    found = {row.kind: row for row in entities}
    facts = Facts(at=NOW, account=Account(), email=Email(email, valid=True), entities=found, wave=wave)
    return {name: alone(signal, facts) for name, signal in SIGNALS.items()}


#: Things in the order of their columns, what each needs, and the direction the model is held to.
THINGS = [
    ("mailbox", "/email/address", 1),
    ("pattern", "/email/address", 1),
    ("domain", "/email/address", 0),
    ("phone", "/phone/number", 1),
    ("phone_block", "/phone/number", 1),
    ("device", "/device/id", 1),
    ("ip", "/device/ip_address", 1),
    ("network", "/device/ip_address", 1),
    ("fingerprint", "/device/tls_fingerprint", 1),
]
LATER = ["ip_1m", "domain_15m", "wave", "mailbox_earlier", "phone_earlier", "device_earlier"]


def test_the_columns_of_the_table_are_what_recorded_decisions_and_the_model_know() -> None:
    rows = [(f"velocity_{thing}_{period}", *more) for thing, *more in THINGS for period in ("1h", "24h", "30d")]
    assert [(row.name, row.needs[1], row.risk) for row in list(SIGNALS.values())[:27]] == rows
    assert list(SIGNALS)[27:] == [f"velocity_{name}" for name in LATER]
    assert {(row.type, row.needs[0], row.family) for row in SIGNALS.values()} == {("int", "store", "velocity")}


@pytest.mark.parametrize(
    ("name", "value", "text", "doc"),
    [
        (
            "velocity_phone_block_1h",
            1,
            "1 account signed up with a phone number of the same hundred within an hour, this one included",
            "Distinct accounts with the same block of phone numbers over the last hour, this one included.\n\n"
            "Unit: accounts, 1 and up at the signup, 0 and up later; 1 until five came within an hour, or ten within a "
            "day.",
        ),
        (
            "velocity_fingerprint_30d",
            7,
            "7 accounts signed up with the same browser fingerprint within 30 days, this one included",
            "Distinct accounts with the same TLS and agent fingerprint over the last 30 days, this one included.\n\n"
            "Unit: accounts, 1 and up at the signup; 0 later, once nobody came within the period.",
        ),
    ],
)
def test_a_row_of_the_table_says_what_it_counts(name: str, value: int, text: str, doc: str) -> None:
    assert (SIGNALS[name].text(value), SIGNALS[name].doc) == (text, doc)


def test_without_the_store_everything_is_unknown_and_says_why() -> None:
    facts = Facts(at=NOW, account=Account(), email=Email("x", valid=False), missing={"store": "store_unavailable"})
    assert {alone(signal, facts) for signal in SIGNALS.values()} == {None}
    assert {signal.cause(facts) for signal in SIGNALS.values()} == {"store_unavailable"}


@pytest.mark.parametrize("name", sorted(name for name in SIGNALS if name.rpartition("_")[2] in ("1h", "24h", "30d")))
def test_counts_are_those_of_the_thing(name: str) -> None:
    thing, _, period = name.removeprefix("velocity_").rpartition("_")
    entity = Entity(KINDS.get(thing, thing), 6, 7, 9, 11, 0, 0, hub=True)
    assert read(entity)[name] == {"1h": 6, "24h": 7, "30d": 9}[period], "a crowd is counted, too"
    assert read()[name] is None, "what was not given is unknown"


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ((1, 1, 1), (1, 1, 1)),
        ((2, 2, 2), (1, 1, 1)),  # B10
        ((4, 9, 40), (1, 1, 1)),
        ((5, 5, 5), (5, 5, 5)),
        ((1, 10, 10), (1, 10, 10)),
        ((1, 1, 99), (1, 1, 1)),
    ],
)
def test_neighbouring_numbers_say_nothing_until_they_are_many_and_quick(
    counts: tuple[int, int, int], told: tuple[int, int, int]
) -> None:
    readings = read(Entity("phone_block", *counts, 99, 0, 0, hub=False))
    assert tuple(readings[f"velocity_phone_block_{period}"] for period in ("1h", "24h", "30d")) == told


@pytest.mark.parametrize(
    ("wave", "signal", "value"),
    [
        (Wave(), "wave", 0),
        (Wave(7, frozenset({"network", "mail"})), "wave", 7),
        (Wave(line_minute=1), "ip_1m", 1),
        (Wave(line_minute=12), "ip_1m", 12),
        (Wave(line_minute=None), "ip_1m", None),
        (Wave(domain_quarter=9), "domain_15m", 9),
        (Wave(domain_quarter=None), "domain_15m", None),
        (None, "wave", None),
        (None, "ip_1m", None),
        (None, "domain_15m", None),
    ],
)
def test_how_it_came(wave: Wave | None, signal: str, value: int | None) -> None:
    assert read(wave=wave)[f"velocity_{signal}"] == value


@pytest.mark.parametrize(
    ("signal", "value", "text"),
    [
        ("ip_1h", 0, "0 accounts signed up with the same IP address within an hour"),
        ("ip_1m", 1, "1 account signed up from the same address or /64 within a minute, this one included"),
        ("ip_1m", 10, "10 accounts signed up from the same address or /64 within a minute, this one included"),
        ("domain_15m", 10, "10 accounts signed up at the same private mail domain within a quarter of an hour"),
        ("wave", 1, "It came within minutes of 1 account that it agrees with"),
        ("wave", 3, "It came within minutes of 3 accounts that it agrees with"),
    ],
)
def test_its_sentence_is_true_for_one_and_for_many(signal: str, value: int, text: str) -> None:
    assert SIGNALS[f"velocity_{signal}"].text(value) == text


def test_what_rests_on_shared_places_is_guarded() -> None:
    """An office and a hall share an address, a domain and a moment: alone they never limit."""
    rules = policy.load(policy.DEFAULT)
    assert {"velocity_ip_1m", "velocity_domain_15m", "velocity_wave"} <= {
        name for name in SIGNALS if rules.guards(name)
    }
