"""Each network signal on every kind of network, and unknown where nothing can be known."""

from typing import Any

import pytest

from signals.facts import Account, Email, Facts, Network
from signals.registry import Readings, registered
from signals.whereabouts import country_of_person
from tests.signals.reading import alone

SIGNALS = {name: found for name, found in registered().items() if found.family == "network"}


def read(network: Network | None) -> Readings:
    facts = Facts(at=0.0, account=Account(), email=Email("ana@ruiz.example", valid=True), network=network)
    return {name: alone(found, facts) for name, found in SIGNALS.items()}


def known(**fields: Any) -> Network:
    base: dict[str, Any] = {"ip": "83.50.1.1", "version": 4, "asn": 3352, "organization": "T", "country": "ES"}
    return Network("83.50.1.1", **{**base, **fields})


def test_without_an_address_everything_is_unknown() -> None:
    assert set(read(None).values()) == {None}


def test_of_an_unreadable_address_only_its_invalidity_is_known() -> None:
    found = read(Network("1.2.3.4:443"))
    assert {name: value for name, value in found.items() if value is not None} == {"network_is_valid": False}


def test_of_a_reserved_address_only_the_range_is_known() -> None:
    found = read(Network("10.0.0.1", ip="10.0.0.1", version=4, prefix="10.0.0.0/24", reserved="private_use"))
    assert {name: value for name, value in found.items() if value is not None} == {
        "network_is_valid": True,
        "network_is_reserved": True,
        "network_reserved_range": "private_use",
        "network_is_ipv6": False,
    }


@pytest.mark.parametrize("kind", ["hosting", "consumer", "mobile", "education"])
def test_a_network_is_of_one_kind(kind: str) -> None:
    found = read(known(kind=kind))
    kinds = ("hosting", "consumer", "mobile", "education")
    assert [found[f"network_is_{name}"] for name in kinds] == [name == kind for name in kinds]
    assert found["network_kind"] == kind


def test_of_a_network_of_no_known_kind_no_kind_is_denied() -> None:
    found = read(known())
    assert {found[f"network_is_{kind}"] for kind in ("hosting", "consumer", "mobile", "education")} == {None}


@pytest.mark.parametrize(
    ("anonymizer", "vpn", "tor", "relay"),
    [
        (None, False, False, False),
        ("vpn", True, False, False),
        ("tor", False, True, False),
        ("private_relay", False, False, True),
    ],
)
def test_a_relay_is_neither_vpn_nor_tor(anonymizer: str | None, vpn: bool, tor: bool, relay: bool) -> None:
    found = read(known(anonymizer=anonymizer))
    assert (found["network_is_vpn"], found["network_is_tor"], found["network_is_private_relay"]) == (vpn, tor, relay)


@pytest.mark.parametrize(
    ("fields", "signal", "value"),
    [
        ({}, "network_asn", 3352),
        ({}, "network_organization", "T"),
        ({}, "network_country", "ES"),
        ({}, "network_is_known", True),
        ({"asn": None}, "network_is_known", False),
        ({}, "network_is_reserved", False),
        ({}, "network_reserved_range", "public"),
        ({"ip": "2a01:e0a::1", "version": 6}, "network_is_ipv6", True),
        ({"provider": "Hetzner"}, "network_provider", "Hetzner"),
    ],
)
def test_a_public_address_reads_as(fields: dict[str, Any], signal: str, value: Any) -> None:
    assert read(known(**fields))[signal] == value


def test_places_and_names_are_for_people_and_never_columns() -> None:
    for name in ("network_country", "network_asn", "network_organization", "network_kind", "network_provider"):
        assert not SIGNALS[name].is_column
    assert SIGNALS["network_is_private_relay"].risk == 0


@pytest.mark.parametrize(
    ("network", "country"),
    [
        (None, None),
        (known(), "ES"),
        (known(kind="consumer"), "ES"),
        (known(kind="hosting"), None),
        (known(kind="cdn"), None),
        (known(anonymizer="vpn"), None),
        (known(anonymizer="private_relay"), None),
    ],
)
def test_the_country_of_a_machine_is_not_that_of_the_person(network: Network | None, country: str | None) -> None:
    assert country_of_person(network) == country
