"""Special-purpose IP ranges: addresses that no customer on the public Internet can have.

Source: the IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890), entries whose *Globally
Reachable* is False, with the multicast registries (RFC 5771, RFC 4291) and everything outside 2000::/3,
the only IPv6 space IANA has delegated. A table of our own, because ``ipaddress.is_private`` differs between
Python patch releases, and ``ipwhois`` lacks shared address space (RFC 6598) and calls 2001:db8::/32 unique local.
"""

from __future__ import annotations

from bisect import bisect_right
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final

_SPECIAL: Final = (
    ("0.0.0.0/8", "this_network"),  # RFC 791
    ("10.0.0.0/8", "private_use"),  # RFC 1918
    ("100.64.0.0/10", "shared_address_space"),  # RFC 6598, inside of carrier-grade NAT
    ("127.0.0.0/8", "loopback"),  # RFC 1122
    ("169.254.0.0/16", "link_local"),  # RFC 3927
    ("172.16.0.0/12", "private_use"),  # RFC 1918
    ("192.0.0.0/29", "ietf_protocol_assignments"),  # RFC 6890, 7335; 192.0.0.9 and .10 are anycast services
    ("192.0.0.8/32", "ietf_protocol_assignments"),  # RFC 7600
    ("192.0.0.11/32", "ietf_protocol_assignments"),  # RFC 6890, and the rest of 192.0.0.0/24
    ("192.0.0.12/30", "ietf_protocol_assignments"),
    ("192.0.0.16/28", "ietf_protocol_assignments"),
    ("192.0.0.32/27", "ietf_protocol_assignments"),
    ("192.0.0.64/26", "ietf_protocol_assignments"),
    ("192.0.0.128/25", "ietf_protocol_assignments"),
    ("192.0.2.0/24", "documentation"),  # RFC 5737
    ("192.168.0.0/16", "private_use"),  # RFC 1918
    ("198.18.0.0/15", "benchmarking"),  # RFC 2544
    ("198.51.100.0/24", "documentation"),  # RFC 5737
    ("203.0.113.0/24", "documentation"),  # RFC 5737
    ("224.0.0.0/4", "multicast"),  # RFC 5771
    ("240.0.0.0/4", "reserved"),  # RFC 1112; its last address is limited broadcast, RFC 919
    ("::/128", "unspecified"),  # RFC 4291
    ("::1/128", "loopback"),  # RFC 4291
    ("64:ff9b:1::/48", "local_translation"),  # RFC 8215
    ("100::/64", "discard_only"),  # RFC 6666
    ("100:0:0:1::/64", "dummy_prefix"),  # RFC 9780
    ("2001:2::/48", "benchmarking"),  # RFC 5180
    ("2001:10::/28", "orchid"),  # RFC 4843, deprecated
    ("2001:db8::/32", "documentation"),  # RFC 3849
    ("3fff::/20", "documentation"),  # RFC 9637
    ("5f00::/16", "segment_routing"),  # RFC 9602
    ("fc00::/7", "unique_local"),  # RFC 4193
    ("fe80::/10", "link_local"),  # RFC 4291
    ("fec0::/10", "site_local"),  # RFC 3879, deprecated
    ("ff00::/8", "multicast"),  # RFC 4291
)

#: 64:ff9b::/96 (RFC 6052) lies outside the delegated space but may be reached: it carries IPv4 addresses.
_TRANSLATED: Final = range(int(IPv6Address("64:ff9b::")), int(IPv6Address("64:ff9b::1:0:0")))
_DELEGATED_V6: Final = range(int(IPv6Address("2000::")), int(IPv6Address("4000::")))


def _table(version: int) -> tuple[list[int], list[int], list[str]]:
    rows = []
    for text, name in _SPECIAL:
        network = ip_network(text)
        if network.version == version:
            rows.append((int(network.network_address), int(network.broadcast_address), name))
    rows.sort()
    return [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]


_TABLES: Final = {4: _table(4), 6: _table(6)}

#: Prefixes of addresses whose last four octets are an IPv4 address: mapped (RFC 4291, 2.5.5.2), translated without
#: state (RFC 2765, 2.1), and the well-known prefix of translators (RFC 6052, 2.1).
_CARRIERS: Final = tuple(IPv6Address(text).packed[:12] for text in ("::ffff:0:0", "::ffff:0:0:0", "64:ff9b::"))
_LOCAL_TRANSLATION: Final = IPv6Address("64:ff9b:1::").packed[:6]


def unwrapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 one carries, or the address itself where it carries none.

    Mapped and translated addresses, 6to4 (RFC 3056, 2: the site's address in bits 16 to 47), Teredo (RFC 4380, 4: the
    client's in the last 32 bits, inverted), and the local prefix of translators (RFC 8215) where it can be read.
    """
    if isinstance(address, IPv4Address):
        return address
    octets = address.packed
    if octets[:12] in _CARRIERS:
        return IPv4Address(octets[12:])
    if octets[:2] == b"\x20\x02":
        return IPv4Address(octets[2:6])
    if octets[:4] == b"\x20\x01\0\0":
        return IPv4Address(bytes(octet ^ 0xFF for octet in octets[12:]))
    if octets[:6] == _LOCAL_TRANSLATION:
        return _locally_translated(octets) or address
    return address


def _locally_translated(octets: bytes) -> IPv4Address | None:
    """The IPv4 address behind 64:ff9b:1::/48, whose operators choose how long their prefix is; None where it is not a
    public address.

    By length it lies in other octets, the ninth left out, with nothing but zeros behind it (RFC 6052, 2.2).
    """
    if not any(octets[11:]) and octets[8] == 0:
        inside = octets[6:8] + octets[9:11]  # /48
    elif not any(octets[12:]) and octets[8] == 0:
        inside = octets[7:8] + octets[9:12]  # /56
    elif not any(octets[13:]) and octets[8] == 0:
        inside = octets[9:13]  # /64
    else:
        inside = octets[12:]  # /96
    found = IPv4Address(inside)
    return found if special_purpose(found) is None else None


def special_purpose(address: IPv4Address | IPv6Address) -> str | None:
    """Name of the special-purpose range ``address`` lies in, or ``None`` for a public address."""
    value = int(address)
    starts, ends, names = _TABLES[address.version]
    index = bisect_right(starts, value) - 1
    if index >= 0 and value <= ends[index]:
        return names[index]
    if address.version == 6 and value not in _DELEGATED_V6 and value not in _TRANSLATED:
        return "reserved"
    return None


def overlapped(network: IPv4Network | IPv6Network) -> frozenset[str]:
    """Names of the special-purpose ranges that ``network`` shares an address with; none for a public network."""
    first, last = int(network.network_address), int(network.broadcast_address)
    rows = zip(*_TABLES[network.version], strict=True)
    found = {name for start, end, name in rows if start <= last and end >= first}
    if (
        network.version == 6
        and not found
        and not any(first >= space.start and last < space.stop for space in (_DELEGATED_V6, _TRANSLATED))
    ):
        found.add("reserved")
    return frozenset(found)
