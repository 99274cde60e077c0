"""Remembering that the store is away, so that only one caller a second pays for finding out."""

from __future__ import annotations

import time
from collections.abc import Callable

from riskapi.errors import StoreUnavailable

#: Seconds a store that failed is left alone: long enough that callers do not all wait for its time-out.
AWAY_SECONDS = 1.0


class Circuit:
    """Closed while the store answers; open for a while after it did not."""

    def __init__(self, seconds: float = AWAY_SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock, self._until = seconds, clock, 0.0

    def check(self) -> None:
        """Raise :class:`StoreUnavailable` while open; the first caller after that time is the probe."""
        if not self._until:
            return
        now = self._clock()
        if now < self._until:
            raise StoreUnavailable("the store was away a moment ago")
        self._until = now + self._seconds

    def failed(self) -> None:
        """The store did not answer."""
        self._until = self._clock() + self._seconds

    def answered(self) -> None:
        """The store answered."""
        self._until = 0.0
