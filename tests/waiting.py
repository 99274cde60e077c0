"""Waiting for a state, with a deadline."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Found = TypeVar("Found")


def until(found: Callable[[], Found], seconds: float = 90.0, pause: float = 0.01) -> Found:
    """What ``found`` gives as soon as it is true. AssertionError when it is not true in time.

    ``pause`` is between two looks, in seconds: longer where a look takes long, so that others get on meanwhile.
    """
    deadline = time.monotonic() + seconds
    while not (last := found()):
        assert time.monotonic() < deadline, f"waited {seconds} seconds, in vain"
        time.sleep(pause)
    return last


def await_text(file: Path, pattern: str, seconds: float = 30.0) -> str:
    """What matches in a file, as soon as it does."""
    return until(lambda: re.search(pattern, file.read_text()), seconds).group()  # type: ignore[union-attr]
