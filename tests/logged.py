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
def captured() -> Iterator[Lines]:
    """Lines logged while the block lasts; afterwards logs go where they went before."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stream = io.StringIO()
    logs.configure("info", stream)
    try:
        yield lambda: [json.loads(line) for line in stream.getvalue().split("\n")[:-1]]
    finally:
        root.handlers[:] = before[0]
        root.setLevel(before[1])
