"""How far a command has come: one line on standard error that is written over and over, where that is a terminal."""

from __future__ import annotations

import sys
import time

#: Seconds between two states that are shown.
_SECONDS = 0.2
#: Characters of a bar.
_WIDTH = 30


class Progress:
    """The line. Elsewhere than on a terminal nothing is written."""

    def __init__(self) -> None:
        self._at, self._on = 0.0, sys.stderr.isatty()

    def say(self, text: str) -> None:
        """Show a text in place of what is there."""
        if self._on:
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)

    def tell(self, text: str) -> None:
        """As :meth:`say`, but no more often than can be read."""
        now = time.monotonic()
        if now >= self._at + _SECONDS:
            self._at = now
            self.say(text)

    def renew(self) -> None:
        """Show what is told next, however shortly after the last."""
        self._at = 0.0

    def end(self) -> None:
        """Take the line away, for other text to stand there."""
        if self._on:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def bar(share: float) -> str:
    """A bar for a share of the work that is done, 0 to 1, such as ``[#####-----]  50 %``."""
    done = int(min(max(share, 0.0), 1.0) * _WIDTH)
    return f"[{'#' * done}{'-' * (_WIDTH - done)}] {share:4.0%}"
