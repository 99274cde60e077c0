"""What commands print: lists as a table for a person on a terminal, a line each for the program that reads a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

#: How the grades of what was checked are shown on a terminal.
_COLOURS = {"ok": "green", "warn": "yellow", "FAIL": "bold red"}


def show(columns: Sequence[str], rows: Iterable[Sequence[str]], between: str = "\t") -> None:
    """Print rows under ``columns`` on a terminal; elsewhere each as a line, its fields with ``between`` them."""
    if not sys.stdout.isatty():
        for row in rows:
            print(*row, sep=between)
        return
    # Imported here: what reads a pipe should not wait for it.
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD)
    for number, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=number == 0)  # the first is what is copied
    for row in rows:
        table.add_row(*map(Text, row))
    if table.row_count:
        Console(highlight=False).print(table)


def grade(grade: str, text: str) -> None:
    """Print a finding and its grade (ok, warn or FAIL) at once: the next one may take seconds to be found."""
    if not sys.stdout.isatty():
        print(f"{grade:<4}  {text}")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    line = Table.grid(padding=(0, 2))
    line.add_column(width=4)
    line.add_column(overflow="fold")
    line.add_row(Text(grade, style=_COLOURS[grade]), Text(text))
    Console(highlight=False).print(line)
