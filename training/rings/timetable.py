"""What happens in a trial, in the order of time: many processes, each of which says when it wants to go on."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator
from itertools import count

#: Something that goes on for a while: it yields the Unix time at which it wants to go on. It does nothing before its
#: first yield, for nothing has happened by then.
Process = Generator[float, None, None]


class Timetable:
    """Runs processes one step at a time, whoever is due first. The same processes run in the same order every time."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Process]] = []
        self._order = count()

    def add(self, process: Process) -> None:
        """Have a process run. A process that is running may add others."""
        self._go_on(process)

    def run(self, tell: Callable[[float], None]) -> None:
        """Run until every process has ended. ``tell`` is given the Unix time of each step before it is taken."""
        now = 0.0
        while self._due:
            due, _, process = heapq.heappop(self._due)
            now = max(now, due)
            tell(now)
            self._go_on(process)

    def _go_on(self, process: Process) -> None:
        due = next(process, None)
        if due is not None:
            heapq.heappush(self._due, (due, next(self._order), process))
