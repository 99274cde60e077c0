"""Writing systems of a text: which scripts it has, and whether a language mixes them so."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

from confusable_homoglyphs import categories

#: Scripts that make up Chinese, Japanese and Korean writing, each set beside Latin as well (UTS #39 section 5.2,
#: "Highly Restrictive").
_EAST_ASIAN: Final = (
    frozenset({"HAN", "HIRAGANA", "KATAKANA"}),
    frozenset({"HAN", "BOPOMOFO"}),
    frozenset({"HAN", "HANGUL"}),
)
#: Scripts of general modern use (UAX #31, table 5, "Recommended Scripts") of which one may stand beside Latin (UTS #39
#: section 5.2, "Moderately Restrictive"). Cyrillic and Greek may not: their letters are taken for Latin ones. Scripts
#: of limited use (table 7: Cherokee, Lisu, Canadian syllabics …) and those of the past are not among them.
_BESIDE_LATIN: Final = frozenset({
    "ARABIC", "ARMENIAN", "BENGALI", "BOPOMOFO", "DEVANAGARI", "ETHIOPIC", "GEORGIAN", "GUJARATI", "GURMUKHI", "HAN",
    "HANGUL", "HEBREW", "HIRAGANA", "KANNADA", "KATAKANA", "KHMER", "LAO", "MALAYALAM", "MYANMAR", "ORIYA", "SINHALA",
    "TAMIL", "TELUGU", "THAANA", "THAI", "TIBETAN",
})  # fmt: skip
#: What belongs to every script.
_NOT_SCRIPTS: Final = frozenset({"COMMON", "INHERITED"})

#: What nobody sees: soft hyphens, joiners, marks of direction, variation selectors, tags, the frame of a keycap
#: (Unicode property ``Default_Ignorable_Code_Point``, as far as it is found in text, and U+20E3). The full stop of
#: Chinese and Japanese is a dot in a name (RFC 3490, 3.1).
_UNSEEN = {
    **dict.fromkeys(
        [
            *(0xAD, 0x34F, 0x61C, 0x20E3, 0xFEFF),
            *range(0x180B, 0x1810),
            *range(0x200B, 0x2010),
            *range(0x202A, 0x202F),
            *range(0x2060, 0x2070),
            *range(0xFE00, 0xFE10),
            *range(0xE0000, 0xE0080),
        ]
    ),
    0x3002: ".",
}


def seen(text: str) -> str:
    """``text`` as it looks: full-width, circled and styled characters as plain ones (NFKC), without what is invisible.

    Capitals stay. Joiners that Persian and Indian scripts need are gone as well: this is for looking, not for keeping.
    """
    return text if text.isascii() else unicodedata.normalize("NFKC", text).translate(_UNSEEN)


@lru_cache(maxsize=4096)
def _script(character: str) -> str | None:
    if not character.isalpha():
        return None
    script = categories.alias(character).upper()
    return None if script in _NOT_SCRIPTS else script


def scripts(text: str) -> frozenset[str]:
    """Scripts of the letters of ``text`` by Unicode's property (UAX #24), in capitals: ``LATIN``, ``HAN``…

    ``UNKNOWN`` for letters younger than the package's data (Unicode 15.1).
    """
    if text.isascii():
        return frozenset({"LATIN"}) if any(map(str.isalpha, text)) else frozenset()
    return frozenset(found for found in map(_script, text) if found is not None)


def is_mixed(text: str) -> bool:
    """Whether one word mixes scripts as no language does (UTS #39 section 5.2, "Moderately Restrictive").

    Latin beside any one other script of general use is ordinary, Cyrillic and Greek excepted; so is East Asian writing.
    A word in one script is never mixed, whatever the script.
    """
    if text.isascii():
        return False
    found = scripts(text)
    others = found - {"LATIN"}
    if len(others) > 1:
        return not any(others <= writing for writing in _EAST_ASIAN)
    return len(found) == 2 and not others <= _BESIDE_LATIN
