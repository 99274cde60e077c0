"""What kind of organisation runs a network: hosting, consumer, mobile, education or a CDN.

Read from a table of numbers and names (which grow old, so ``data update`` can bring newer ones), then from the words in
the name that the registries give an autonomous system. A kind describes the *network*, never the customer.
"""

from __future__ import annotations

import re
from functools import lru_cache, partial
from pathlib import Path
from typing import Final, NamedTuple, cast, get_args

from riskapi.datasets import csv_tables
from signals.facts import NetworkKind

#: The table that comes with this release.
INSTALLED: Final = Path(__file__).parent / "tables" / "networks.csv"
COLUMNS: Final = ("of", "value", "kind", "note")
_KINDS: Final = frozenset((*get_args(NetworkKind), "transit", "vpn"))

#: AS36183 (Akamai) carries Apple's Private Relay and nothing else: Sattler et al., "Towards a Tectonic Traffic
#: Shift? Investigating Apple's New Relay Network", ACM IMC 2022, doi:10.1145/3517745.3561426.
APPLE_RELAY: Final = 36183

#: Cloudflare, Inc. and Cloudflare London. Outside of the published edge ranges (cloudflare.com/ips) these carry
#: *people*: WARP, Zero Trust gateways and Apple's Private Relay (blog.cloudflare.com/icloud-private-relay).
CLOUDFLARE: Final = frozenset({13335, 209242})


def _begun(*words: str) -> str:
    """Alternatives that match at the beginning of a word only. ``re`` looks for their first letters all at once; behind
    the mark of a boundary it would try each at every character, for twice the instructions.
    """
    return "|".join(rf"{word[0]}(?<=\b{word[0]}){word[1:]}" for word in words)


# Words with a common beginning stand together in these patterns, and whole words first: ``re`` tries each part of an
# alternative at every character.
_CDN = re.compile(r"\b\w*cdn(etworks)?\b")
_EDUCATION = re.compile(
    r"\b(?:colleges?|schools?|academ(?:y|ic|ia)|ecole|lycee|escola|escuela|regents)\b"
    r"|uni(?:versi[td]|verzit|wersyt)|hochschule|yliopisto|educa[tc]|école|institut(?:e? of technology|o tecnol)"
    r"|polit(?:[eé]c|ech)|polytech|школ|университет"
)
#: Words that name the trade of hosting itself; an internet data center (IDC) hosts, whoever's it is.
_HOSTING = re.compile(
    _begun(r"web ?host", r"v[pd]s\b", r"colo(?:cation)?\b", r"idc\b") + r"|hos(?:t(?:ing|ed|ers?)\b|peda(?:gem|je))"
    r"|internet ?data ?cent|dedicated server|cloud (?:comput|host|infra|server)"
)
#: Words that sellers of lines have in their names as well.
_MAYBE_HOSTING = re.compile(
    r"host(?:(?<!ghost)s?\b|(?<=\bhost)\w+)|server(?<!observer)s?\b|data ?cent(?:er|re)s?\b|cloud"
)
#: Places with such a word in their name, and who watches or publishes data about the earth.
_NOT_HOSTING = re.compile(r"\b(st\.?|saint|sainte|red|white) ?-?cloud\b|world data cent|\bhost(el|age|ess)")
#: What a line is called that is sold to homes and firms.
_LINES = re.compile(
    _begun(r"cable", r"fib(?:er|re|ra)s?\b", r"dsl\b", r"isp\b")
    + "|"
    + _begun(r"internet service provider", r"net(?:work)?s?(?: service)? provider")
    + r"|broadband|cablevision|tele(?:cable|phon)|kabel|wi(?:reless|-?fi)|banda ?larga|provedor"
)
#: What firms that sell lines call themselves, and some others.
_MAYBE_LINES = re.compile(
    r"tele?com|telefon|tele?kom|telenet|internet(?<=\binternet)\b(?! techno)|comm?unica(tions?|ciones|coes|zioni)"
)
_MOBILE = re.compile(_begun(r"mo(?:bile?|viles?)\b", r"móvil", r"cell?ular", r"gprs\b", r"gsm\b") + "|telemovel")
#: Names in which a word of the mobile list means something else: an oil company, fixed lines, lines of companies.
_NOT_MOBILE = re.compile(r"exxon|fixed line|business")
#: A word of a name; an underscore ends a word as well.
_WORD = re.compile(r"[^\W_]+")

#: Names remembered by number and name; about 0.2 kB each.
_REMEMBERED: Final = 16_384


