"""Each phone signal on numbers that people have and on numbers that people make up."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import country_code_for_region

from riskapi.inputs.phone import PhoneReader
from signals.facts import Account, Device, Email, Facts, Network, Phone
from signals.registry import Readings, registered
from tests.signals.reading import alone

SIGNALS = {name: found for name, found in registered().items() if found.family == "phone"}
HOME = Network("83.50.1.1", ip="83.50.1.1", country="ES", kind="consumer")


def read(number: str | None, network: Network | None = None, zone: frozenset[str] | None = None) -> Readings:
    facts = Facts(
        at=0.0,
        account=Account(),
        email=Email("ana@ruiz.example", valid=True),
        phone=None if number is None else PhoneReader().read(number),
        network=network,
        device=Device(time_zone_countries=zone),
    )
    return {name: alone(found, facts) for name, found in SIGNALS.items()}


@pytest.mark.parametrize("region", ["US", "DO", "GB", "JE", "IT", "VA", "KZ", "RU", "ES", "NC", "001", "AQ", "ZZ", ""])
@pytest.mark.parametrize("country", ["US", "CA", "GG", "VA", "RU", "ES", "AQ", "ZZ"])
def test_regions_have_the_calling_codes_that_the_library_knows(region: str, country: str) -> None:
    network = Network("x", ip="192.0.2.1", country=country, kind="consumer")
    phone = Phone("x", valid=True, region=region)
    facts = Facts(at=0.0, account=Account(), email=Email("x", valid=False), phone=phone, network=network)
    codes = country_code_for_region(region), country_code_for_region(country)
    expected = None if 0 in codes else codes[0] != codes[1]
    assert alone(SIGNALS["phone_region_mismatch"], facts) is expected


def test_without_a_phone_everything_is_unknown() -> None:
    assert set(read(None, HOME, frozenset({"ES"})).values()) == {None}


def test_of_an_unreadable_phone_only_its_invalidity_is_known() -> None:
    found = read("call me", HOME, frozenset({"ES"}))
    assert {name: value for name, value in found.items() if value is not None} == {"phone_is_valid": False}


@pytest.mark.parametrize(
    ("number", "signal", "value"),
    [
        ("+34600123123", "phone_is_valid", True),
        ("+34600123123", "phone_is_possible", True),
        ("+15555555555", "phone_is_valid", False),
        ("+15555555555", "phone_is_possible", True),
        ("+1 202 555 01", "phone_is_possible", False),
        ("+34600123123", "phone_kind", "mobile"),
        ("+34600123123", "phone_region", "ES"),
        ("+34600123123", "phone_is_mobile", True),
        ("+12025550123", "phone_is_mobile", True),
        ("+442079460958", "phone_is_mobile", False),
        ("+445600123456", "phone_is_voip", True),
        ("+34600123123", "phone_is_voip", False),
        ("+80012345678", "phone_is_service", True),
        ("+445600123456", "phone_is_service", False),
        ("+34600123123", "phone_is_service", False),
        ("+447011234567", "phone_kind", "personal_number"),
        ("+447011234567", "phone_is_service", False),
        ("+34600123123", "phone_distinct_digits", 5),
        ("+34600000000", "phone_distinct_digits", 2),
        ("+34600000000", "phone_longest_run", 8),
        ("+34612345678", "phone_longest_run", 8),
        ("+34698765432", "phone_longest_run", 8),
        ("+34619375028", "phone_longest_run", 1),
        ("+34600123123", "phone_longest_run", 4),
    ],
)
def test_a_number_reads_as(number: str, signal: str, value: Any) -> None:
    assert read(number)[signal] == value


@pytest.mark.parametrize(
    ("number", "country", "value"),
    [
        ("+34600123123", "ES", False),
        ("+34600123123", "VN", True),
        ("+12025550123", "CA", False),  # +1 serves both
        ("+447400123456", "JE", False),  # and +44 the islands
        ("+79123456789", "KZ", False),
        ("+80012345678", "ES", None),  # belongs to no country
        ("+34600123123", None, None),
        ("+34600123123", "XX", None),
    ],
)
def test_a_region_disagrees_only_with_another_calling_code(
    number: str, country: str | None, value: bool | None
) -> None:
    network = Network("83.50.1.1", ip="83.50.1.1", country=country, kind="consumer")
    zone = None if country is None else frozenset({country})
    found = read(number, network, zone)
    assert found["phone_region_mismatch"] is value
    assert found["phone_time_zone_mismatch"] is value


@pytest.mark.parametrize(
    "network",
    [
        Network("x", ip="104.28.1.1", country="VN", kind="cdn", anonymizer="private_relay"),
        Network("x", ip="45.83.220.68", country="VN", kind=None, anonymizer="vpn"),
        Network("x", ip="185.220.101.1", country="VN", anonymizer="tor"),
        Network("x", ip="95.216.1.1", country="VN", kind="hosting"),
    ],
    ids=["relay", "vpn", "tor", "hosting"],
)
def test_an_exit_says_nothing_about_where_the_person_is(network: Network) -> None:
    assert read("+34600123123", network)["phone_region_mismatch"] is None


@given(st.text(alphabet="+0123456789 x", max_size=30))
def test_every_reading_has_its_declared_type(number: str) -> None:
    kinds = {"bool": bool, "int": int, "float": float, "str": str}
    for name, value in read(number, HOME, frozenset({"ES"})).items():
        assert value is None or type(value) is kinds[SIGNALS[name].type]
