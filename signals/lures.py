"""Whether a text speaks to a stranger as fraud does; the sentences are in :mod:`signals.data.lures`."""

from __future__ import annotations

import re

from signals.data.lures import LATIN, OTHER
from signals.local_part import fold, letter_runs

_SPACE = re.compile(r"\s+")
_SENTENCES = tuple((frozenset(words.split()), re.compile("|".join(patterns))) for words, patterns in LATIN)
_FIRST_WORDS = frozenset().union(*(words for words, _ in _SENTENCES))
_LAST_LATIN = "\u036f"
_OTHER = re.compile("|".join(map(fold, OTHER)))


def has_lure(text: str) -> bool:
    """Whether ``text`` (see :func:`signals.writing_systems.seen`) holds a known lure. A microsecond for two words."""
    plain = fold(text)
    words = letter_runs(plain)
    if not _FIRST_WORDS.isdisjoint(words):
        line = _SPACE.sub(" ", plain)
        if any(not first.isdisjoint(words) and pattern.search(line) for first, pattern in _SENTENCES):
            return True
    return not text.isascii() and max(text) > _LAST_LATIN and _OTHER.search(plain) is not None
