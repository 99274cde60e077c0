"""Personal data as people see it who have no need of it: enough to tell two apart, too little to write to anybody.

What people decide by stays readable: the domain of an address, the network of an IP, the country and the length of a
number.
"""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network

#: Something@something in running text, addresses of IP, and runs of seven digits or more (the shortest subscriber
#: numbers have seven with their area, ITU-T E.164), however they are grouped.
_MAIL = re.compile(r"[^\s@<>\"',;:()]+@[^\s@<>\"',;:()]+")
_IP = re.compile(
    r"(?<![\w.:])(\d{1,3}(?:\.\d{1,3}){3}(?!\w|\.\d)|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![\w:]))(?:/\d{1,3}(?!\d))?"
)
_NUMBER = re.compile(r"\+?\d(?:[\s./()-]{0,2}\d){6,}")
#: What is long as a number and none: networks as they are shown here, and days (RFC 3339).
_NO_NUMBER = re.compile(
    r"((?<!\d)(?:\d{1,3}\.){3}0/24(?!\d)|[0-9a-f:]+/48(?!\d)|(?<!\d)(?:19|20)\d\d-[01]\d-[0-3]\d(?!\d))"
)
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
    """``203.0.113.9`` as ``203.0.113.0/24``; what is no IP as running text."""
    return _network(address) or text(address)


def _network(address: str) -> str | None:
    """The network of an IP; None for what is none."""
    try:
        found = ip_address(address)
    except ValueError:
        return None
    return str(ip_network((found, _BITS[found.version]), strict=False))


def phone(number: str) -> str:
    """``+34600123123`` as ``+34 … 23``."""
    plus, digits = "+" if number.lstrip().startswith("+") else "", re.sub(r"\D", "", number)
    front = digits[: _FRONT - len(plus)]
    return f"{plus}{front} … {digits[-_BEHIND:]}" if len(digits) > _FRONT + _BEHIND else "…"


def text(value: str) -> str:
    """Running text with the addresses, IPs and numbers in it masked."""
    found = _MAIL.sub(lambda match: mail(match[0]), value)
    found = _IP.sub(lambda match: _network(match[1]) or match[0], found)
    parts = _NO_NUMBER.split(found)  # every second one is none
    parts[::2] = [_NUMBER.sub(lambda match: phone(match[0]), part) for part in parts[::2]]
    return "".join(parts)
