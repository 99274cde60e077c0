"""The figures of a benchmark as one picture (SVG): panels of bars, each with its aim where there is one.

Drawn here: of the libraries, pygal puts a finder of an old kind into ``sys.meta_path``, at which Python warns in every
import after it; matplotlib and plotly weigh 30 MB and more.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from xml.sax.saxutils import escape

from tests.bench import figures
from tests.bench.figures import Bench

#: Pixels: of a panel, of its names, of a row, above the first row; and how many panels stand side by side.
_WIDTH, _NAMES, _ROW, _HEAD, _COLUMNS = 720, 300, 22, 48, 2
#: Of a panel's width, what is left for the number after the longest bar, and at the edge.
_NUMBER, _EDGE = 70, 16
_BAR, _MISSED, _AIM, _TEXT = "#4477aa", "#cc6677", "#222222", "#333333"
#: Families of keys that are shown one by one.
_FAMILIES = 8


@dataclass(frozen=True, slots=True)
class Bar:
    """One row: a value of 0 or more, how it is written, and the aim it is not to be over."""

    name: str
    value: float
    text: str
    aim: float | None = None


@dataclass(frozen=True, slots=True)
class Panel:
    """Rows under a title."""

    title: str
    bars: tuple[Bar, ...]


def plot(bench: Bench) -> str:
    """The picture, as a document of its own that loads nothing."""
    panels = [panel for panel in _panels(bench) if panel.bars]
    height = _HEAD + _ROW * max(len(panel.bars) for panel in panels) + _EDGE
    rows = math.ceil(len(panels) / _COLUMNS)
    drawn = "\n".join(
        f'<g transform="translate({place % _COLUMNS * _WIDTH} {place // _COLUMNS * height})">\n{_drawn(panel)}\n</g>'
        for place, panel in enumerate(panels)
    )
    size = f'width="{_COLUMNS * _WIDTH}" height="{rows * height}"'
    style = f'font-family="sans-serif" font-size="13" fill="{_TEXT}"'
    back = '<rect width="100%" height="100%" fill="white"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>\n{back}\n{drawn}\n</svg>\n'


def _drawn(panel: Panel) -> str:
    longest = max(max(bar.value, bar.aim or 0.0) for bar in panel.bars) or 1.0
    scale = (_WIDTH - _NAMES - _NUMBER - _EDGE) / longest
    return "\n".join([_text(_EDGE, _HEAD // 2, panel.title, 'font-weight="bold"'), *_rows(panel, scale)])


def _rows(panel: Panel, scale: float) -> Iterator[str]:
    for number, bar in enumerate(panel.bars):
        top = _HEAD + number * _ROW
        middle, end = top + _ROW - 7, _NAMES + bar.value * scale
        color = _MISSED if bar.aim is not None and bar.value > bar.aim else _BAR
        yield _text(_NAMES - 8, middle, bar.name, 'text-anchor="end"')
        yield f'<rect x="{_NAMES}" y="{top + 3}" width="{end - _NAMES:.1f}" height="{_ROW - 6}" fill="{color}"/>'
        if bar.aim is not None:
            at = _NAMES + bar.aim * scale
            end = max(end, at)
            yield f'<path d="M{at:.1f} {top}v{_ROW}" stroke="{_AIM}" stroke-width="2"/>'
        yield _text(end + 6, middle, bar.text)


def _text(x: float, y: float, text: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y}" {more}>{escape(text)}</text>'


def _panels(bench: Bench) -> Iterator[Panel]:
    yield Panel("each figure in its aim (the mark): blue has reached it", tuple(_aims(bench)))
    yield _whole("processor time of a signup by stage, µs", ((each.name, each.busy) for each in bench.stages))
    if (memory := bench.memory) is not None:
        rows = [(each.name, each.bytes) for each in memory.families[:_FAMILIES]]
        rows.append(("the rest", max(memory.used - sum(size for _, size in rows), 0.0)))
        yield _whole(f"bytes an account by family of keys, {memory.used:,.0f} in all", rows)
    if bench.growth is not None:
        growth = bench.growth.sizes
        yield _whole("a signup where so many accounts are, µs", _sizes(growth))
    if bench.worst:
        title = f"a signup that shares with {bench.worst[0].accounts:,} accounts, in one that shares nothing"
        bars = (Bar(each.shared, each.times, f"{each.times:.2f}", figures.WORST) for each in bench.worst)
        yield Panel(title, tuple(bars))


def _sizes(sizes: Iterable[figures.Size]) -> Iterator[tuple[str, float]]:
    for each in sizes:
        yield f"{each.accounts:,}: Python", each.python
        yield "store", each.store


def _whole(title: str, rows: Iterable[tuple[str, float]]) -> Panel:
    return Panel(title, tuple(Bar(name, max(value, 0.0), f"{value:,.0f}") for name, value in rows))


def _aims(bench: Bench) -> Iterator[Bar]:
    """How far each figure is from its aim: of all of them less is better, of the ratio what it is the inverse of."""
    found = [(f"signups a second, {each.fsync}", figures.RATIO[each.fsync] / each.ratio) for each in bench.ratios]
    found += [(f"p99, {each.fsync}", each.p99_ratio / figures.P99) for each in bench.ratios]
    found.append(("commands of the store", bench.asked.commands / figures.COMMANDS))
    if bench.memory is not None:
        found.append(("bytes an account", bench.memory.used / figures.ACCOUNT))
    found += [(f"shares {each.shared}", each.times / figures.WORST) for each in bench.worst or ()]
    for name, value in found:
        yield Bar(name, value, f"{value:.2f}", 1.0)
