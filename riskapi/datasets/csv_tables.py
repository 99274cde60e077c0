"""Small tables as CSV (RFC 4180): comments with their date and source, the names of the columns, rows."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

_SAID = re.compile(r"#\s*(as_of|source):\s*(\S.*?)\s*")


class Table(NamedTuple):
    """A table: the Unix time of the day it is ``as_of``, its ``source`` in words, and its rows by line from 1."""

    as_of: float
    source: str
    rows: tuple[tuple[int, dict[str, str]], ...]


def parse(content: bytes, columns: Sequence[str]) -> Table:
    """Read a table that has these columns. Raises :class:`ValueError` with the line and what is wrong with it."""
    try:
        lines = content.decode().splitlines()
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    said: dict[str, str] = {}
    for line in lines:
        found = _SAID.fullmatch(line)
        if found is not None:
            said.setdefault(found[1], found[2])
    for name in ("as_of", "source"):
        if name not in said:
            raise ValueError(f"it has no line that begins with '# {name}:'")
    try:
        as_of = datetime.strptime(said["as_of"], "%Y-%m-%d").replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise ValueError("as_of is not a day, such as 2026-11-26") from None
    rows: list[tuple[int, dict[str, str]]] = []
    head = False
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        cells = [cell.strip() for cell in next(csv.reader([line]))]
        if not head:
            if cells != list(columns):
                raise ValueError(f"line {number}: the columns are not {','.join(columns)}")
            head = True
        elif len(cells) != len(columns):
            raise ValueError(f"line {number}: it has {len(cells)} cells, and there are {len(columns)} columns")
        else:
            rows.append((number, dict(zip(columns, cells, strict=True))))
    return Table(as_of, said["source"], tuple(rows))
