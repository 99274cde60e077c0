"""SPF records (RFC 7208): what they want done with mail from elsewhere, and whether they name a given service."""

from __future__ import annotations

import re
from collections.abc import Collection
from ipaddress import IPv4Network, IPv6Network
from typing import Final, Literal, NamedTuple

from riskapi.enrichment.resolver import Resolver

Spf = Literal["missing", "pass", "neutral", "softfail", "fail", "broken"]

#: Terms with a look-up that one check may come across, RFC 7208, 4.6.4.
LOOKUPS: Final = 10
_ASKING: Final = frozenset({"include", "a", "mx", "ptr", "exists"})  # and redirect, RFC 7208, 4.6.4
_VERSION: Final = re.compile(r"v=spf1(?: |$)", re.IGNORECASE)  # RFC 7208, 4.5
_RESULTS: Final[dict[str, Spf]] = {"+": "pass", "?": "neutral", "~": "softfail", "-": "fail"}  # RFC 7208, 4.6.2

#: A character of a name, or a macro (RFC 7208, 7.1 and 12); the end of a name is not looked at, a look-up shows what it
#: is worth.
_STRING: Final = r"(?:[!-$&-~]|%(?:\{[slodiphcrtv][0-9]*r?[.\-+,/_=]*\}|[%_\-]))"
_MECHANISM: Final = re.compile(
    rf"([+\-?~]?)(?:(all)|(include|exists):({_STRING}+)|(a|mx|ptr)(?::({_STRING}+)|(?:/[0-9]+)?(?://[0-9]+)?)"
    r"|(ip4):([0-9.]+(?:/[0-9]{1,2})?)|(ip6):([0-9A-Fa-f:.]+(?:/[0-9]{1,3})?))",
    re.IGNORECASE,
)
_MODIFIER: Final = re.compile(rf"([A-Za-z][A-Za-z0-9_.\-]*)=({_STRING}*)")


class _Term(NamedTuple):
    """A mechanism or modifier: ``qualifier`` is empty for a modifier, ``value`` what stands after the colon or sign."""

    qualifier: str
    name: str
    value: str


class _Broken(Exception):
    """The record cannot be read, or needs too much (``permerror``, RFC 7208, 2.6.7)."""


class _Count:
    """The look-ups left for one check."""

    def __init__(self) -> None:
        self._left = LOOKUPS

    def spend(self, term: _Term) -> None:
        if term.name in _ASKING or term.name == "redirect":
            self._left -= 1
            if self._left < 0:
                raise _Broken


async def default_of(domain: str, resolver: Resolver) -> Spf | None:
    """What the record of ``domain`` says of mail from servers that it does not name.

    ``redirect=`` is followed; what is included is not asked about, since mail from elsewhere is not in it. ``None``
    where a redirect has macros. Raises :class:`~riskapi.enrichment.upstream.UpstreamError`.
    """
    count = _Count()
    try:
        terms = await _record(domain, resolver)
        if terms is None:
            return "missing"
        while True:
            for term in terms:
                if term.name == "all":
                    return _RESULTS[term.qualifier]
                if term.name in _ASKING:
                    count.spend(term)
            redirect = _redirect(terms)
            if redirect is None:
                return "neutral"  # RFC 7208, 4.7
            count.spend(redirect)
            target = _named(redirect.value)
            if target is None:
                return None
            terms = await _record(target, resolver)
            if terms is None:
                return "broken"  # RFC 7208, 6.1
    except _Broken:
        return "broken"


async def names_any(domain: str, services: Collection[str], resolver: Resolver) -> bool:
    """Whether mail from one of the services passes by the record of ``domain``: it includes one of their domains (lower
    case, without final dot), or a record does that it includes or redirects to, within the ten look-ups.

    Raises :class:`~riskapi.enrichment.upstream.UpstreamError`.
    """
    try:
        terms = await _record(domain, resolver)
        return terms is not None and await _names(terms, services, resolver, _Count())
    except _Broken:
        return False


async def _names(terms: list[_Term], services: Collection[str], resolver: Resolver, count: _Count) -> bool:
    """Terms from the left to the right, as a receiver of mail reads them: the first that fits a service decides."""
    for term in terms:
        if term.name == "all":
            return False
        if term.name in _ASKING:
            count.spend(term)
        if term.name == "include" and await _leads(term, services, resolver, count):
            return term.qualifier == "+"
    redirect = _redirect(terms)
    if redirect is None:
        return False
    count.spend(redirect)
    return await _leads(redirect, services, resolver, count)


async def _leads(term: _Term, services: Collection[str], resolver: Resolver, count: _Count) -> bool:
    """Whether an ``include`` or ``redirect`` is to a service, or to a record that names one."""
    target = _named(term.value)
    if target is None or target in services:
        return target is not None
    terms = await _record(target, resolver)
    if terms is None:
        raise _Broken  # RFC 7208, 5.2 and 6.1
    return await _names(terms, services, resolver, count)


async def _record(domain: str, resolver: Resolver) -> list[_Term] | None:
    """Terms of the record of a domain; ``None`` when it has none."""
    found = [text for text in (await resolver.ask(domain, "TXT")).texts() if _VERSION.match(text)]
    if len(found) > 1:
        raise _Broken  # RFC 7208, 4.5
    return _terms(found[0]) if found else None


def _terms(record: str) -> list[_Term]:
    terms = [_term(word) for word in record[len("v=spf1") :].split(" ") if word]
    once = [term.name for term in terms if not term.qualifier and term.name in ("redirect", "exp")]
    if len(set(once)) < len(once):
        raise _Broken  # RFC 7208, 6
    return terms


def _term(word: str) -> _Term:
    found = _MECHANISM.fullmatch(word)
    if found is not None:
        name, value = [*(part for part in found.groups()[1:] if part is not None), ""][:2]
        if name.lower() in ("ip4", "ip6"):
            _check_network(name.lower(), value)
        return _Term(found[1] or "+", name.lower(), value)
    modifier = _MODIFIER.fullmatch(word)
    if modifier is None or (modifier[1].lower() in ("redirect", "exp") and not modifier[2]):
        raise _Broken  # RFC 7208, 4.6
    return _Term("", modifier[1].lower(), modifier[2])


def _check_network(name: str, text: str) -> None:
    try:
        (IPv4Network if name == "ip4" else IPv6Network)(text, strict=False)
    except ValueError:
        raise _Broken from None


def _redirect(terms: list[_Term]) -> _Term | None:
    return next((term for term in terms if term.name == "redirect" and not term.qualifier), None)


def _named(text: str) -> str | None:
    """The name, in lower case and without final dot; ``None`` where it has macros (RFC 7208, 7). Most of them stand for
    something of the message, which nobody has here, and records that name others by the rest are few.
    """
    return None if "%" in text else text.lower().removesuffix(".")
