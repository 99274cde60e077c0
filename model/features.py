"""From readings to the numbers a model sees, for one signup and for many, by the same rule.

``None``, and a reading that is not there because it was recorded before its signal existed, become
NaN: unknown is never zero. ``True`` is 1.0 and ``False`` 0.0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from signals.registry import Value

NAN = float("nan")


def row(readings: Mapping[str, Value], columns: Sequence[str]) -> list[float]:
    """The readings in the order of ``columns``: as numbers, or as booleans, which are 1 and 0 to whoever takes them.

    No column holds text, as ``signals.registry`` sees to: whoever takes it raises an error.
    """
    return _numbers(map(readings.get, columns))


def reader(columns: Sequence[str]) -> Callable[[Mapping[str, Value]], list[float]]:
    """As :func:`row`, prepared for many rows of these columns: a third faster where every reading is there."""
    if len(columns) < 2:  # of one column ``itemgetter`` gives the value itself
        return lambda readings: row(readings, columns)
    values = itemgetter(*columns)

    def read(readings: Mapping[str, Value]) -> list[float]:
        try:
            return _numbers(values(readings))
        except KeyError:  # recorded before its signal existed
            return row(readings, columns)

    return read


def _numbers(values: Iterable[Any]) -> list[float]:
    return [NAN if value is None else value for value in values]


def matrix(rows: Iterable[Mapping[str, Value]], columns: Sequence[str]) -> npt.NDArray[np.float64]:
    """Many readings as a float64 matrix, one row a decision, one column a name in ``columns``."""
    found = [row(readings, columns) for readings in rows]
    return np.array(found, dtype=np.float64).reshape(len(found), len(columns))
