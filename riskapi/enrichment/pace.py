"""How often an upstream is asked, by all workers together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from riskapi.enrichment.upstream import UpstreamClosed
from riskapi.errors import StoreUnavailable
from riskapi.store.rates import RateLimits

#: Seconds a question waits for its turn, within the thirty of its look-up; after that the look-up is put off.
_PATIENCE = 20.0
#: Seconds after which to come again while the store, which counts the questions, is away.
_AWAY = 5.0


class QueryPace:
    """Spaces the questions to one upstream, ``rate`` a second; ``name`` tells it from others in the store."""

    def __init__(
        self,
        limits: RateLimits,
        name: str,
        rate: float,
        clock: Callable[[], float],
        patience: float = _PATIENCE,
    ) -> None:
        """``clock`` gives Unix time: the real one, also where decisions are replayed. ``patience`` in seconds."""
        self._limits, self._name, self._rate, self._clock = limits, name, rate, clock
        self._patience = patience

    async def __call__(self) -> None:
        """Wait for the turn. Raises :class:`UpstreamClosed` where that would take long.

        While the store is away nobody is asked: what would be said could not be kept.
        """
        waited = 0.0
        while True:
            try:
                found = await asyncio.to_thread(self._limits.take, self._name, self._rate, self._clock())
            except StoreUnavailable:
                raise UpstreamClosed("the store is away", _AWAY) from None
            if found.allowed:
                return
            if waited + found.retry_after > self._patience:
                raise UpstreamClosed("it was asked often enough", found.retry_after)
            waited += found.retry_after
            await asyncio.sleep(found.retry_after)
