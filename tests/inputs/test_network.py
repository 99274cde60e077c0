"""Addresses as they arrive are read and described; real networks, because the data about them is the point."""

from ipaddress import IPv4Address, ip_address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskapi.datasets.installed import DataPaths
from riskapi.datasets.ip_records import country_of, origin_of
from riskapi.errors import ConfigurationError
from riskapi.inputs import network as networks
from riskapi.inputs.network import NetworkReader
from riskapi.outgoing.special_ranges import unwrapped


@pytest.fixture(scope="session")
def reader(ip_data: DataPaths) -> NetworkReader:
    return NetworkReader(ip_data.asn, ip_data.country)


@pytest.mark.parametrize(
    ("ip", "asn", "country", "kind"),
    [
        ("83.50.1.1", 3352, "ES", "consumer"),
        ("84.160.1.1", 3320, "DE", "consumer"),
        ("2.4.1.1", 3215, "FR", "consumer"),
        ("86.1.1.1", 5089, "GB", "consumer"),
        ("73.1.1.1", 7922, "US", "consumer"),
        ("126.1.1.1", 17676, "JP", "consumer"),
        ("177.100.1.1", 28573, "BR", "consumer"),
        ("2a01:e0a::1", 12322, "FR", "consumer"),
        ("2601::1", 7922, "US", "consumer"),
        ("172.56.1.1", 21928, "US", "mobile"),
        ("49.36.1.1", 55836, "IN", "mobile"),
        ("41.90.1.1", 33771, "KE", "mobile"),
        ("197.210.1.1", 29465, "NG", "mobile"),
        ("2409:4000::1", 55836, "IN", "mobile"),
        ("131.111.1.1", 786, "GB", "education"),
        ("129.132.1.1", 559, "CH", "education"),
        ("128.112.1.1", 88, "US", "education"),
        ("95.216.1.1", 24940, "FI", "hosting"),
        ("51.68.1.1", 16276, "FR", "hosting"),
        ("165.22.1.1", 14061, "US", "hosting"),
        ("146.70.1.1", 9009, "RO", "hosting"),
        ("2a01:4f8::1", 24940, "DE", "hosting"),
        ("104.16.1.1", 13335, "US", "cdn"),
    ],
)
def test_a_public_address_has_a_network(reader: NetworkReader, ip: str, asn: int, country: str, kind: str) -> None:
    network = reader.read(ip)
    assert (network.asn, network.country, network.kind) == (asn, country, kind)
    assert network.organization and network.reserved is None and network.anonymizer is None


@pytest.mark.parametrize(
    ("ip", "anonymizer", "provider"),
    [
        ("185.220.101.1", "tor", "Tor"),
        ("45.83.220.68", "vpn", "Mullvad"),
        ("185.159.158.1", "vpn", "ProtonVPN"),
        ("172.224.226.1", "private_relay", "Apple Private Relay"),
        ("2a02:26f7:b000:4001::1", "private_relay", "Apple Private Relay"),
        ("2606:54c0::1", "private_relay", "Apple Private Relay"),
        ("104.28.1.1", "private_relay", "Cloudflare"),
    ],
)
def test_an_anonymizer_is_named_and_relays_are_kept_apart(
    reader: NetworkReader, ip: str, anonymizer: str, provider: str
) -> None:
    network = reader.read(ip)
    assert (network.anonymizer, network.provider) == (anonymizer, provider)


@pytest.mark.parametrize(
    ("ip", "normal", "prefix", "reserved"),
    [
        ("8.8.8.8", "8.8.8.8", "8.8.8.0/24", None),
        (" 8.8.8.8\n", "8.8.8.8", "8.8.8.0/24", None),
        ("::ffff:8.8.8.8", "8.8.8.8", "8.8.8.0/24", None),
        ("::FFFF:0808:0808", "8.8.8.8", "8.8.8.0/24", None),
        ("::ffff:10.0.0.1", "10.0.0.1", "10.0.0.0/24", "private_use"),
        ("2002:5b6:dc4d::1", "5.182.220.77", "5.182.220.0/24", None),
        ("2002:a00:1::1", "10.0.0.1", "10.0.0.0/24", "private_use"),
        ("64:ff9b::1fc1:304d", "31.193.48.77", "31.193.48.0/24", None),
        ("[2A00:1450:4001:0::1]", "2a00:1450:4001::1", "2a00:1450:4001::/48", None),
        ("fe80::1%eth0", "fe80::1", "fe80::/48", "link_local"),
        ("100.64.1.1", "100.64.1.1", "100.64.1.0/24", "shared_address_space"),
        ("203.0.113.9", "203.0.113.9", "203.0.113.0/24", "documentation"),
        ("2001:db8:1:2::3", "2001:db8:1:2::3", "2001:db8:1::/48", "documentation"),
        ("::1", "::1", "::/48", "loopback"),
    ],
)
def test_an_address_is_normalised(
    reader: NetworkReader, ip: str, normal: str, prefix: str, reserved: str | None
) -> None:
    network = reader.read(ip)
    assert (network.given, network.ip, network.prefix, network.reserved) == (ip, normal, prefix, reserved)
    assert network.version == (6 if ":" in normal else 4)
    if reserved:
        assert (network.asn, network.country, network.kind, network.anonymizer) == (None,) * 4


