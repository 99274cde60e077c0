"""Values that a visitor's browser, clock or keyboard controls: whatever they are, a signup with them gets an answer.

A body keeps them bounded, and one step past the bound where they lie past it, so that whoever reads a stored body finds
the same things wrong with it as the first reader did. :mod:`riskapi.inputs.input_warnings` tells what is read of them.
"""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field

from riskapi.times import EARLIEST, LATEST, instant_of

#: Characters that are read of a text. Browsers send agents of up to about 400.
LONGEST: Final = 2048
#: Characters that are read of a text of ``custom_inputs``, as the HTTP contract says.
LONGEST_CUSTOM: Final = 255
#: Names of pasted fields that are read. No signup form has as many.
MOST_FIELDS: Final = 50
#: The largest count: the largest number that a browser counts to exactly (ECMA-262, Number.MAX_SAFE_INTEGER, and one).
LARGEST: Final = 2**53
#: What a number of ``custom_inputs`` is kept as when it is NaN or too large (IEEE 754, binary64).
NOT_FINITE: Final = sys.float_info.max

#: Years beyond four digits as a browser's clock writes them (ECMA-262, 21.4.1.32), and the year 0, which RFC 3339 has
#: and Python has not.
_FAR_YEAR = re.compile(r"([+-])\d{6}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z|0000-\d\d-\d\d[Tt ].*")


def _kept_text(value: str) -> str:
    return value if len(value) <= LONGEST else value[: LONGEST + 1]


def _kept_names(value: list[str]) -> list[str]:
    return value if len(value) <= MOST_FIELDS else value[: MOST_FIELDS + 1]


def _kept_count(value: int | float) -> int | float:
    """A count, or what shows why it is not one: a fraction, -1 or less, or more than the largest."""
    if type(value) is int and 0 <= value <= LARGEST:  # as nearly all are
        return value
    if not -LARGEST <= value <= LARGEST:  # and what is not a number
        return LARGEST + 1 if value > 0 else -1
    return int(value) if value == int(value) else value


def _kept_scalar(value: str | bool | int | float | None) -> str | bool | int | float | None:
    if isinstance(value, str):
        return value[: LONGEST_CUSTOM + 1]
    # This is for whole numbers too: one of 309 digits or more cannot be read back out of JSON.
    return value if value is None or -NOT_FINITE <= value <= NOT_FINITE else NOT_FINITE


def _clock(value: object) -> datetime:
    """As :func:`riskapi.times.instant_of`. Years that only a wrong clock has are cut to the first and the last."""
    far = _FAR_YEAR.fullmatch(value) if isinstance(value, str) else None
    return instant_of(value) if far is None else datetime.fromtimestamp(LATEST if far[1] == "+" else EARLIEST, UTC)


_Float = Annotated[float, Field(allow_inf_nan=True)]
#: Text that a visitor typed, or that the browser sent.
VisitorText = Annotated[str, AfterValidator(_kept_text)]
#: A count or a duration that was measured in the browser: whole, and 0 or more.
VisitorCount = Annotated[int | _Float, AfterValidator(_kept_count)]
#: Names of fields of the form. One that is not text stands for all: a body may have 500,000.
VisitorNames = Annotated[list[VisitorText], Field(fail_fast=True), AfterValidator(_kept_names)]
#: What the caller passes through without a meaning for us.
VisitorScalar = Annotated[str | bool | int | _Float | None, AfterValidator(_kept_scalar)]
#: A time of the visitor's clock.
VisitorTime = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_clock, json_schema_input_type=datetime)]
