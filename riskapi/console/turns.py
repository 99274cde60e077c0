"""How long a thread computes before another has the interpreter: less while a page is made.

A page computes for some 50 ms, and a signup beside it asks for the interpreter at each trip to the store. With Python's
own 5 ms a turn, p99 of signups beside pages was 38 ms, and with half a millisecond 31. Where no page is made, short
turns only throw threads out of their work: 1,249 signups a second, and 1,361 with Python's own.
"""

from __future__ import annotations

import sys
import threading
from typing import Final

#: Seconds of a turn while a page is made.
SHORT: Final = 0.0005


class ShortTurns:
    """Turns are short while any thread of this process is within; a turn under way ends as it began."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._within = 0
        self._usual = sys.getswitchinterval()

    def __enter__(self) -> None:
        with self._lock:
            if self._within == 0:
                self._usual = sys.getswitchinterval()
                sys.setswitchinterval(SHORT)
            self._within += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._within -= 1
            if self._within == 0:
                sys.setswitchinterval(self._usual)


#: Of this process: the interpreter has one length of turns.
SHORT_TURNS: Final = ShortTurns()
