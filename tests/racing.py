"""Work that is done at once, and what went wrong with it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

from riskapi.errors import Problem


def raised(found: list[Any]) -> list[Any]:
    """What went wrong otherwise than by a problem that the API would answer."""
    return [
        f"{type(each).__name__}: {each}"
        for each in found
        if isinstance(each, BaseException) and not isinstance(each, Problem)
    ]


@contextlib.contextmanager
def beside(work: Callable[[], object], threads: int) -> Iterator[list[BaseException]]:
    """Do ``work`` again and again in threads as long as the block lasts, and at least once afterwards."""
    stop, wrong = threading.Event(), []  # type: threading.Event, list[BaseException]

    def run() -> None:
        last = False
        while not last:
            last = stop.is_set()
            try:
                work()
            except Exception as error:
                wrong.append(error)
                return

    found = [threading.Thread(target=run) for _ in range(threads)]
    for thread in found:
        thread.start()
    try:
        yield wrong
    finally:
        stop.set()
        for thread in found:
            thread.join()
