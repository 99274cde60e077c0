"""The networks of every prefix length that can be listed which an address lies in, as fields of the table. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from socket import AF_INET6, inet_ntop, inet_pton
from struct import Struct

from riskapi.store.redis_socket import Framed

#: Prefix lengths of networks that can be listed. IPv4 down to a /8, the largest block IANA ever gave one holder (RFC
#: 1466); IPv6 to a /16, and no narrower than a /64, one subnet (RFC 4291, 2.5.1), except for single addresses.
LENGTHS: dict[int, tuple[int, ...]] = {4: tuple(range(8, 33)), 6: (*range(16, 65), 128)}
#: The first half of an IPv6 address, in which all its prefixes but the whole address end: four groups of 16 bits.
_FOUR_GROUPS = Struct("!4H")
#: For each prefix length that ends in one of these groups, the bits of the group that such a prefix keeps, and how the
#: name of a network of that length ends.
_OF_GROUPS = tuple(
    tuple((0xFFFF << end - length & 0xFFFF, f":/{length}") for length in LENGTHS[6] if end - 16 < length <= end)
    for end in (16, 32, 48, 64)
)


def networks(ip: str) -> list[str]:
    """The fields of the networks of every prefix length that can be listed which an address (canonical text) lies in,
    the widest first.
    """
    ours = framed(ip)
    return _of_ipv6(ip) if ours is None else ours.arguments()


def framed(ip: str) -> Framed | None:
    """The same of an address of IPv4, as the protocol has them, from texts that are made once; None for IPv6.

    They are 25 of the 40 fields that a signup is looked for under. To make them one by one, and to have each written
    into a command, takes 45,000 instructions, which is 1.5 % of a signup.
    """
    if ":" in ip:
        return None
    first, second, third, fourth = ip.split(".")
    one = f"{first}."
    two = f"{one}{second}."
    three = f"{two}{third}."
    text = (
        "".join(_endings(8, 0)[first])
        + one.join(_endings(16, len(one))[second])
        + two.join(_endings(24, len(two))[third])
        + three.join(_endings(32, len(three))[fourth])
    )
    return Framed(len(LENGTHS[4]), text)


@cache  # 16 tables of 256 texts, made as they are wanted, in a millisecond each
def _endings(bits: int, before: int) -> Mapping[str, list[str]]:
    """By octet the fields of the networks that end within it, where it ends at ``bits``: widest first, as the protocol
    has them, in parts between which the octets before it stand, which take so many characters.
    """
    return {str(octet): _ending(octet, bits, before).split("*") for octet in range(256)}


def _ending(octet: int, bits: int, before: int) -> str:
    begin, zeros = "*" if before else "", ".0" * ((32 - bits) // 8)
    lengths = [length for length in LENGTHS[4] if bits - 8 < length <= bits]
    ends = [f"{octet >> bits - length << bits - length}{zeros}/{length}" for length in lengths]
    return "".join([f"${len('cidr:') + before + len(end)}\r\ncidr:{begin}{end}\r\n" for end in ends])


def _of_ipv6(ip: str) -> list[str]:
    octets = inet_pton(AF_INET6, ip)
    groups = _FOUR_GROUPS.unpack_from(octets)
    found = []
    # ``before`` are the groups so far, ``shown`` without the zeros that they end with. What follows a prefix are four
    # or more groups of zeros, the longest row there is: that is what the two colons stand for (RFC 5952, 4.2).
    before, shown = "cidr:", "cidr::"
    for group, lengths in zip(groups, _OF_GROUPS, strict=True):
        for mask, ending in lengths:
            cut = group & mask
            found.append(f"{before}{hex(cut)[2:]}:{ending}" if cut else shown + ending)
        before += f"{group:x}:"
        if group:
            shown = before
    found.append(f"cidr:{inet_ntop(AF_INET6, octets)}/128")
    return found
