"""The part of an address before the at sign, analysed once: shape, walks over the keyboard, words, likelihood.

Word lists and keyboard come from the package ``zxcvbn`` (Wheeler, USENIX Security 2016): US census names, English
Wikipedia. They know English and the names of the United States best, so nothing measured against them may by itself
count against anybody: see the signals that use them.
"""

from __future__ import annotations

import math
import re
import string
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import filterfalse, pairwise
from typing import Final, final

from zxcvbn.adjacency_graphs import ADJACENCY_GRAPHS
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from signals.records import record

#: Letters without a decomposition in Unicode, as they are written in plain Latin (common passport spelling, ICAO 9303
#: part 3).
_PLAIN = str.maketrans({"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "þ": "th", "ı": "i"})
_YEAR = re.compile(r"(?:19[3-9]\d|20[0-3]\d)$")
#: Characters that are counted, all of ASCII.
DIGITS, _VOWELS, _SEPARATORS, _HEXADECIMAL = b"0123456789", b"aeiouy", b".-_+", b"0123456789abcdef-"
_HASH = 12  # digits and letters: fewer are a name like ``ada2``, or a word with a year
_LETTERS: Final = string.ascii_lowercase.encode()
#: Tables for ``bytes.translate``. Runs of letters found with them take half of the instructions of ``findall``, and
#: counts of digits a fifth of those of one ``str.count`` for each of ten (callgrind, 13 characters).
_ONLY_LETTERS: Final = bytes(byte if byte in _LETTERS else 32 for byte in range(256))
_ONLY_CONSONANTS: Final = bytes(byte if byte in _LETTERS and byte not in _VOWELS else 32 for byte in range(256))
_ONE_OF_A_KIND: Final = bytes(48 if byte in DIGITS else 97 for byte in range(256))
_NEITHER: Final = bytes(byte for byte in range(128) if not chr(byte).isalnum())
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
    encoded = _bytes(plain)
    digits = occurrences(encoded, DIGITS)
    runs = letter_runs(plain)
    latin = len("".join(runs))
    letters = latin if plain.isascii() else sum(map(str.isalpha, plain))
    trailing_digits = len(plain) - len(plain.rstrip("0123456789"))
    consonant_run = vowel_share = known_share = None
    if latin and latin == letters:
        consonants = encoded.translate(_ONLY_CONSONANTS).split()
        consonant_run = max(map(len, consonants)) if consonants else 0
        vowel_share = occurrences(encoded, _VOWELS) / latin
        known_share = sum(map(known_letters, runs)) / latin
    # By position: with names, making the record takes 10 thousand instructions of 80 instead of 3.
    return LocalPart(
        len(local),
        letters,
        digits,
        trailing_digits,
        trailing_digits in (4, 8) and _YEAR.search(plain) is not None,
        occurrences(encoded, _SEPARATORS),
        alternations(plain) if digits and letters else 0,
        longest_repeat(plain),
        entropy(plain),
        keyboard_walk(plain),
        digits > 0 and letters > 0 and _is_hexadecimal(encoded),
        consonant_run,
        vowel_share,
        known_share,
        likelihood(runs) if consonant_run is not None and latin > 3 else None,
    )


def _bytes(text: str) -> bytes:
    """``text`` in UTF-8, in which a byte of ASCII is never part of another character."""
    return text.encode("utf-8", "surrogatepass")


@lru_cache(maxsize=64)
def letter_runs(text: str) -> tuple[str, ...]:
    """The runs of plain small letters (``a`` to ``z``) in ``text``, in their order. Remembered while a signup is read,
    of which several signals ask for those of the local part and of the name.
    """
    return tuple(_bytes(text).translate(_ONLY_LETTERS).decode("ascii").split())


def occurrences(encoded: bytes, characters: bytes) -> int:
    """How many characters of a text, in UTF-8, are among ``characters``, which are of ASCII."""
    return len(encoded) - len(encoded.translate(None, characters))


def _is_hexadecimal(encoded: bytes) -> bool:
    """Whether a text of digits and letters is hexadecimal, hyphens aside, and of the length of a hash."""
    return not encoded.translate(None, _HEXADECIMAL) and len(encoded.replace(b"-", b"")) >= _HASH


def entropy(text: str) -> float:
    """Shannon entropy of the characters of ``text``, in bits a character; 0 for the empty text."""
    length = len(text)
    if not length:
        return 0.0
    counts: dict[str, int] = {}  # in the order of the text: sums of floats depend on the order
    for character in text:
        counts[character] = counts.get(character, 0) + 1
    repeated = 0.0
    for count in counts.values():
        if count > 1:
            repeated += count * math.log2(count)
    return math.log2(length) - repeated / length


def alternations(text: str) -> int:
    """How often ``text`` changes between letters and digits, separators aside: 1 for ``ana84``, 5 for ``a7k2m9``."""
    if text.isascii():
        ascii_kinds = text.encode().translate(_ONE_OF_A_KIND, _NEITHER)
        return ascii_kinds.count(b"0a") + ascii_kinds.count(b"a0")
    kinds = [character.isdigit() for character in text if character.isalnum()]
    return sum([left is not right for left, right in pairwise(kinds)])


def longest_repeat(text: str) -> int:
    """Length of the longest run of one character."""
    longest = length = 0
    before = ""
    for character in text:
        length = length + 1 if character == before else 1
        if length > longest:
            longest = length
        before = character
    return longest


def _neighbours() -> dict[tuple[str, str], int]:
    """Direction (0 to 5) from key to key of a QWERTY keyboard, by the two unshifted characters."""
    directions: dict[tuple[str, str], int] = {}
    for key, around in ADJACENCY_GRAPHS["qwerty"].items():
        for direction, neighbour in enumerate(around):
            if neighbour is not None:
                directions[key, neighbour[0]] = direction
    return directions


_DIRECTIONS: Mapping[tuple[str, str], int] = _neighbours()


def keyboard_walk(text: str) -> int:
    """Most keys in a row in one direction (``asdf`` and ``1qaz`` are 4); 1 when no two are neighbours, 0 when empty.

    Only straight walks: with turns, ``were`` and ``fred`` are walks too.
    """
    longest = length = min(len(text), 1)
    direction = None
    for now in map(_DIRECTIONS.get, pairwise(text)):
        if now is None:
            length = 1
        else:
            length = length + 1 if now == direction else 2
            if length > longest:
                longest = length
        direction = now
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
        # None of the lists has words of fewer than three letters.
        head, tail = cut > 2 and run[:cut] in _KNOWN, length - cut > 2 and run[cut:] in _KNOWN
        if head and tail:
            return length
        if head and cut > 3:
            best = max(best, length if length - cut == 1 else cut)
        if tail and length - cut > 3:
            best = max(best, length if cut == 1 else length - cut)
    return best


def _bigrams() -> dict[str, dict[str, float]]:
    """log2 probability of each letter by the one before (``^`` and ``$`` are the ends), every name and word counted
    once.

    Half a count is added to each pair (Krichevsky and Trofimov 1981), so that none is impossible.
    """
    text = "".join(f"^{word}$" for word in sorted(_KNOWN))
    pairs = Counter(map("".join, pairwise(text)))
    alphabet = string.ascii_lowercase
    table: dict[str, dict[str, float]] = {}
    for first in f"^{alphabet}":
        row = {second: pairs[f"{first}{second}"] + 0.5 for second in f"{alphabet}$"}
        total = math.log2(sum(row.values()))
        table[first] = {second: math.log2(count) - total for second, count in row.items()}
    return table


_LIKELIHOOD: Mapping[str, Mapping[str, float]] = _bigrams()


def likelihood(runs: Iterable[str]) -> float:
    """Mean log2 probability of the letters of ``runs`` (``a`` to ``z``), each run with its ends; 0 for none."""
    total = 0.0
    count = 0
    for run in runs:
        after = _LIKELIHOOD["^"]
        of_run = 0.0
        for letter in run:
            of_run += after[letter]
            after = _LIKELIHOOD[letter]
        total += of_run + after["$"]
        count += len(run) + 1
    return total / count if count else 0.0
