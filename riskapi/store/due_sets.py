"""Sorted sets of what is due, by Unix time: looked at ten times a second, in one command wherever that can be."""

from __future__ import annotations

from collections.abc import Sequence

from riskapi.store.connections import Store
from riskapi.times import unix_text


class DueSets:
    """Some sorted sets whose scores are Unix times. Safe to share between threads."""

    def __init__(self, store: Store, keys: Sequence[str]) -> None:
        self._store, self._keys = store, keys
        self._due = store.script("sets_due")

    def due(self, now: float) -> list[int]:
        """The places, among the keys, of sets in which something is due at Unix time ``now``.

        On a cluster, whose nodes have some of the sets each, it is a command for each of them, in one trip. Raises
        :class:`riskapi.errors.StoreUnavailable`.
        """
        if self._store.is_cluster:
            return [place for place, count in enumerate(self.counts(now)) if count]
        found: list[int] = self._due.call(self._keys, [unix_text(now)])
        return found

    def counts(self, now: float) -> list[int]:
        """How much is due in each set at Unix time ``now``. Raises :class:`riskapi.errors.StoreUnavailable`."""
        pipe = self._store.pipeline()
        for key in self._keys:
            pipe.execute_command("ZCOUNT", key, "-inf", unix_text(now))
        return self._store.run(pipe)
