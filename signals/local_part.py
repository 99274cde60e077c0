"""The part of an address before the at sign, analysed once: shape, walks over the keyboard, words, likelihood.

Word lists and keyboard come from the package ``zxcvbn`` (Wheeler, USENIX Security 2016): US census names, English
Wikipedia. They know English and the names of the United States best, so nothing measured against them may by itself
count against anybody: see the signals that use them.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import filterfalse, pairwise
from operator import add
from typing import final

from zxcvbn.adjacency_graphs import ADJACENCY_GRAPHS
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from signals.records import record

#: Letters without a decomposition in Unicode, as they are written in plain Latin (common passport spelling, ICAO 9303
#: part 3).
_PLAIN = str.maketrans({"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "þ": "th", "ı": "i"})
_RUN = re.compile(r"[a-z]+")
_YEAR = re.compile(r"(?:19[3-9]\d|20[0-3]\d)$")
_HEXADECIMAL = re.compile(r"(?=.*\d)(?=.*[a-f])[0-9a-f]{12,}")
_CONSONANTS = re.compile(r"[bcdfghjklmnpqrstvwxz]+")
_VOWELS = frozenset("aeiouy")
_SEPARATORS = ".-_+"
#: Words from the tops of the lists; below these ranks Wikipedia is largely fragments and foreign syllables.
_WORDS = 20_000
#: Three-letter words make any text look known, so only the commonest count.
_SHORT_WORDS = 1_000


@final
@record
class LocalPart:
    """What one local part (tag removed) looks like.

    Counts are in characters and shares 0 to 1; ``None`` where there is nothing to measure: no letters, or letters that
    are not Latin. ``entropy`` is Shannon's, in bits a character. ``likelihood`` is the mean log2 probability of a
    letter after the one before, at most 0: names and words of many languages lie between -3 and -6.4, random letters
    below.
    """

    length: int
    letters: int
    digits: int
    trailing_digits: int
    ends_with_year: bool
    separators: int
    alternations: int
    repeated_run: int
    entropy: float
    keyboard_walk: int
    hexadecimal: bool
    consonant_run: int | None
    vowel_share: float | None
    known_share: float | None
    likelihood: float | None


def fold(text: str) -> str:
    """``text`` in lower case with accents taken off (NFKD) and letters like ``ß`` spelled out; other scripts stay."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text.lower().translate(_PLAIN))
    return "".join(filterfalse(unicodedata.combining, plain))


@lru_cache(maxsize=2048)
def analyse(local: str) -> LocalPart:
    """Measure a local part, in lower case. About 25 microseconds for an ordinary one; remembered while it is in use."""
    plain = fold(local)
    digits = sum(map(plain.count, "0123456789"))
    runs = _RUN.findall(plain)
    latin = sum(map(len, runs))
    letters = latin if plain.isascii() else sum(map(str.isalpha, plain))
    unread = not latin or latin != letters
    trailing = len(plain) - len(plain.rstrip("0123456789"))
    return LocalPart(
        length=len(local),
        letters=letters,
        digits=digits,
        trailing_digits=trailing,
        ends_with_year=trailing in (4, 8) and _YEAR.search(plain) is not None,
        separators=sum(map(plain.count, _SEPARATORS)),
        alternations=alternations(plain) if digits and letters else 0,
        repeated_run=longest_repeat(plain),
        entropy=entropy(plain),
        keyboard_walk=keyboard_walk(plain),
        hexadecimal=digits > 0 and _HEXADECIMAL.fullmatch(plain.replace("-", "")) is not None,
        consonant_run=None if unread else max(map(len, _CONSONANTS.findall(plain)), default=0),
        vowel_share=None if unread else sum(map(plain.count, _VOWELS)) / latin,
        known_share=None if unread else sum(map(known_letters, runs)) / latin,
        likelihood=None if unread or latin < 4 else likelihood(runs),
    )


def entropy(text: str) -> float:
    """Shannon entropy of the characters of ``text``, in bits a character; 0 for the empty text."""
    length = len(text)
    if not length:
        return 0.0
    counts = map(text.count, dict.fromkeys(text))  # in the order of the text: sums of floats depend on the order
    return math.log2(length) - sum([count * math.log2(count) for count in counts if count > 1]) / length


