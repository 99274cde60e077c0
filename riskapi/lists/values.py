"""What can be put on a list: values as people write them, read into the form that signups are looked up by.

A value is refused where it would never match, or match half the world. What is refused is never repeated: it is
personal data, or may be.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_network
from typing import Final

from riskapi.contract import USER_ID
from riskapi.errors import invalid
from riskapi.inputs import device
from riskapi.inputs.domains import MOST_LABELS
from riskapi.inputs.input_warnings import is_broken
from riskapi.inputs.readers import ActiveReaders
from riskapi.lists.list_names import ListName
from riskapi.lists.matching import HASHED, LEAST_DIGITS, ListKind
from riskapi.lists.prefixes import LENGTHS
from riskapi.outgoing.special_ranges import overlapped

#: What people write between digits.
_BETWEEN = re.compile(r"[\s().\-]+")
#: A number of at most fifteen digits, none of them a leading zero (ITU-T E.164, 6.1), or its beginning.
_PREFIX = re.compile(r"\+[1-9][0-9]{0,14}")
_ASN = re.compile(r"(?:AS)?([0-9]{1,10})", re.IGNORECASE)
#: The numbers that an AS can have: 0 and the last one are reserved (RFC 7607, RFC 7300).
_ASNS: Final = range(1, 2**32 - 1)
#: Bits before the IPv4 address that an IPv6 one carries: after the prefix of 6to4 (RFC 3056, 2), at the end of others.
_SITE, _BEFORE = 16, 96
_SHARED = "an address from inside networks, which everybody behind a proxy has; it cannot be denied"

#: How to say what a wildcard would, by kind. Nothing looks wildcards up, so an entry with one would name nobody.
_WILDCARDS: dict[ListKind, str] = {
    "email": "wildcards are not looked up; to name every address of a domain, list the domain as email_domain",
    "mailbox": "wildcards are not looked up; to name every address of a domain, list the domain as email_domain",
    "email_domain": "write the domain alone, without wildcard, dot or @ before it; it names those below it too",
    "link_domain": "write the domain alone, without wildcard or dot before it; it names those below it too",
    "ip": "wildcards are not looked up; list the network as cidr, such as 203.0.113.0/24",
    "cidr": "wildcards are not looked up; write the network as address/length, such as 203.0.113.0/24",
    "asn": "wildcards are not looked up; list each number",
    "phone": "wildcards are not looked up; list the beginning of the number as phone_prefix",
    "phone_prefix": "write the beginning of the number alone, without wildcard; it names every number that begins so",
    "user": "wildcards are not looked up; list each account",
}

_PROVIDER = "a large mail provider, where half the world has its mailbox; deny addresses there, or watch it"


class _Refused(Exception):
    """Why a value cannot be listed, in words that do not repeat it."""


class Values:
    """Reads values, with what signups are read with."""

    def __init__(self, active_readers: ActiveReaders) -> None:
        self._active_readers = active_readers
        self._read: dict[ListKind, Callable[[str], str]] = {
            "email": self._email,
            "mailbox": self._mailbox,
            "email_domain": self._email_domain,
            "ip": self._ip,
            "cidr": self._cidr,
            "asn": _asn,
            "phone": self._phone,
            "phone_prefix": _phone_prefix,
            "device": _identifier,
            "payment": _identifier,
            "link_domain": self._link_domain,
            "user": _user,
        }

    def normal(self, name: ListName, kind: ListKind, value: str) -> str:
        """The value in the form that signups are looked up by. Raises ``invalid`` at ``/value`` with the reason."""
        try:
            if _is_wildcard(kind, value.strip()):
                raise _Refused(_WILDCARDS[kind])
            normal = self._read[kind](value.strip())
            domain = name == "deny" and kind in ("email_domain", "link_domain")
            if domain and normal in self._active_readers.readers.lists.providers.provider_of:
                raise _Refused(_PROVIDER)
            if name == "deny" and kind in ("ip", "cidr") and overlapped(ip_network(normal)) - {"documentation"}:
                raise _Refused(_SHARED)
        except _Refused as refused:
            raise invalid("/value", str(refused)) from None
        return normal

    def entity(self, kind: ListKind, normal: str) -> str:
        """The kind of entity whose HMAC can stand for a normalised value. Raises ``invalid`` where none can."""
        found = next((entity for entity, listed in HASHED.items() if listed == kind), None)
        if found is None:
            raise invalid("/hashed", f"only these kinds can be kept without their value: {', '.join(HASHED.values())}")
        if kind == "email_domain" and self._active_readers.readers.mail.read(f"a@{normal}").registrable != normal:
            raise invalid("/value", "without its value a domain is known by its registrable part; list that")
        return found

    def _email(self, value: str) -> str:
        found = self._active_readers.readers.mail.read(value)
        if not found.valid:
            raise _Refused("not an e-mail address")
        return f"{found.local}@{found.domain}"

    def _mailbox(self, value: str) -> str:
        found = self._active_readers.readers.mail.read(value)
        if not found.valid or found.canonical is None:
            raise _Refused("not an e-mail address; a mailbox is named by any address of it")
        return found.canonical

    def _email_domain(self, value: str) -> str:
        found = self._active_readers.readers.mail.read(f"a@{value}")
        if "@" in value or found.domain is None:
            raise _Refused("not a domain that mail could be sent to")
        return _domain(found.domain, found.registrable)

    def _link_domain(self, value: str) -> str:
        names = () if "/" in value else self._active_readers.readers.links.names(value)
        if not names:
            raise _Refused("not a host of the public Internet below a public suffix; write a domain, not a link")
        if names[0].count(".") + 1 == MOST_LABELS and value.rstrip(".").count(".") + 1 > MOST_LABELS:
            raise _Refused(f"a domain of more than {MOST_LABELS} labels is not looked up")
        return names[0]

    def _ip(self, value: str) -> str:
        found = self._active_readers.readers.networks.read(value)
        if found.ip is None:
            raise _Refused("not an IP address; a network is of the kind cidr")
        return found.ip

    def _cidr(self, value: str) -> str:
        head, slash, digits = value.partition("/")
        found = self._active_readers.readers.networks.read(head)
        if found.ip is None or found.version is None or not slash or not re.fullmatch(r"[0-9]{1,3}", digits):
            raise _Refused("not a network as address/length, such as 203.0.113.0/24")
        length, lengths = int(digits), LENGTHS[found.version]
        if found.version == 4 and ":" in head:  # what is inside is looked up: the length is less by what is before it
            length -= _SITE if head.strip(" [").lower().startswith("2002:") else _BEFORE
        if length not in lengths:
            raise _Refused(
                f"an IPv4 network has a length from {LENGTHS[4][0]} to {LENGTHS[4][-1]}, an IPv6 one from "
                f"{LENGTHS[6][0]} to {LENGTHS[6][-2]}, or {LENGTHS[6][-1]} for one address"
            )
        try:
            ip_network(f"{found.ip}/{length}")
        except ValueError:
            # Not cut to the network: whoever writes the address of one host may well mean that host.
            raise _Refused("there are bits set beyond the length; write the first address of the network") from None
        return f"{found.ip}/{length}"

    def _phone(self, value: str) -> str:
        found = self._active_readers.readers.phones.read(value) if value.startswith("+") else None
        if found is None or found.line is None:
            raise _Refused("not a phone number in international form, with its plus sign")
        return found.line


def _is_wildcard(kind: ListKind, value: str) -> bool:
    """Whether a value is meant to name many. Identifiers of devices and means of payment may hold any character."""
    if kind in ("email_domain", "link_domain") and value[:1] in ("@", "."):
        return True
    return kind in _WILDCARDS and ("*" in value or value[:1] == "%")  # as shells and SQL write it


def _domain(name: str, registrable: str | None) -> str:
    if registrable is None:
        raise _Refused("a public suffix, below which strangers have their domains; list those")
    if name.count(".") + 1 > MOST_LABELS:
        raise _Refused(f"a domain of more than {MOST_LABELS} labels is not looked up")
    return name


def _asn(value: str) -> str:
    found = _ASN.fullmatch(value)
    if found is None or int(found[1]) not in _ASNS:
        raise _Refused("not the number of an AS, 1 to 4294967294, with or without AS before it")
    return str(int(found[1]))


def _phone_prefix(value: str) -> str:
    found = _BETWEEN.sub("", value)
    if not _PREFIX.fullmatch(found):
        raise _Refused("not the beginning of a phone number: a plus sign, the country code, and more digits")
    if len(found) - 1 < LEAST_DIGITS:
        raise _Refused(f"too wide: {LEAST_DIGITS} digits or more are looked up")
    return found


def _identifier(value: str) -> str:
    if is_broken(value):
        raise _Refused("has control characters or half of a surrogate pair; such an identifier of a signup is not used")
    found = device.identifier(value)
    if found is None:
        raise _Refused("not an identifier but a placeholder that scripts send")
    return found


def _user(value: str) -> str:
    if not re.fullmatch(USER_ID.removesuffix("$"), value):
        raise _Refused("not a user_id: 1 to 128 of A-Z, a-z, 0-9 and _.:@-")
    return value
