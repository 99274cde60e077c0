"""The model: its card, whether what it sees drifts, and what candidates in shadow would have decided."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from riskapi.console import rendering
from riskapi.console.chart import Series, over_time
from riskapi.console.page import Page
from riskapi.console.visit import View, Visit
from riskapi.console.watching import Line, Table
from riskapi.store.tallies import Bucket, Tallies, totals

#: Days looked at, and those of them that count as late. Chosen by us: a week has every weekday.
_DAYS, _LATE = 30, 7
#: Scores are counted in ten classes, 0 to 9 and so on to 90 to 100.
_CLASSES: Final = tuple(str(each) for each in range(10))
#: Signups that each side needs before they are compared. Chosen by us.
_LEAST = 200
#: From when on scores have moved a little, and a lot: the usual reading of the population stability index (Siddiqi,
#: "Credit Risk Scorecards", Wiley 2006).
LITTLE, MUCH = 0.1, 0.25


def show(visit: Visit) -> View:
    """The page."""
    basis = visit.parts.publisher.active.basis
    days = Tallies(visit.doors.store).read(visit.now, "day", _DAYS)
    before, late = _scores(days[:-_LATE]), _scores(days[-_LATE:])
    shadow = totals(days, "shadow")
    names = ("same", "tighter", "looser")
    rows = [
        Line([name, *(rendering.count(counts[what]) for what in names)])
        for name, counts in sorted(shadow.items(), key=lambda row: (-sum(row[1].values()), row[0]))
    ]
    index = stability(before, late)
    data: dict[str, Any] = {
        "card": None if basis.scorer is None else basis.scorer.card,
        "mode": basis.policy.model.mode,
        "groups": {} if basis.scorer is None else _groups(basis.scorer.card.metrics),
        "drift": index,
        "drift_said": _said(index),
        "least": _LEAST,
        "counts": (sum(before), sum(late)),
        "chart": None
        if not any(late)
        else over_time(
            [
                Series(f"last {_LATE} days", late, rendering.count(sum(late))),
                Series("before", before, rendering.count(sum(before))),
            ],
            together=False,
        ),
        "scores": Table("Signups by score", ["score", f"last {_LATE} days", "before"], _compared(before, late)),
        "shadow": Table("Shadow against live", ["candidate", *names], rows),
    }
    return View("model.html", data)


def stability(before: Sequence[int], late: Sequence[int]) -> float | None:
    """The population stability index of two counts by class, 0 for alike; None where either is too small.

    Half a signup is added to each class, so that an empty one has a logarithm.
    """
    if min(sum(before), sum(late)) < _LEAST:
        return None
    first, second = (_shares(counts) for counts in (before, late))
    return sum((two - one) * math.log(two / one) for one, two in zip(first, second, strict=True))


def _shares(counts: Sequence[int]) -> list[float]:
    whole = sum(counts) + 0.5 * len(counts)
    return [(count + 0.5) / whole for count in counts]


def _said(index: float | None) -> str:
    if index is None:
        return "not known yet"
    return "none" if index < LITTLE else "a little" if index < MUCH else "much: look whether the model still fits"


def _scores(days: Sequence[Bucket]) -> list[int]:
    found = totals(days, "score")
    return [found[each]["n"] if each in found else 0 for each in _CLASSES]


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
