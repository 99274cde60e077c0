"""Tables for a person to read. Every title says whether the figures are simulated."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

#: Width of the bars, in characters.
_BAR = 40


class Report:
    """Prints tables under one origin: ``simulated`` or ``own decisions``."""

    def __init__(self, console: Console, origin: str) -> None:
        self._console = console
        self._origin = origin

    def table(self, title: str, heads: Sequence[str], rows: Iterable[Sequence[str]], note: str = "") -> None:
        """A table; the first column is text, the others are figures. ``note`` is printed below it."""
        table = Table()
        for index, head in enumerate(heads):
            table.add_column(head, justify="left" if index == 0 else "right", no_wrap=index == 0)
        for row in rows:
            table.add_row(*row)
        self._console.print(f"[bold]{title} ({self._origin})[/bold]", soft_wrap=True)
        self._console.print(table)
        if note:
            self._console.print(note, highlight=False, soft_wrap=True)
        self._console.print()

    def line(self, text: str) -> None:
        """One line under the tables: what they come to."""
        self._console.print(f"[bold]{text} ({self._origin})[/bold]", highlight=False, soft_wrap=True)

    def bars(self, title: str, values: Iterable[tuple[str, float]]) -> None:
        """Shares from 0 to 1 as bars."""
        self._console.print(f"[bold]{title} ({self._origin})[/bold]", soft_wrap=True)
        for name, value in values:
            filled = round(value * _BAR)
            self._console.print(f"  {name:>8} {'█' * filled}{'░' * (_BAR - filled)} {percent(value)}", highlight=False)
        self._console.print()


def percent(share: float) -> str:
    """A share as per cent with one decimal."""
    return f"{100 * share:.1f} %"


def interval(hits: int, of: int) -> tuple[float, float]:
    """95 % interval of a share after Wilson (1927); ``(0, 1)`` for nothing observed."""
    if not of:
        return 0.0, 1.0
    z = 1.959964
    share = hits / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    return max(0.0, middle - half), min(1.0, middle + half)
