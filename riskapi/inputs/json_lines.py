"""Records that come as JSON lines: each with its number, and why some are rejected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from signals.records import record


class Row(NamedTuple):
    """One record as it came: which one it is in what was sent, and its JSON."""

    number: int
    text: bytes


@record
class Rejected:
    """A record that was not imported: which, where in it (a JSON pointer), the kind of fault, and what it is."""

    number: int
    pointer: str
    code: str
    detail: str


def lines(content: Iterable[bytes]) -> Iterator[Row]:
    """The records of JSON lines, numbered from 1; empty lines and a byte order mark are passed over."""
    for number, text in enumerate(content, 1):
        stripped = (text.removeprefix(b"\xef\xbb\xbf") if number == 1 else text).strip()
        if stripped:
            yield Row(number, stripped)
