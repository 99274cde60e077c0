"""The model: its card, whether what it sees drifts, and what candidates in shadow would have decided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from riskapi.console import rendering
from riskapi.console.chart import Series, over_time
from riskapi.console.drift import DAYS, LATE, LEAST, drift
from riskapi.console.page import Page
from riskapi.console.visit import View, Visit
from riskapi.console.watch_panels import Line, Table
from riskapi.store.tallies import Tallies, totals


def show(visit: Visit) -> View:
    """The page."""
    basis = visit.parts.publisher.active.basis
    moved = drift(visit.access_parts.store, visit.now)
    before, late = moved.before, moved.late
    days = Tallies(visit.access_parts.store).read(visit.now, "day", DAYS)
    shadow = totals(days, "shadow")
    names = ("same", "tighter", "looser")
    rows = [
        Line([name, *(rendering.count(counts[what]) for what in names)])
        for name, counts in sorted(shadow.items(), key=lambda row: (-sum(row[1].values()), row[0]))
    ]
    data: dict[str, Any] = {
        "card": None if basis.scorer is None else basis.scorer.card,
        "mode": basis.policy.model.mode,
        "groups": {} if basis.scorer is None else _groups(basis.scorer.card.metrics),
        "drift": moved.index,
        "drift_said": moved.said,
        "least": LEAST,
        "counts": (sum(before), sum(late)),
        "chart": None
        if not any(late)
        else over_time(
            [
                Series(f"last {LATE} days", late, rendering.count(sum(late))),
                Series("before", before, rendering.count(sum(before))),
            ],
            together=False,
        ),
        "scores": Table("Signups by score", ["score", f"last {LATE} days", "before"], _compared(before, late)),
        "shadow": Table("Shadow against live", ["candidate", *names], rows),
    }
    return View("model.html", data)


def _compared(before: Sequence[int], late: Sequence[int]) -> list[Line]:
    words = [f"{number}0 to {number}9" for number in range(1, 9)]
    rows = zip(["0 to 9", *words, "90 to 100"], late, before, strict=True)
    return [Line([name, rendering.count(new), rendering.count(old)]) for name, new, old in rows]


def _groups(metrics: dict[str, float | dict[str, float]]) -> dict[str, list[tuple[str, float]]]:
    """What training measured, by group; what belongs to none as ``all``."""
    found: dict[str, list[tuple[str, float]]] = {"all": []}
    for name, value in metrics.items():
        if isinstance(value, dict):
            found[name.replace("_", " ")] = [(each.replace("_", " "), number) for each, number in value.items()]
        else:
            found["all"].append((name.replace("_", " "), value))
    return found


PAGES = (Page(path="/model", handler=show, role="viewer"),)
