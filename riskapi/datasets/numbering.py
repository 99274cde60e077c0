"""Spellings of one telephone line: what a numbering plan replaced, and what it lets people leave out.

A change of plan gives every line a new number and nobody a new line, but address books, forms and habits keep the old
one for years. The table says which old number became which; a spelling that could be two lines of today is not in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal, NamedTuple, cast

from riskapi.datasets import csv_tables

#: The table that comes with this release.
INSTALLED: Final = Path(__file__).parent / "tables" / "numbering.csv"
COLUMNS: Final = ("code", "written", "read", "form", "since", "source")

Form = Literal["old", "twin"]

#: A national number has at most 15 digits less those of the calling code (ITU-T E.164, 6.1); prefixes come on top.
_WRITTEN = re.compile(r"(?:[0-9x]|\[[0-9-]{1,9}\]){4,20}")
_READ = re.compile(r"[0-9x]{4,15}")


class _Spelling(NamedTuple):
    """``written`` matches digits to carry over into ``read``; ``back`` and ``other`` are the way back, of a twin."""

    form: Form
    written: re.Pattern[str]
    read: str
    back: re.Pattern[str]
    other: str


class Numbering:
    """One table, read-only. ``as_of`` is the Unix time of the day it was true on; its length is that of its rows."""

    def __init__(self, content: bytes) -> None:
        """Read a table. Raises :class:`ValueError` with the line and what is wrong with it."""
        found = csv_tables.parse(content, COLUMNS)
        self.as_of = found.as_of
        self._spellings: dict[int, list[_Spelling]] = {}
        for number, row in found.rows:
            try:
                self._spellings.setdefault(_code(row["code"]), []).append(_spelling(row))
            except ValueError as error:
                raise ValueError(f"line {number}: {error}") from None
        self._rows = len(found.rows)

    def __len__(self) -> int:
        """How many spellings."""
        return self._rows

    def read(self, code: int, national: str, form: Form) -> list[str]:
        """What a national number of a calling code stands for by rows of a form; nothing for most numbers."""
        found: list[str] = []
        for spelling in self._spellings.get(code, ()):
            if spelling.form == form:
                found += _carried(spelling.written, spelling.read, national)
        return found

    def written(self, code: int, national: str) -> Iterator[str]:
        """The twins of a national number of a calling code: what else people dial for the same line."""
        for spelling in self._spellings.get(code, ()):
            if spelling.form == "twin":
                yield from _carried(spelling.back, spelling.other, national)


def _carried(pattern: re.Pattern[str], into: str, national: str) -> Iterator[str]:
    found = pattern.fullmatch(national)
    if found is not None:
        digits = iter(found.groups())
        yield "".join(next(digits) if sign == "x" else sign for sign in into)


def installed() -> Numbering:
    """The table that comes with this release."""
    return Numbering(INSTALLED.read_bytes())


def _code(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,2}", text):
        raise ValueError("code is not a calling code of one to three digits")
    return int(text)


def _spelling(row: dict[str, str]) -> _Spelling:
    written, read, form = row["written"], row["read"], row["form"]
    if not _WRITTEN.fullmatch(written) or not _READ.fullmatch(read):
        raise ValueError("written and read are digits and x, and written has [..] for one of some digits, too")
    if form not in ("old", "twin"):
        raise ValueError("form is neither old nor twin")
    if form == "twin" and "[" in written:
        raise ValueError("a twin has no [..], or nobody could go back")
    pattern = _pattern(written)
    if pattern.groups != read.count("x"):
        raise ValueError(f"written carries {pattern.groups} digits over, and read takes {read.count('x')}")
    return _Spelling(cast("Form", form), pattern, read, _pattern(read), written)


def _pattern(spelling: str) -> re.Pattern[str]:
    try:
        return re.compile(re.sub(r"(\[[0-9-]+\]|x)", lambda one: f"({one[1].replace('x', '[0-9]')})", spelling))
    except re.error:
        raise ValueError("the digits in [..] are not in order") from None
