"""How far long work has come, on standard error: a bar on a terminal, elsewhere a plain line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

#: Seconds between two plain lines: short work says nothing.
_SECONDS = 10.0


class LongWork:
    """One piece of long work, such as ``importing``; a context for as long as it takes.

    A terminal shows a bar above which other lines of the command appear, and which is gone in the end. ``total`` is in
    the unit of :meth:`reach`, None where it is unknown; it may change. Nothing is shown unless ``shown``. ``clock``
    counts seconds.
    """

    def __init__(
        self,
        what: str,
        total: float | None = None,
        *,
        shown: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.total = total
        self._what, self._clock, self._said_at = what, clock, clock()
        self._shown = shown
        self._bar: Progress | None = None
        if shown and sys.stderr.isatty():
            columns = (
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TaskProgressColumn(),
                TextColumn("{task.fields[note]}", markup=False),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
            )
            # What goes into a pipe is not for the terminal: only what the terminal shows gets out of the bar's way.
            console = Console(stderr=True, highlight=False)
            self._bar = Progress(*columns, console=console, transient=True, redirect_stdout=sys.stdout.isatty())
            self._task = self._bar.add_task(what, total=total, note="")

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def reach(self, done: float, note: str) -> None:
        """``done`` of the total is done; ``note`` says it in words, such as ``1,200 accounts``."""
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=self.total, note=note)
        elif self._shown and self._clock() >= self._said_at + _SECONDS:
            self._said_at = self._clock()
            share = f"{min(done / self.total, 1):.0%}, " if self.total else ""
            print(f"{self._what}: {share}{note}", file=sys.stderr, flush=True)

    def lines(self, lines: Iterable[bytes], note: Callable[[], str]) -> Iterator[bytes]:
        """The lines, while the bytes of those handed out are counted as done."""
        done = 0
        for line in lines:
            done += len(line)
            self.reach(done, note())
            yield line
