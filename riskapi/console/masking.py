"""Personal data as people see it who have no need of it: enough to tell two apart, too little to write to anybody.

What people decide by stays readable: the domain of an address, the network of an IP, the country and the length of a
number.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_interface

#: Something@something in running text, addresses of IP, and runs of seven digits or more (the shortest subscriber
#: numbers have seven with their area, ITU-T E.164), however they are grouped.
_MAIL = re.compile(r"[^\s@<>\"',;:()]+@[^\s@<>\"',;:()]+")
_IP = (
    r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}(?!\w|\.\d)|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![\w:]))"
    r"(?:/\d{1,3}(?!\d))?"
)
_NUMBER = re.compile(r"\+?\d(?:[\s./()-]{0,2}\d){6,}")
#: What is not a number though it has as many digits: IPs, and days (RFC 3339).
_APART = re.compile(rf"({_IP})|((?<!\d)(?:19|20)\d\d-[01]\d-[0-3]\d(?!\d))")
#: Bits of an IP that stay: a /24 and a /48 are what networks are shown as in the internet's routing tables.
_BITS = {4: 24, 6: 48}
#: Digits of a number that stay in front, and behind.
_FRONT, _BEHIND = 3, 2


def mail(address: str) -> str:
    """``ana.ruiz@ruiz.example`` as ``a…@ruiz.example``."""
    local, at, domain = address.rpartition("@")
    return f"{local[:1]}…{at}{domain}" if at else f"{address[:1]}…"


def name(words: str) -> str:
    """``Ana Ruiz`` as ``A… R…``: of the first three words."""
    return " ".join(f"{word[0]}…" for word in words.split()[:3])


def token(identifier: str) -> str:
    """An identifier as its first four characters, ``dev-…``: people do not decide by any part of it."""
    return f"{identifier[:4]}…"


def ip(address: str) -> str:
    """``203.0.113.9`` as ``203.0.113.0/24``, and a network in it too; a wider network as it is, other text masked."""
    found = _network(address)
    if found is None:
        return text(address)
    return str(found.supernet(new_prefix=min(_BITS[found.version], found.prefixlen)))


def _network(address: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_interface(address).network
    except ValueError:
        return None


def phone(number: str) -> str:
    """``+34600123123`` as ``+34 … 23``."""
    plus, digits = "+" if number.lstrip().startswith("+") else "", re.sub(r"\D", "", number)
    front = digits[: _FRONT - len(plus)]
    return f"{plus}{front} … {digits[-_BEHIND:]}" if len(digits) > _FRONT + _BEHIND else "…"


def text(value: str) -> str:
    """Running text with the addresses, IPs and numbers in it masked."""
    parts = _APART.split(_MAIL.sub(lambda match: mail(match[0]), value))  # in turn: text, an IP or none, a day or none
    return "".join(
        part if at % 3 == 2 else ip(part) if _network(part) else _NUMBER.sub(lambda match: phone(match[0]), part)
        for at, part in enumerate(part or "" for part in parts)
    )
