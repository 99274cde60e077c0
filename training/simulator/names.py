"""Names of simulated people: US Census names for English-speaking countries, invented ones for the others."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

import names as census

from training.simulator.tongues import TONGUES, Tongue

#: How many of the most common census names are used (the package lists far rarer ones too).
_COMMON = 3000
_SPECIAL = str.maketrans({"ł": "l", "đ": "d", "ı": "i", "ø": "o", "ß": "ss", "æ": "ae", "Ł": "L", "Đ": "D"})


@dataclass(frozen=True, slots=True)
class Name:
    """A person's name: ``given`` and ``family`` in Latin letters without marks, ``shown`` as they write it."""

    given: str
    family: str
    shown: str


@cache
def _census(kind: str) -> tuple[tuple[str, ...], tuple[float, ...]]:
    lines = Path(census.FILES[kind]).read_text(encoding="ascii").splitlines()[:_COMMON]
    fields = [line.split() for line in lines]
    return tuple(parts[0].capitalize() for parts in fields), tuple(float(parts[1]) for parts in fields)


def fold(text: str) -> str:
    """Lower-case ASCII letters of a text, as people type it into a mailbox name."""
    plain = unicodedata.normalize("NFKD", text.translate(_SPECIAL))
    return re.sub(r"[^a-z]", "", plain.encode("ascii", "ignore").decode().lower())


def _pair(part: str) -> tuple[str, str]:
    latin, _, native = part.partition(":")
    return latin, native or latin


def _word(random: Random, tongue: Tongue, length: tuple[int, int], endings: tuple[str, ...]) -> tuple[str, str]:
    parts = random.choices(tongue.syllables, k=random.randint(*length))
    pairs = [_pair(part) for part in (*parts, random.choice(endings))]
    return "".join(latin for latin, _ in pairs), "".join(native for _, native in pairs)


def invent(random: Random, tongue_name: str) -> Name:
    """A name of that tongue; ``english`` draws from the US Census lists."""
    if tongue_name == "english":
        first, weights = _census(random.choice(("first:male", "first:female")))
        last, shares = _census("last")
        given, family = random.choices(first, weights)[0], random.choices(last, shares)[0]
        return Name(given, family, f"{given} {family}")
    tongue = TONGUES[tongue_name]
    given, given_native = _word(random, tongue, tongue.given, tongue.given_endings)
    family, family_native = _word(random, tongue, tongue.family, tongue.family_endings)
    if random.random() < tongue.single:
        return Name(fold(given).capitalize(), "", given.capitalize())
    own_script = given_native != given and random.random() < tongue.native
    if own_script:
        first_shown, last_shown = given_native.capitalize(), family_native.capitalize()
        between = "" if tongue_name in ("chinese", "korean", "japanese") else " "
    else:
        first_shown, last_shown, between = given.capitalize(), family.capitalize(), " "
    swapped = tongue.family_first and (own_script or random.random() < 0.5)
    shown = f"{last_shown}{between}{first_shown}" if swapped else f"{first_shown}{between}{last_shown}"
    return Name(fold(given).capitalize(), fold(family).capitalize(), shown)


def initials(name: Name) -> str:
    """First letters of the given and the family name, lower case."""
    return (name.given[:1] + name.family[:1]).lower()
