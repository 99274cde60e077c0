"""Letters that are taken for Latin ones: how a text looks to a reader of Latin, and whether it imitates Latin words.

Which letter looks like which is Unicode's word: the single-letter prototypes of UTS #39 ``confusables.txt`` (15.1, from
the package ``confusable-homoglyphs``), with what Chromium's IDN display policy adds
(``components/url_formatter/spoof_checks``, October 2026).
"""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Final

from confusable_homoglyphs.confusables import confusables_data

from signals.local_part import is_known
from signals.writing_systems import scripts

#: What Chromium and we read otherwise than UTS #39, or beside it; ``ӏ`` is an ``l`` to the eye.
_BESIDE: Final = {
    "ԍ": "g", "ӏ": "l", "ъ": "b", "ь": "b", "ω": "w", "κ": "k", "τ": "t", "χ": "x", "ք": "p", "ł": "l", "ø": "o",
    "đ": "d", "ĸ": "k", "ƅ": "b", "ȷ": "j",
}  # fmt: skip
#: Cyrillic letters that pass for Latin ones in bad light only. Honest words are full of them, so they count in company:
#: of a letter that no national language writes (:data:`_RARE`); and :data:`_OF_WORDS` where a known word comes of it.
_PASSABLE: Final = {"к": "k", "г": "r", "п": "n", "т": "t", "м": "m", "в": "b", "н": "h", "ґ": "r", "є": "e", "ш": "w"}
_RARE: Final = frozenset("ԁԍԛԝԗѵѡӏҽ")
_OF_WORDS: Final = frozenset("кг")
#: Latin letters that are twins of others and letters of a living alphabet too: Turkish, Ewe, Kabiye. All other
#: Latin ones with a twin are phonetic, obsolete or small capitals (UAX #31: not recommended for names), and imitate.
_OF_ALPHABETS: Final = frozenset("ıɣʋɩ")
#: Endings of the countries where a script is at home: there whole words of it are ordinary. Chromium's list, and the
#: other countries whose official languages are written with it (CLDR).
_HOMES: Final[Mapping[str, frozenset[str]]] = {
    "CYRILLIC": frozenset({"bg", "by", "kg", "kz", "mk", "mn", "rs", "ru", "su", "tj", "ua", "uz"}),
    "GREEK": frozenset({"gr", "cy"}),
    "ARMENIAN": frozenset({"am"}),
    "GEORGIAN": frozenset({"ge"}),
    "ETHIOPIC": frozenset({"er", "et"}),
    "MYANMAR": frozenset({"mm"}),
}


def _small_capitals() -> Iterator[tuple[str, str]]:
    """Small capitals of the Latin script, by Unicode's names of them. UTS #39 lets no name have them (Identifier_Type
    Technical), and has a prototype of ASCII for some only.
    """
    for plain in string.ascii_lowercase.replace("x", ""):  # there is none of it
        yield unicodedata.lookup(f"LATIN LETTER SMALL CAPITAL {plain}"), plain


def _prototypes() -> Iterator[tuple[str, str]]:
    """Each letter beyond ASCII that UTS #39 takes for one of ASCII, and that in lower case, capitals' twins first."""
    for plain in string.ascii_uppercase + string.ascii_lowercase:
        for other in confusables_data.get(plain, ()):
            letter = other["c"]
            if len(letter) == 1 and not letter.isascii() and letter.isalpha():
                yield letter, plain.lower()


_TWINS: Final[Mapping[str, str]] = {**dict(_small_capitals()), **dict(_prototypes()), **_BESIDE}
_AS_SEEN: Final = str.maketrans({**_TWINS, **_PASSABLE})
_TWINS_OF_LATIN: Final = frozenset(
    letter for letter in _TWINS if scripts(letter) == {"LATIN"} and letter not in _OF_ALPHABETS and letter not in "łøđ"
)


def _folded(text: str) -> str:
    """``text`` without capitals; Cherokee keeps its own, which are the letters of names in DNS (UTS #46)."""
    return text.casefold()


def latin_skeleton(text: str) -> str:
    """What ``text`` looks like to a reader of Latin: look-alikes replaced, accents taken off, in lower case."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", _folded(text)).translate(_AS_SEEN)
    return "".join(character for character in plain if not unicodedata.combining(character))


def is_lookalike(word: str, ending: str = "") -> bool:
    """Whether ``word`` has letters that imitate plain Latin ones, and reads as plain Latin throughout.

    That are letters of another script, among Latin ones or alone, or twins within the Latin script (``ɡ`` for ``g``).
    A word wholly in one script is ordinary under an ``ending`` of a country where the script is at home. Letters with
    accents imitate nothing.
    """
    if word.isascii():
        return False
    lower = _folded(word)
    if not latin_skeleton(lower).isascii():
        return False
    found = scripts(lower)
    foreign = found - {"LATIN"}
    if not foreign:
        return not _TWINS_OF_LATIN.isdisjoint(lower)
    if "LATIN" in found or len(foreign) > 1:
        return True
    if any(ending in _HOMES.get(script, ()) for script in foreign):
        return False
    passable = _PASSABLE.keys() & set(lower)
    return not passable or not _RARE.isdisjoint(lower) or (passable <= _OF_WORDS and is_known(latin_skeleton(lower)))
