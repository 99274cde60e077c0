"""Looks at accounts that are due: decides them again and notes when they are due next."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable

from riskapi import logs
from riskapi.accounts.agenda import Agenda, Item
from riskapi.decisions.rescoring import Rescorer
from riskapi.errors import Problem, StoreUnavailable
from riskapi.store import damaged

#: Seconds an account is ours: fifty decisions take a quarter of a second, the rest is for a store that is slow.
_LEASE = 10.0
#: Accounts taken from a shard at once: a fifth of a second of work.
_COUNT = 50
#: Seconds until an account that could not be decided is tried again. A defect is mended by people, not by haste.
_AFTER_DEFECT = 3600.0


class Schedule:
    """Works off the agenda. Safe to share between threads: each takes accounts of its own."""

    def __init__(
        self, agenda: Agenda, rescorer: Rescorer, clock: Callable[[], float], until: Callable[[], float] | None = None
    ) -> None:
        """``clock`` gives Unix time. ``until`` gives the Unix time up to which accounts are taken, where that is ahead
        of the clock; each is then decided at the time it is due.
        """
        self._agenda, self._rescorer, self._clock, self._until = agenda, rescorer, clock, until or clock

    def step(self) -> int:
        """Look at what is due in every shard; returns how many accounts. Raises :class:`StoreUnavailable`."""
        looked, due = 0, self._agenda.due(self._until())
        for number in random.sample(due, len(due)):
            for item in self._agenda.take(number, self._until(), _LEASE, _COUNT):
                self._agenda.done(item, self._look(item))
                looked += 1
        return looked

    def _look(self, item: Item) -> float | None:
        """Decide an account again; returns when it is due next."""
        try:
            return self._rescorer.again(item.user_id, item.cause, max(self._clock(), item.due)).due
        except StoreUnavailable:
            raise
        except Problem:
            return None  # erased, or expired
        except Exception as error:  # one account must not hold up the others
            damaged.note("account", item.user_id, error)
            logs.note(logging.ERROR, "rescore_failed", error, cause=item.cause.partition(".")[0])
            return self._clock() + _AFTER_DEFECT
