"""Chores: what is cleaned up now and then. Each may run twice, on two hosts at once, or stop in the middle.

A chore is done by whoever finds it due first (``risk:chore:<name>``, which expires when it is due again).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from riskapi import logs
from riskapi.errors import StoreUnavailable
from riskapi.store.connections import Store
from signals.records import record


@record
class Chore:
    """Something to do every so many seconds: takes Unix time, returns how much it cleaned up."""

    seconds: int
    work: Callable[[float], int]


class Chores:
    """Does chores that are due."""

    def __init__(self, store: Store, chores: Mapping[str, Chore]) -> None:
        self._store, self._chores = store, chores

    def step(self, now: float) -> int:
        """Do what is due; returns how many chores were done. Raises :class:`StoreUnavailable`."""
        done = 0
        for name, chore in self._chores.items():
            if self._store.execute("SET", f"risk:chore:{name}", "", "NX", "EX", chore.seconds):
                self._do(name, chore, now)
                done += 1
        return done

    def all(self, now: float) -> dict[str, int]:
        """Do every chore now, due or not; returns how much each cleaned up."""
        return {name: chore.work(now) for name, chore in self._chores.items()}

    def _do(self, name: str, chore: Chore, now: float) -> None:
        try:
            cleaned = chore.work(now)
        except StoreUnavailable:
            raise
        except Exception as error:  # one chore must not keep the others from being done
            logs.note(logging.ERROR, "chore_failed", error, chore=name)
            return
        if cleaned:
            logs.note(logging.INFO, "chore", chore=name, cleaned=cleaned)
