"""Comparing what people write: a person's name with a local part, an organization's name with a domain."""

from __future__ import annotations

import re
from collections.abc import Set
from functools import lru_cache

from signals.local_part import fold, letter_runs

_WORD = re.compile(r"[^\W\d_]+")
#: German and Nordic letters are also written with a second vowel (ICAO 9303 part 3, table of transliterations).
_DIGRAPHS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
#: Legal forms and fillers that no domain is expected to carry.
FILLERS = frozenset({
    "ab", "ag", "and", "as", "asa", "bv", "co", "company", "corp", "corporation", "gmbh", "group", "inc", "kg",
    "limited", "llc", "llp", "ltd", "mbh", "nv", "of", "oy", "plc", "pty", "sa", "sarl", "sas", "srl", "spa", "the",
    "und",
})  # fmt: skip
_LONGEST = 200  # characters of a name that are compared; the API takes 2,048
_PREFIX = 3  # letters a shortened name must share: Alex for Alexander


@lru_cache(maxsize=512)
def words(text: str) -> tuple[str, ...] | None:
    """The words of ``text`` as plain Latin letters; ``None`` when a letter is not Latin or there is none."""
    plain = fold(text[:_LONGEST])
    if text.isascii():
        return letter_runs(plain) or None
    found = tuple(_WORD.findall(plain))
    return found if found and all(map(str.isascii, found)) else None


def own_names(name: str | None, suspects: Set[str]) -> frozenset[str]:
    """The words of a name, in small letters, which nobody can be blamed for; none where all are among
    ``suspects``, as in "Test Test".
    """
    found = frozenset(word for reading in _readings(name or "") for word in reading)
    return frozenset() if found <= suspects else found


def name_agreement(name: str, local: str) -> float | None:
    """Share of the letters of ``local`` that the name explains, 0 to 1; ``None`` when they cannot be compared.

    Words of the name count in any order, whole or from their start (three letters and more), then what is left may be
    initials of the words not used. Initials alone explain half: too many names have them. Both spellings of umlauts are
    tried. A name or a local part in another script, or without letters, cannot be compared.
    """
    plain = fold(local)
    if not plain.isascii():
        return None
    letters = "".join(letter_runs(plain))
    readings = _readings(name)
    if not letters or not readings:
        return None
    return max([_explained(letters, found) for found in readings]) / len(letters)


def _readings(text: str) -> list[tuple[str, ...]]:
    """The words of ``text``, in both spellings of its umlauts; none when they cannot be compared."""
    if text.isascii():
        found = words(text)
        return [] if found is None else [found]
    spellings = {text, text.lower().translate(_DIGRAPHS)}
    return [found for spelling in spellings if (found := words(spelling)) is not None]


def _explained(letters: str, name: tuple[str, ...]) -> float:
    left, unused = letters, []
    for word in sorted(name, key=len, reverse=True):
        part = _start(word, left)
        if not part and len(word) == 2 and word in left and len(name) > 1:
            part = word
        if part:
            left = left.replace(part, " ", 1)
        else:
            unused.append(word)
    rest = left.replace(" ", "")
    if not rest:
        return float(len(letters))
    initials = [word[0] for word in unused]
    named = len(letters) - len(rest)
    for letter in rest:
        if letter not in initials:
            return float(named)
        initials.remove(letter)
    return named + len(rest) * (1.0 if named else 0.5)


def _start(word: str, text: str) -> str:
    """The longest start of a word that is in ``text``; empty where none of three letters or more is."""
    for size in range(len(word), _PREFIX - 1, -1):
        if word[:size] in text:
            return word[:size]
    return ""


def organization_agreement(organization: str, label: str) -> float | None:
    """How well an organization's name and a domain's own label agree, 0 to 1; ``None`` when they cannot be compared.

    1 when the label is the words joined or their initials; otherwise the share of the label's letters made up of words
    of the name (three letters and more), in any order.
    """
    letters = "".join(letter_runs(fold(label)))
    readings = _readings(organization)
    if not letters or not readings:
        return None
    return max([_covered(letters, found) for found in readings])


def _covered(letters: str, found: tuple[str, ...]) -> float:
    kept = [word for word in found if word not in FILLERS] or list(found)
    initials = "".join(word[0] for word in kept)
    if letters in ("".join(kept), "".join(found)) or (len(kept) > 1 and letters == initials):
        return 1.0
    left = letters
    for word in sorted(kept, key=len, reverse=True):
        if len(word) >= _PREFIX:
            left = left.replace(word, "", 1)
    return 1 - len(left) / len(letters)
