"""Values of options as the command line reads them; ``ArgumentTypeError`` for what nothing can be made of."""

from __future__ import annotations

import math
from argparse import ArgumentTypeError
from pathlib import Path

#: Most days that are simulated: ten years.
_LONGEST = 3650


def days(text: str) -> int:
    """Whole days for which rings send, 1 to 30."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 30:
        raise ArgumentTypeError("a number from 1 to 30: the caps look back no further than a month")
    return int(text)


def count(text: str) -> int:
    """How many of something, 1 or more."""
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise ArgumentTypeError("a whole number, 1 or more")
    return int(text)


def span(text: str) -> float:
    """Days that are simulated, 1 to 3650. A part of a day may be night in a zone, where nobody would ever sign up."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 1 <= found <= _LONGEST:
        raise ArgumentTypeError(f"a number of days from 1 to {_LONGEST}")
    return found


def truth(text: str) -> Path | None:
    """The truth file of a simulation; ``None`` for ``none``."""
    return None if text == "none" else Path(text)
