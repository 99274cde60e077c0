"""Shares and rates with 95 % confidence intervals. Pure."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from riskapi.contract import Count
from riskapi.feedback.triggers import wilson

#: Standard deviations of a two-sided 95 % interval of the normal distribution.
_SURE = 1.959964


class Share(TypedDict):
    """``count`` of ``of``, as a share from 0 to 1 with its 95 % interval; null of nothing."""

    count: Count
    of: Count
    share: float | None
    low: Annotated[float, Field(description="Wilson's interval; 0 of nothing.")]
    high: Annotated[float, Field(description="Wilson's interval; 1 of nothing.")]


class Rate(TypedDict):
    """How many a day, with its 95 % interval."""

    a_day: float
    low: float
    high: float


class BeforeAndAfter(TypedDict):
    """A share under the policy in force, and under the one that was tried."""

    before: Share
    after: Share


def share(count: int, of: int) -> Share:
    """A share with Wilson's interval (Brown, Cai and DasGupta, Statistical Science 16, 2001)."""
    return {
        "count": count,
        "of": of,
        "share": round(count / of, 6) if of else None,
        "low": round(wilson(count, of, _SURE), 6),
        "high": round(1.0 - wilson(of - count, of, _SURE), 6),
    }


def rate(count: int, days: float) -> Rate:
    """``count`` in so many days, a day. The interval is Byar's for a Poisson count (Breslow and Day, Statistical
    Methods in Cancer Research II, 1987, section 2.3).
    """
    low = count * (1 - 1 / (9 * count) - _SURE / (3 * math.sqrt(count))) ** 3 if count else 0.0
    more = count + 1
    high = more * (1 - 1 / (9 * more) + _SURE / (3 * math.sqrt(more))) ** 3
    return {"a_day": round(count / days, 2), "low": round(max(low, 0.0) / days, 2), "high": round(high / days, 2)}
