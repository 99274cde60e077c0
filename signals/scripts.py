"""Writing systems of a text: which scripts it mixes, and what it would look like to someone who reads Latin."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

#: Scripts that belong together in Chinese, Japanese and Korean writing (UTS #39 section 5.2, "Highly Restrictive").
_EAST_ASIAN = frozenset({"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC"})
#: Scripts whose letters are taken for Latin ones; mixing them with Latin is never restful (UTS #39, "Moderately
#: Restrictive").
_CONFUSED = frozenset({"CYRILLIC", "GREEK"})
#: Width variants and signs that are no script of their own.
_NOT_SCRIPTS = frozenset({"FULLWIDTH", "HALFWIDTH", "MODIFIER", "KATAKANA-HIRAGANA", "PROLONGED", "COMBINING"})

#: Small letters of Cyrillic, Greek and Armenian that look like Latin ones: the prototypes of UTS #39
#: ``confusables.txt``,
#: with those Chromium's IDN display policy adds. Own table, because the whole file is 900 kB to read for forty letters.
_LOOKALIKES = str.maketrans(
    {
        "а": "a", "с": "c", "ԁ": "d", "е": "e", "һ": "h", "і": "i", "ј": "j", "ӏ": "l", "о": "o", "р": "p", "ԛ": "q",
        "ѕ": "s", "ѵ": "v", "ԝ": "w", "х": "x", "у": "y", "ү": "y", "ъ": "b", "ь": "b", "п": "n", "г": "r", "ѡ": "w",
        "ɑ": "a", "α": "a", "γ": "y", "ι": "i", "κ": "k", "ν": "v", "ο": "o", "ρ": "p", "τ": "t", "υ": "u", "χ": "x",
        "ω": "w", "ց": "g", "հ": "h", "ո": "n", "օ": "o", "ս": "u", "ք": "p", "զ": "q", "ı": "i", "ł": "l", "ø": "o",
    }
)  # fmt: skip

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
    script = unicodedata.name(character, "UNKNOWN").partition(" ")[0]
    return None if script in _NOT_SCRIPTS else script


def scripts(text: str) -> frozenset[str]:
    """Scripts of the letters of ``text``, as the first word of their Unicode names: ``LATIN``, ``CYRILLIC``,
    ``CJK``…
    """
    if text.isascii():
        return frozenset({"LATIN"}) if any(map(str.isalpha, text)) else frozenset()
    return frozenset(found for found in map(_script, text) if found is not None)


def is_mixed(text: str) -> bool:
    """Whether one word mixes scripts as no language does (UTS #39 section 5.2, "Moderately Restrictive").

    Latin beside any one other script is ordinary, Cyrillic and Greek excepted; so is East Asian writing.
    """
    if text.isascii():
        return False
    found = scripts(text)
    others = found - {"LATIN"}
    if len(others) > 1:
        return not others <= _EAST_ASIAN
    return len(found) == 2 and not others.isdisjoint(_CONFUSED)


def latin_skeleton(text: str) -> str:
    """What ``text`` looks like to a reader of Latin: look-alikes replaced, accents taken off, in lower case."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKD", text.lower().translate(_LOOKALIKES))
    return "".join(character for character in folded if not unicodedata.combining(character))


def is_lookalike(text: str) -> bool:
    """Whether ``text`` has Cyrillic, Greek or Armenian letters and yet reads as plain Latin throughout."""
    if text.isascii() or scripts(text).isdisjoint(_CONFUSED | {"ARMENIAN"}):
        return False
    return latin_skeleton(text).isascii()