@pytest.mark.parametrize(
    "ip",
    [
        "", " ", "1.2.3.4:443", "[::1]:80", "8.8.8.0/24", "1.2.3", "999.1.1.1", "1.2.3.4%eth0", "01.02.03.04",
        "0x7f.1", "localhost", "１.1.1.1", "::g", ":::", "1.1.1.1, 8.8.8.8", "8.8.8.8\x00", "\ud800", "1" * 1_000_000,
        "[", "[]", "%",
    ],
    ids=lambda ip: repr(ip)[:20],
)  # fmt: skip
def test_what_is_no_address_has_none(reader: NetworkReader, ip: str) -> None:
    network = reader.read(ip)
    assert (network.ip, network.prefix, network.asn) == (None, None, None)
    assert len(network.given) <= networks.MAX_LENGTH


@pytest.mark.parametrize(
    ("ip", "inside"),
    [
        ("2002:5b6:dc4d::1", "5.182.220.77"),  # C01, 6to4: Vultr in the table of hosting ranges
        ("64:ff9b::1fc1:304d", "31.193.48.77"),  # C02, NAT64
        ("64:ff9b:1::1fc1:304d", "31.193.48.77"),
        ("2001:0:4136:e378:8000:63bf:a249:23b2", "93.182.220.77"),  # Teredo
        ("::ffff:5.182.220.77", "5.182.220.77"),
    ],
)
def test_what_carries_an_ipv4_address_is_that_address(reader: NetworkReader, ip: str, inside: str) -> None:
    found, plain = reader.read(ip), reader.read(inside)
    assert (found.ip, found.version, found.prefix) == (inside, 4, plain.prefix)
    assert (found.asn, found.country, found.kind, found.provider) == (
        plain.asn, plain.country, plain.kind, plain.provider,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("ip", "kind"), [("64.111.45.1", "consumer"), ("130.89.0.1", "education"), ("51.15.1.1", "hosting")]
)
def test_the_kind_of_a_network_comes_from_data_before_its_name(reader: NetworkReader, ip: str, kind: str) -> None:
    assert reader.read(ip).kind == kind  # C07, C08


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"country_code": "ES"}, "ES"),
        ({"country": {"iso_code": "ES"}}, "ES"),
        ({"country": "es"}, "ES"),
        ({"registered_country": {"iso_code": "ES"}}, "ES"),
        ({"country_code": "ZZ"}, None),
        ({"country_code": "Spain"}, None),
        ({"country": {"names": {}}}, None),
        ({"country_code": 34}, None),
        ({}, None),
        (None, None),
        ("ES", None),
    ],
)
def test_country_fields_of_every_maker_are_understood(record: Any, expected: str | None) -> None:
    assert country_of(record) == expected


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"autonomous_system_number": 3352, "autonomous_system_organization": "T"}, (3352, "T")),
        ({"asn": "AS3352", "as_name": "T"}, (3352, "T")),
        ({"asn": 3352, "name": "T"}, (3352, "T")),
        ({"asn": "AS٣"}, (None, None)),
        ({"asn": 0}, (None, None)),
        ({"autonomous_system_number": None, "autonomous_system_organization": 3}, (None, None)),
        (None, (None, None)),
    ],
)
def test_origin_fields_of_every_maker_are_understood(record: Any, expected: tuple[int | None, str | None]) -> None:
    assert origin_of(record) == expected


def test_a_transit_carrier_is_no_hosting(reader: NetworkReader) -> None:
    assert reader.read("38.0.0.1").kind is None


def test_the_version_is_the_day_the_database_was_built(reader: NetworkReader) -> None:
    assert len(reader.version.split("-")) == 3 and reader.version > "2026"


def test_a_file_that_is_no_database_is_refused_with_its_name(tmp_path: Path, ip_data: DataPaths) -> None:
    (tmp_path / "x.mmdb").write_bytes(b"not a database")
    for path in (tmp_path / "x.mmdb", tmp_path / "missing.mmdb"):
        with pytest.raises(ConfigurationError, match=path.name):
            NetworkReader(path, ip_data.country)


@given(value=st.text(max_size=120))
def test_no_text_raises(reader: NetworkReader, value: str) -> None:
    reader.read(value)


@given(
    st.text("0123456789abf:.%[] \0٣\ud800", max_size=24)
    | st.from_regex(r"[0-9]{1,4}(\.[0-9]{1,3}){2,4}", fullmatch=True)
    | st.lists(st.sampled_from(["", "0", "1", "ffff", "0db8", "12345", "1.2.3.4", "01.2.3.4", "A"])).map(":".join)
    | st.ip_addresses(v=6).map(lambda address: address.exploded)
)
def test_addresses_are_told_from_other_texts_as_the_standard_library_does(value: str) -> None:
    bare = value.strip()
    if bare.startswith("[") and bare.endswith("]"):
        bare = bare[1:-1]
    head, scope, _ = bare.partition("%")
    try:
        address = ip_address(head)
    except ValueError:
        assert networks.parse(value) is None
        return
    assert networks.parse(value) == (None if scope and isinstance(address, IPv4Address) else unwrapped(address))


@given(value=st.ip_addresses())
def test_every_address_is_read(reader: NetworkReader, value: Any) -> None:
    network = reader.read(str(value))
    assert network.ip is not None
    assert reader.read(network.ip).prefix == network.prefix
