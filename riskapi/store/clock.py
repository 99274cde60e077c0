"""What time it is: this machine's, unless that is far from the store's, which is the same for every host."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from riskapi import logs
from riskapi.store.connections import Store

#: Seconds by which this machine may differ from the store and is believed. The contract lets callers' clocks differ as
#: much.
FAR = 300.0


class StoreClock:
    """Unix time. Between two comparisons, and while the store is away, the last one holds."""

    def __init__(self, store: Store, own: Callable[[], float] = time.time) -> None:
        """``own`` is this machine's clock."""
        self._store, self._own, self._ahead = store, own, 0.0

    def __call__(self) -> float:
        """What time it is."""
        return self._own() - self._ahead

    @property
    def fault(self) -> str | None:
        """By how much this machine's clock is wrong, as far as that matters; None where it is right."""
        if not self._ahead:
            return None
        return f"{abs(self._ahead):.0f} s {'ahead of' if self._ahead > 0 else 'behind'} the store's: its time counts"

    def compare(self) -> None:
        """Compare with the store. Raises :class:`StoreUnavailable`."""
        found: Any = self._store.client.time()
        seconds, micros = next(iter(found.values())) if isinstance(found, dict) else found  # of a cluster: any node
        ahead = self._own() - (int(seconds) + int(micros) / 1e6)
        before, self._ahead = self._ahead, ahead if abs(ahead) > FAR else 0.0
        if bool(before) != bool(self._ahead):
            logs.note(logging.WARNING if self._ahead else logging.INFO, "clock", ahead_seconds=round(self._ahead))
