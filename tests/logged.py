"""What was logged."""

from __future__ import annotations

import contextlib
import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

from riskapi import logs

#: Gives the whole lines logged so far.
Lines = Callable[[], list[dict[str, Any]]]


@contextlib.contextmanager
def put_back() -> Iterator[None]:
    """Afterwards logs go where they went before, whatever was configured while the block lasted."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


@contextlib.contextmanager
def captured() -> Iterator[Lines]:
    """Lines logged while the block lasts; afterwards logs go where they went before."""
    stream = io.StringIO()
    with put_back():
        logs.configure("info", stream)
        yield lambda: [json.loads(line) for line in stream.getvalue().split("\n")[:-1]]
