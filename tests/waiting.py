"""Waiting for a state, with a deadline."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Found = TypeVar("Found")

#: What is waited for for long is looked at less often: the pause grows to this share of the time that is over, and to
#: so many seconds at most. A look may take as much of the processor as what it waits for.
_SHARE, _LONGEST = 0.05, 0.1


def until(found: Callable[[], Found], seconds: float = 90.0, pause: float = 0.01) -> Found:
    """What ``found`` gives as soon as it is true. AssertionError when it is not true in time.

    ``pause`` is between the first two looks, in seconds: longer where a look takes long, so that others get on
    meanwhile.
    """
    begun = time.monotonic()
    while not (last := found()):
        waited = time.monotonic() - begun
        assert waited < seconds, f"waited {seconds} seconds, in vain"
        time.sleep(max(pause, min(waited * _SHARE, _LONGEST)))
    return last


def await_text(file: Path, pattern: str, seconds: float = 90.0) -> str:
    """What matches in a file, as soon as it does."""
    return until(lambda: re.search(pattern, file.read_text()), seconds).group()  # type: ignore[union-attr]
