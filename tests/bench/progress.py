"""How far a benchmark is: a bar for a person at a terminal, plain lines for everybody else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

#: Plain lines of one step: every tenth of it.
_LINES = 10


class Steps:
    """Shows one step after another on ``console``, which is standard error unless said otherwise."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)

    @contextmanager
    def step(self, name: str, total: int) -> Iterator[Callable[[int], None]]:
        """Show a step of ``total`` parts; what is yielded is told how many more are done."""
        if self._console.is_terminal:
            columns = (
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
            )
            with Progress(TextColumn("{task.description:<34}"), *columns, console=self._console) as shown:
                task = shown.add_task(name, total=total)
                yield lambda more: shown.advance(task, more)
            return
        self._console.out(f"{name}: {total:,}", highlight=False)
        done = 0

        def advance(more: int) -> None:
            nonlocal done
            before, done = done, done + more
            if total > _LINES and before * _LINES // total != done * _LINES // total:
                self._console.out(f"  {done:,} of {total:,}", highlight=False)

        yield advance
