"""Drift: whether scores of signups are spread otherwise than some weeks ago. Few fields of a day are read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from riskapi.store.connections import Store
from riskapi.store.tallies import Tallies

#: Days looked at, and those of them that count as late: a week has every weekday.
DAYS, LATE = 30, 7
#: Scores are counted in ten classes, 0 to 9 and so on to 90 to 100.
_CLASSES: Final = [("score", str(each), "n") for each in range(10)]
#: Signups that each side needs before they are compared.
LEAST = 200
#: From when on scores have moved a little, and a lot: the usual reading of the population stability index (Siddiqi,
#: "Credit Risk Scorecards", Wiley 2006).
LITTLE, MUCH = 0.1, 0.25


@dataclass(frozen=True, slots=True)
class Drift:
    """Signups by class of score, in the late days and before, and how far they are apart (None: not known)."""

    before: Sequence[int]
    late: Sequence[int]
    index: float | None

    @property
    def said(self) -> str:
        """How much it is, in words."""
        if self.index is None:
            return "not known yet"
        words = "none" if self.index < LITTLE else "a little" if self.index < MUCH else "much"
        return f"{words}: look whether the model still fits" if words == "much" else words


def drift(store: Store, now: float) -> Drift:
    """The drift at Unix time ``now``. Raises :class:`riskapi.errors.StoreUnavailable`."""
    days = Tallies(store).read_some(now, "day", DAYS, _CLASSES)
    before, late = ([sum(counts) for counts in zip(*some, strict=True)] for some in (days[:-LATE], days[-LATE:]))
    return Drift(before, late, stability(before, late))


def stability(before: Sequence[int], late: Sequence[int]) -> float | None:
    """The population stability index of two counts by class, 0 for alike; None where either is too small.

    Half a signup is added to each class, so that an empty one has a logarithm.
    """
    if min(sum(before), sum(late)) < LEAST:
        return None
    first, second = (_shares(counts) for counts in (before, late))
    return sum((two - one) * math.log(two / one) for one, two in zip(first, second, strict=True))


def _shares(counts: Sequence[int]) -> list[float]:
    whole = sum(counts) + 0.5 * len(counts)
    return [(count + 0.5) / whole for count in counts]