def alternations(text: str) -> int:
    """How often ``text`` changes between letters and digits, separators aside: 1 for ``ana84``, 5 for ``a7k2m9``."""
    kinds = [character.isdigit() for character in text if character.isalnum()]
    return sum(left is not right for left, right in pairwise(kinds))


def longest_repeat(text: str) -> int:
    """Length of the longest run of one character."""
    return max([len(run[0]) for run in _REPEAT.finditer(text)], default=min(len(text), 1))


_REPEAT = re.compile(r"(.)\1+", re.DOTALL)


def _neighbours() -> dict[str, int]:
    """Direction (0 to 5) from key to key of a QWERTY keyboard, by the two unshifted characters."""
    directions: dict[str, int] = {}
    for key, around in ADJACENCY_GRAPHS["qwerty"].items():
        for direction, neighbour in enumerate(around):
            if neighbour is not None:
                directions[f"{key}{neighbour[0]}"] = direction
    return directions


_DIRECTIONS: Mapping[str, int] = _neighbours()


def keyboard_walk(text: str) -> int:
    """Most keys in a row in one direction (``asdf`` and ``1qaz`` are 4); 1 when no two are neighbours, 0 when empty.

    Only straight walks: with turns, ``were`` and ``fred`` are walks too.
    """
    longest = length = min(len(text), 1)
    direction = -1
    before = ""
    for character in text:
        now = _DIRECTIONS.get(before + character, -1)
        if now < 0:
            length = 1
        elif now == direction:
            length += 1
        else:
            length = 2
        if length > longest:
            longest = length
        direction, before = now, character
    return longest


def _lists() -> tuple[frozenset[str], frozenset[str]]:
    """Names of people, and common words: letters only, three and more of them."""
    names: set[str] = set()
    for kind in ("male_names", "female_names", "surnames"):
        names.update(FREQUENCY_LISTS[kind])
    wikipedia = FREQUENCY_LISTS["english_wikipedia"]
    words = {word for word in wikipedia[:_WORDS] if len(word) > 3} | set(wikipedia[:_SHORT_WORDS])
    return _alphabetic(names), _alphabetic(words)


def _alphabetic(words: Iterable[str]) -> frozenset[str]:
    return frozenset(word for word in words if len(word) > 2 and word.isascii() and word.isalpha())


_NAMES, _COMMON = _lists()
_KNOWN = _NAMES | _COMMON


@lru_cache(maxsize=4096)
def is_known(word: str) -> bool:
    """Whether a word in plain small letters is a name or word of the lists."""
    return word in _KNOWN


def known_letters(run: str) -> int:
    """How many letters of a run are names or words: the whole, two of them, or one of four letters or more at an end.

    A name with an initial (``jsmith``, ``anar``) counts whole.
    """
    length = len(run)
    if run in _KNOWN:
        return length
    best = 0
    for cut in range(1, length):
        head, tail = run[:cut] in _KNOWN, run[cut:] in _KNOWN
        if head and tail:
            return length
        if head and cut > 3:
            best = max(best, length if length - cut == 1 else cut)
        if tail and length - cut > 3:
            best = max(best, length if cut == 1 else length - cut)
    return best


def _bigrams() -> dict[str, float]:
    """log2 probability of each letter after another (``^`` and ``$`` are the ends), every name and word counted once.

    Half a count is added to each pair (Krichevsky and Trofimov 1981), so that none is impossible.
    """
    text = "".join(f"^{word}$" for word in sorted(_KNOWN))
    pairs = Counter(map("".join, pairwise(text)))
    alphabet = "abcdefghijklmnopqrstuvwxyz"
    table: dict[str, float] = {}
    for first in f"^{alphabet}":
        row = {f"{first}{second}": pairs[f"{first}{second}"] + 0.5 for second in f"{alphabet}$"}
        total = math.log2(sum(row.values()))
        table |= {pair: math.log2(count) - total for pair, count in row.items()}
    return table


_LIKELIHOOD: Mapping[str, float] = _bigrams()


def likelihood(runs: Iterable[str]) -> float:
    """Mean log2 probability of the letters of ``runs`` (``a`` to ``z``), each run with its ends; 0 for none."""
    total = 0.0
    count = 0
    for run in runs:
        ended = f"^{run}$"
        total += sum(map(_LIKELIHOOD.__getitem__, map(add, ended, ended[1:])))
        count += len(run) + 1
    return total / count if count else 0.0
