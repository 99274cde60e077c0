"""Languages and time zones, and the countries they belong to; from CLDR (babel) and IANA (tzdata), read once."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

from babel.core import get_global

#: Longest Accept-Language that is read, and most languages taken from it. Browsers send under 200 characters;
#: real lists beyond ten languages are rare, and the rest adds nothing.
MAX_LENGTH: Final = 1024
MAX_LANGUAGES: Final = 20

#: A language counts for a country where it is official, nationally or regionally, or spoken by this share in
#: percent of the people (CLDR territoryInfo). Low on purpose: large minorities belong to a country too.
SPOKEN_PERCENT: Final = 5.0

#: Codes ISO 639 has withdrawn and old systems still send, and Norwegian and Filipino as CLDR files them.
_RENAMED: Final = {"iw": "he", "in": "id", "ji": "yi", "jw": "jv", "mo": "ro", "sh": "sr", "no": "nb", "tl": "fil"}

_RANGE = re.compile(r"\s*([A-Za-z]{2,3})(?:[-_][A-Za-z0-9]{1,8})*\s*(?:;\s*[qQ]\s*=\s*([0-9.]{1,5})\s*)?")

#: Names from UNIX System V that were no country's until tz 2024b (NEWS) made each a link to a city that keeps such a
#: time, Brussels or Panama. They are set on machines of half of Europe and of the United States.
_NO_COUNTRYS: Final = frozenset(
    {"cet", "cst6cdt", "eet", "est", "est5edt", "hst", "met", "mst", "mst7mdt", "pst8pdt", "wet"}
)
_OFFSET = re.compile(r"[+-](?:[01]\d|2[0-3]):[0-5]\d")


@lru_cache(4096)
def languages(accept_language: str) -> tuple[str, ...]:
    """Lower-case primary subtags of an Accept-Language header (RFC 9110, 12.5.4), most wanted first.

    Each once; ``*``, weights of 0 and whatever does not follow the grammar are left out.
    """
    weighted: list[tuple[float, str]] = []
    for part in accept_language[:MAX_LENGTH].split(","):
        found = _RANGE.fullmatch(part)
        if found is None:
            continue
        try:
            weight = float(found[2] or 1)
        except ValueError:
            continue
        subtag = found[1].lower()
        if 0 < weight <= 1:
            weighted.append((-weight, _RENAMED.get(subtag, subtag)))
    weighted.sort(key=lambda item: item[0])
    return tuple(dict.fromkeys(subtag for _, subtag in weighted))[:MAX_LANGUAGES]


@cache
def _countries_by_language() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for territory, spoken in get_global("territory_languages").items():
        if len(territory) != 2 or not territory.isalpha():
            continue
        for tag, facts in spoken.items():
            if tag == "und":  # not known which, as on islands where nobody lives
                continue
            if facts["official_status"] or facts["population_percent"] >= SPOKEN_PERCENT:
                subtag = tag.split("_")[0]
                found.setdefault(_RENAMED.get(subtag, subtag), set()).add(territory)
    return {subtag: frozenset(territories) for subtag, territories in found.items()}


@lru_cache(4096)
def language_countries(subtags: tuple[str, ...]) -> frozenset[str]:
    """ISO 3166 countries where one of the languages is official or widely spoken; empty when none is known."""
    table = _countries_by_language()
    return frozenset().union(*(table.get(subtag, frozenset()) for subtag in subtags))


def _rows(name: str) -> list[list[str]]:
    text = files("tzdata").joinpath("zoneinfo", name).read_text("utf-8")
    return [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]


@cache
def _zones() -> dict[str, frozenset[str]]:
    """Every zone name of the IANA database in lower case, links included, with the countries that keep its time."""
    found: dict[str, set[str]] = {}
    for codes, _, name, *_ in _rows("zone1970.tab"):
        found.setdefault(name.lower(), set()).update(codes.split(","))
    for code, _, name, *_ in _rows("zone.tab"):
        found.setdefault(name.lower(), set()).add(code)
    links = [line.split()[1:3] for line in files("tzdata").joinpath("zoneinfo", "tzdata.zi").read_text().splitlines()
             if line.startswith("L ")]  # fmt: skip
    for target, name in links:
        # A name of its own in zone.tab (Europe/Oslo) is more exact than the zone it is linked to (Europe/Berlin).
        if name.lower() not in found:
            found[name.lower()] = found.get(target.lower(), set())
    for name in files("tzdata").joinpath("zones").read_text("utf-8").split():
        found.setdefault(name.lower(), set())
    return {name: frozenset(codes) for name, codes in found.items()}


def is_zone(zone: str) -> bool:
    """Whether a browser may name its time zone so: as IANA does, or as an offset (ECMA-262, 21.4.1.24).

    Names are compared without regard to case, as ECMA-402 does. ``Etc/Unknown`` is what CLDR calls a zone that it does
    not know (UTS #35, part 4).
    """
    name = zone.strip().lower()
    return name in _zones() or name == "etc/unknown" or _OFFSET.fullmatch(name) is not None


@lru_cache(1024)
def zone_countries(zone: str) -> frozenset[str] | None:
    """ISO 3166 countries that keep the time of a zone; empty for ``UTC``, offsets and the like, which are of none.

    ``None`` where a zone says nothing of countries: one of :data:`_NO_COUNTRYS`, or what is not a zone. Old names
    (``Asia/Calcutta``) count.
    """
    name = zone.strip().lower()
    if name in _NO_COUNTRYS or not is_zone(name):
        return None
    return _zones().get(name, frozenset())
