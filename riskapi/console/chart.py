"""Small charts as SVG: rows of bars, each with its word beside it, so that no colour has to tell them apart.

Laid out here and drawn by ``charts.html``, with attributes only: the content security policy allows no style in a page.
The same numbers are in a table behind each chart, for those who do not see it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

#: Units of the drawing: its width, the height of a row and of its bars, and where bars begin and end.
_WIDTH, _ROW, _BARS, _LEFT, _RIGHT = 436, 36, 28, 166, 368
#: Characters of a word that fit before the bars, and units that one takes.
_WORD, _LETTER = 21, 7.5


@dataclass(frozen=True, slots=True)
class Series:
    """One row of a chart: its word, a value for each time (None: not known), and what is written behind it."""

    word: str
    values: Sequence[float | None]
    said: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar; units of the drawing."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it is drawn: its word and its number, where they stand, and its bars."""

    word: str
    said: str
    y: int
    bars: Sequence[Bar]


@dataclass(frozen=True, slots=True)
class Chart:
    """The drawing."""

    rows: Sequence[Row]
    width: int = _WIDTH
    left: int = _LEFT
    right: int = _RIGHT

    @property
    def start(self) -> int:
        """Units at the left that no word needs: a drawing without them is larger on a narrow screen."""
        longest = max((len(row.word) for row in self.rows), default=0)
        return max(int(self.left - 8 - _LETTER * longest), 0)

    @property
    def height(self) -> int:
        """Units of height."""
        return _ROW * max(len(self.rows), 1)


def over_time(series: Sequence[Series], *, together: bool) -> Chart:
    """Bars by time, a row for each series; ``together`` by one scale, else each by its own."""
    highest = _highest(each for row in series for each in row.values)
    rows = []
    for number, row in enumerate(series):
        most = highest if together else _highest(row.values)
        rows.append(Row(_short(row.word), row.said, _ROW * (number + 1) - 6, _bars(row.values, most, number)))
    return Chart(rows)


def side_by_side(values: Sequence[tuple[str, float, str]]) -> Chart:
    """One bar for each thing, from left to right by its value: word, value, and what is written behind it."""
    most, rows = _highest(value for _, value, _ in values), []
    for number, (word, value, said) in enumerate(values):
        width = round((_RIGHT - _LEFT) * value / most, 1)
        y = _ROW * (number + 1) - 6
        rows.append(Row(_short(word), said, y, [Bar(_LEFT, y - 14, max(width, 1.0), 14)]))
    return Chart(rows)


def _bars(values: Sequence[float | None], most: float, number: int) -> list[Bar]:
    step = (_RIGHT - _LEFT) / max(len(values), 1)
    bottom = _ROW * (number + 1) - 6
    bars = []
    for place, value in enumerate(values):
        if value:
            height = max(round(_BARS * value / most, 1), 1.0)
            bars.append(Bar(round(_LEFT + step * place, 1), round(bottom - height, 1), round(step * 0.8, 1), height))
    return bars


def _highest(values: Iterable[float | None]) -> float:
    return max((value for value in values if value), default=1.0)


def _short(word: str) -> str:
    return word if len(word) <= _WORD else f"{word[: _WORD - 1]}…"