class _Names(NamedTuple):
    """Names of one kind: the first word of each, which a name must have, and the pattern of them all."""

    first: frozenset[str]
    whole: re.Pattern[str]


class _Known(NamedTuple):
    """What the table says: kinds of numbers, and the names of each kind."""

    numbers: dict[int, str]
    names: dict[str, _Names]


class NetworkKinds:
    """One table, read-only. ``as_of`` is the Unix time of the day it was true on, ``vpn`` the operators of VPNs."""

    def __init__(self, content: bytes) -> None:
        """Read a table. Raises :class:`ValueError` with the line and what is wrong with it."""
        found = csv_tables.parse(content, COLUMNS)
        self.as_of = found.as_of
        self._rows = len(found.rows)
        known = _known(found)
        self.vpn = frozenset(number for number, kind in known.numbers.items() if kind == "vpn")
        self.numbers = frozenset(known.numbers)
        # Not a method of this object: what would remember itself could go only when garbage is collected.
        self._remembered = lru_cache(_REMEMBERED)(partial(_kind_of, known))

    def __len__(self) -> int:
        """How many rows."""
        return self._rows

    def kind_of(self, number: int | None, organization: str | None) -> NetworkKind | None:
        """Kind of the network ``number`` held by ``organization``; ``None`` when neither tells.

        Government, military and company networks have no kind of their own and stay ``None``. So do operators whose
        name has words of both hosts and sellers of lines, unless it says what sort of line: those sell lines.
        """
        return self._remembered(number, organization)


def installed() -> NetworkKinds:
    """The table that comes with this release."""
    return NetworkKinds(INSTALLED.read_bytes())


def kind_of_name(organization: str | None) -> NetworkKind | None:
    """Kind by a name alone, as a registry tells it of part of a network; by the table that comes with this release."""
    return _of_release().kind_of(None, organization)


@lru_cache(1)
def _of_release() -> NetworkKinds:
    return installed()


def _known(table: csv_tables.Table) -> _Known:
    numbers: dict[int, str] = {}
    names: dict[str, list[str]] = {}
    for line, row in table.rows:
        of, value, kind = row["of"], row["value"], row["kind"]
        if kind not in _KINDS:
            raise ValueError(f"line {line}: no kind is called {kind!r}")
        if of == "number" and re.fullmatch(r"[1-9][0-9]{0,9}", value):
            if int(value) in numbers:
                raise ValueError(f"line {line}: {value} is there twice")
            numbers[int(value)] = kind
        elif of == "name" and _is_name(value) and kind not in ("transit", "vpn"):
            names.setdefault(kind, []).append(value)
        else:
            raise ValueError(f"line {line}: it is neither a number nor a name in small letters")
    return _Known(numbers, {kind: _names(values) for kind, values in names.items()})


def _is_name(value: str) -> bool:
    return len(value) > 1 and value == value.casefold() and _WORD.search(value) is not None


def _names(values: list[str]) -> _Names:
    whole = re.compile(rf"(?<![^\W_])({'|'.join(map(re.escape, values))})(?![^\W_])")
    return _Names(frozenset(_WORD.findall(value)[0] for value in values), whole)


def _kind_of(known: _Known, number: int | None, organization: str | None) -> NetworkKind | None:
    if number is not None and number in known.numbers:
        found = known.numbers[number]
        return "hosting" if found == "vpn" else None if found == "transit" else cast("NetworkKind", found)
    if not organization:
        return None
    name = organization.casefold()
    words = _WORD.findall(name)

    def is_named(kind: NetworkKind) -> bool:
        names = known.names.get(kind)
        return names is not None and not names.first.isdisjoint(words) and names.whole.search(name) is not None

    if is_named("cdn") or ("cdn" in name and _CDN.search(name)):
        return "cdn"
    if is_named("education") or _EDUCATION.search(name):
        return "education"
    lines = _LINES.search(name) is not None
    trade = _HOSTING.search(name) is not None
    if trade or is_named("hosting") or (_MAYBE_HOSTING.search(name) and not _NOT_HOSTING.search(name)):
        maybe = _MAYBE_LINES.search(name) is not None or is_named("consumer")
        return ("consumer" if not trade else None) if lines else "hosting" if trade or not maybe else None
    if (is_named("mobile") or _MOBILE.search(name)) and not _NOT_MOBILE.search(name):
        return "mobile"
    return "consumer" if lines or is_named("consumer") or _MAYBE_LINES.search(name) else None
