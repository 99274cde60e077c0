"""Special-purpose ranges agree with the registries, at their edges and with Python's own tables."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskapi.outgoing.special_ranges import special_purpose, unwrapped


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("0.0.0.0", "this_network"),
        ("9.255.255.255", None),
        ("10.0.0.0", "private_use"),
        ("10.255.255.255", "private_use"),
        ("11.0.0.0", None),
        ("100.63.255.255", None),
        ("100.64.0.0", "shared_address_space"),
        ("100.127.255.255", "shared_address_space"),
        ("100.128.0.0", None),
        ("127.0.0.1", "loopback"),
        ("169.254.169.254", "link_local"),
        ("172.15.255.255", None),
        ("172.31.255.255", "private_use"),
        ("192.0.0.8", "ietf_protocol_assignments"),
        ("192.0.0.9", None),
        ("192.0.0.170", "ietf_protocol_assignments"),
        ("192.0.2.1", "documentation"),
        ("192.168.1.1", "private_use"),
        ("198.19.255.255", "benchmarking"),
        ("198.51.100.7", "documentation"),
        ("203.0.113.9", "documentation"),
        ("224.0.0.1", "multicast"),
        ("255.255.255.255", "reserved"),
        ("8.8.8.8", None),
        ("::", "unspecified"),
        ("::1", "loopback"),
        ("::2", "reserved"),
        ("64:ff9b::808:808", None),
        ("64:ff9b:1::1", "local_translation"),
        ("100::1", "discard_only"),
        ("2001:2::1", "benchmarking"),
        ("2001:db8::1", "documentation"),
        ("2001:4860:4860::8888", None),
        ("3fff::1", "documentation"),
        ("4000::1", "reserved"),
        ("5f00::1", "segment_routing"),
        ("fd00::1", "unique_local"),
        ("fe80::1", "link_local"),
        ("fec0::1", "site_local"),
        ("ff02::1", "multicast"),
    ],
)
def test_an_address_is_in_its_registered_range(address: str, name: str | None) -> None:
    assert special_purpose(ip_address(address)) == name


@given(st.integers(0, 2**32 - 1))
def test_no_address_python_calls_private_is_public(value: int) -> None:
    address = IPv4Address(value)
    if address.is_private or address.is_multicast or address.is_loopback or address.is_link_local:
        # 192.0.0.9 and .10 are anycast services that Python before 3.13 calls private.
        assert special_purpose(address) is not None or str(address) in ("192.0.0.9", "192.0.0.10")


@given(st.integers(0, 2**128 - 1))
def test_every_ipv6_address_outside_the_delegated_space_is_special(value: int) -> None:
    address = IPv6Address(value)
    if not 0x2000 << 112 <= value < 0x4000 << 112 and not str(address).startswith("64:ff9b::"):
        assert special_purpose(address) is not None


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("8.8.8.8", "8.8.8.8"),
        ("2606:4700::1111", "2606:4700::1111"),
        ("::ffff:8.8.8.8", "8.8.8.8"),  # RFC 4291
        ("::ffff:0:8.8.8.8", "8.8.8.8"),  # RFC 2765
        ("64:ff9b::8.8.8.8", "8.8.8.8"),  # RFC 6052
        ("64:ff9b::10.0.0.1", "10.0.0.1"),
        ("64:ff9b:0:1::8.8.8.8", "64:ff9b:0:1::808:808"),  # outside of the /96
        ("2002:808:808::1", "8.8.8.8"),  # RFC 3056
        ("2002:808:808:ffff:ffff:ffff:ffff:ffff", "8.8.8.8"),
        ("2001:0:4136:e378:8000:63bf:f7f7:f7f7", "8.8.8.8"),  # RFC 4380
        ("2001:1::1", "2001:1::1"),
        # RFC 8215, with the prefixes that RFC 6052 allows in it: /48, /56, /64 and /96.
        ("64:ff9b:1:808:8:800::", "8.8.8.8"),
        ("64:ff9b:1:aa08:8:808::", "8.8.8.8"),
        ("64:ff9b:1:aaaa:8:808:800:0", "8.8.8.8"),
        ("64:ff9b:1::8.8.8.8", "8.8.8.8"),
        ("64:ff9b:1:aaaa:bbbb:cccc:8.8.8.8", "8.8.8.8"),
        ("64:ff9b:1::10.0.0.1", "64:ff9b:1::a00:1"),  # nobody's public address: it stays local
        ("64:ff9b:1::", "64:ff9b:1::"),
    ],
)
def test_an_address_that_carries_another_is_unwrapped(address: str, inside: str) -> None:
    assert str(unwrapped(ip_address(address))) == inside


@given(st.ip_addresses(v=6))
def test_every_address_can_be_unwrapped_once(address: IPv6Address) -> None:
    assert unwrapped(unwrapped(address)) == unwrapped(address)
