"""What lists say of a signup or a link: which entries could name it, which do, and which of them decides. Pure.

Entries for matching stand in one table, under ``<kind>:<normalised value>``, or ``<kind>:#<HMAC>`` where an entry was
made without its value. What stands there is a text that the three lists share: for each that has the value
``<letter><entry id>|<Unix time it expires, or 0>|<flags>``, parted by spaces.
Everything a signup could be listed under is asked for at once; of wide kinds (domains, networks, prefixes of numbers)
every width it lies in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from socket import AF_INET6, inet_ntop, inet_pton
from struct import Struct
from typing import Literal, cast, get_args

from riskapi.inputs.domains import parents
from riskapi.links.keys import mac_of
from riskapi.store import damaged
from signals.facts import Facts
from signals.records import record

ListName = Literal["allow", "deny", "watch"]
ListKind = Literal[
    "email",
    "mailbox",
    "email_domain",
    "ip",
    "cidr",
    "asn",
    "phone",
    "phone_prefix",
    "device",
    "payment",
    "link_domain",
    "user",
]
KINDS: tuple[ListKind, ...] = get_args(ListKind)
#: Kinds whose entries can do without their value, by the kind of entity (:mod:`riskapi.links.kinds`) whose HMAC they
#: keep. A domain is known there by its registrable part alone.
HASHED: dict[str, ListKind] = {
    "mailbox": "mailbox",
    "phone": "phone",
    "device": "device",
    "payment": "payment",
    "mail_domain": "email_domain",
}
#: The same with what decisions can deny besides: the line of an address, which is the address, of IPv6 its /64.
KEYED: dict[str, ListKind] = {**HASHED, "ip": "ip"}
#: Lists by the letter that stands for each in the table, in the order in which they win over each other.
LETTERS: dict[str, ListName] = {"d": "deny", "w": "watch", "a": "allow"}
#: Prefix lengths of networks that can be listed. IPv4 down to a /8, the largest block IANA ever gave one holder (RFC
#: 1466); IPv6 to a /16, and no narrower than a /64, one subnet (RFC 4291, 2.5.1), except for single addresses.
LENGTHS: dict[int, tuple[int, ...]] = {4: tuple(range(8, 33)), 6: (*range(16, 65), 128)}
#: The first half of an IPv6 address, in which all its prefixes but the whole address end: four groups of 16 bits.
_FOUR_GROUPS = Struct("!4H")
#: Of the prefix lengths that end in each of these groups: the bits of the group that such a prefix keeps, and how the
#: name of a network of that length ends.
_OF_GROUPS = tuple(
    tuple((0xFFFF << end - length & 0xFFFF, f":/{length}") for length in LENGTHS[6] if end - 16 < length <= end)
    for end in (16, 32, 48, 64)
)
#: Digits of the shortest prefix of numbers that can be listed: most country codes have two or three (ITU-T E.164).
LEAST_DIGITS = 2
#: Flag of an allow entry that also keeps feedback from counting against the account.
_SILENCES = "s"
#: Kinds from the most to the least that a listing means just this account; among the same kind the narrower wins.
_SPECIFIC: tuple[ListKind, ...] = (
    "user", "email", "mailbox", "phone", "device", "payment", "ip", "email_domain", "phone_prefix", "cidr", "asn",
    "link_domain",
)  # fmt: skip
_RANK = {kind: place for place, kind in enumerate(_SPECIFIC)}
_STRICT = {name: place for place, name in enumerate(LETTERS.values())}


@record
class Listed:
    """An entry that names what was looked up. ``expires_at`` is a Unix time, ``None`` for never.

    ``silences_feedback``: an allow entry says so. ``depth`` is how narrow it is among its kind: labels of a domain,
    bits of a network, digits of a prefix, 1 for an extension; 0 for kinds that mean one thing.
    """

    list: ListName
    kind: ListKind
    id: str
    expires_at: float | None = None
    silences_feedback: bool = False
    depth: int = 0


def field(kind: ListKind, normal: str) -> str:
    """Where entries of this kind and normalised value stand in the table."""
    # One ``#`` before an HMAC, two for a value that begins with one: nobody can send a value that passes for an HMAC.
    return f"{kind}:#{normal}" if normal.startswith("#") else f"{kind}:{normal}"


def hashed_field(kind: ListKind, mac: str) -> str:
    """Where entries of this kind that keep only the HMAC of their value stand in the table."""
    return f"{kind}:#{mac}"


def candidates(user_id: str, facts: Facts, keys: Mapping[str, str]) -> list[str]:
    """Every field of the table that could name a signup. What is missing or cannot be read is under none.

    ``keys`` are those of what it touches, or their HMACs, by the kind of entity; kinds without hashed entries are
    passed over.
    """
    email, phone, network = facts.email, facts.phone, facts.network
    found = [f"user:{user_id}"]
    if email.local is not None:
        found += (f"email:{email.local}@{email.domain}", f"mailbox:{email.canonical}")
    if email.domain is not None and email.registrable is not None:
        if email.domain == email.registrable:  # as most are
            found.append(f"email_domain:{email.domain}")
        else:
            found += [f"email_domain:{name}" for name in parents(email.domain, email.registrable)]
    if network is not None and network.ip is not None:
        found.append(f"ip:{network.ip}")
        found += networks(network.ip)
        if network.asn is not None:
            found.append(f"asn:{network.asn}")
    if phone is not None and phone.e164 is not None and phone.line is not None:
        found += _of_phone(phone.e164, phone.line)
    if facts.device.id is not None:
        found.append(field("device", facts.device.id))
    if facts.payment_fingerprint is not None:
        found.append(field("payment", facts.payment_fingerprint))
    found += [f"{kind}:#{mac_of(keys[entity])}" for entity, kind in KEYED.items() if entity in keys]
    return found


def _of_phone(e164: str, line: str) -> list[str]:
    """The fields of a line, of the switchboard it is behind, and of the prefixes of both spellings of its number."""
    number = line.partition(";")[0]
    found = [f"phone:{line}"] if line == number else [f"phone:{line}", f"phone:{number}"]
    for each in (e164,) if number == e164 else (e164, number):
        whole = f"phone_prefix:{each}"
        # The plus sign comes before the digits.
        least = len(whole) - len(each) + 1 + LEAST_DIGITS
        found += [whole[:end] for end in range(least, len(whole) + 1)]
    return found


def networks(ip: str) -> list[str]:
    """The fields of the networks of every prefix length that can be listed which an address (canonical text) lies in,
    the widest first.

    ``inet_ntop`` for each length takes seven times as long for an address of IPv4, which is 3 % of a signup.
    """
    return _of_ipv6(ip) if ":" in ip else _of_ipv4(ip)


def _of_ipv4(ip: str) -> list[str]:
    first, second, third, fourth = ip.split(".")
    fields = (
        f"cidr:{first}.0.0.0/8",
        _ENDS[16][second].replace("*", f"{first}."),
        _ENDS[24][third].replace("*", f"{first}.{second}."),
        _ENDS[32][fourth].replace("*", f"{first}.{second}.{third}."),
    )
    return " ".join(fields).split(" ")


def _ending(octet: int, bits: int) -> str:
    """The fields of the networks that end within an octet, which ends at ``bits``: widest first, parted by spaces.
    ``*`` stands for the octets before it.
    """
    zeros = ".0" * ((32 - bits) // 8)
    return " ".join(f"cidr:*{octet >> left << left}{zeros}/{bits - left}" for left in range(7, -1, -1))


#: Those fields by where the octet ends, and the octet: 768 texts.
_ENDS = {bits: {str(octet): _ending(octet, bits) for octet in range(256)} for bits in (16, 24, 32)}


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


def packed(name: ListName, entry_id: str, expires_at: float | None, silences_feedback: bool) -> str:
    """What stands for an entry in the table."""
    return f"{name[0]}{entry_id}|{expires_at or 0}|{_SILENCES if silences_feedback else ''}"


def found(fields: Sequence[str], values: Sequence[bytes | None], now: float) -> tuple[Listed, ...]:
    """The entries that stand under ``fields`` and have not expired at Unix time ``now``, whichever decides first."""
    if not any(values):  # as of nearly every signup
        return ()
    rows = [
        row for name, value in zip(fields, values, strict=True) if value for row in _read(name, value.decode(), fields)
    ]
    return tuple(sorted((row for row in rows if row.expires_at is None or row.expires_at > now), key=_precedence))


def _read(field: str, value: str, fields: Sequence[str]) -> Iterator[Listed]:
    kind, _, normal = field.partition(":")
    depth = _registrable(fields) if field.startswith("email_domain:#") else _depth(kind, normal)
    for segment in value.split():
        found = damaged.read("list entry", segment[1:].split("|")[0], partial(_listed, kind, segment, depth), None)
        if found is not None:
            yield found


def _listed(kind: str, segment: str, depth: int) -> Listed:
    entry_id, expires, flags, *_ = segment[1:].split("|")  # a newer release may say more
    name = LETTERS[segment[0]]
    return Listed(name, cast("ListKind", kind), entry_id, float(expires) or None, _SILENCES in flags, depth)


def _depth(kind: str, normal: str) -> int:
    if kind in ("email_domain", "link_domain"):
        return normal.count(".") + 1
    if kind == "cidr":
        return int(normal.rpartition("/")[2])
    if kind == "phone":
        return int(";" in normal)  # one desk before the switchboard
    return len(normal) if kind == "phone_prefix" else 0


def _registrable(fields: Sequence[str]) -> int:
    """How deep the registrable domain is of whose names ``fields`` are, which an HMAC does not say."""
    names = [name for name in fields if name.startswith("email_domain:") and not name.startswith("email_domain:#")]
    return min((_depth("email_domain", name) for name in names), default=0)


def _precedence(listed: Listed) -> tuple[int, int, int]:
    return _RANK[listed.kind], -listed.depth, _STRICT[listed.list]


def verdict(listed: Iterable[Listed]) -> Listed | None:
    """The entry that decides: the most specific, and of those that are alike deny before watch before allow."""
    return min(listed, key=_precedence, default=None)


def strictest(listed: Iterable[Listed]) -> Listed | None:
    """Of entries about different things the one that asks for most: deny before watch before allow."""
    return min(listed, key=lambda each: (_STRICT[each.list], *_precedence(each)), default=None)


def linked(hosts: Iterable[Sequence[str]]) -> list[str]:
    """Every field of the table that could name hosts, given by the names of each."""
    return list(dict.fromkeys(field("link_domain", name) for names in hosts for name in names))


def of_links(
    hosts: Iterable[Sequence[str]], fields: Sequence[str], values: Sequence[bytes | None], now: float
) -> Listed | None:
    """The entry that decides about a message which links to ``hosts``, from what stands under :func:`linked` fields.

    Each host is judged by itself, so that a link to what is allowed takes nothing from one to what is denied.
    """
    if not any(values):
        return None
    known = dict(zip(fields, values, strict=True))
    named = (linked([names]) for names in hosts)
    verdicts = (verdict(found(own, [known[name] for name in own], now)) for own in named)
    return strictest(each for each in verdicts if each is not None)


def silenced(listing: Listed | None) -> str:
    """Until when feedback does not count against an account with this verdict, as its hash keeps it.

    A Unix time, ``inf``, or empty for what changes nothing about feedback, as every entry that does not say so.
    """
    if listing is None or listing.list != "allow" or not listing.silences_feedback:
        return ""
    return "inf" if listing.expires_at is None else repr(listing.expires_at)
