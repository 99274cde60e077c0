"""Heartbeats of workers: when each was heard of last, for commands and pages that say which of them run."""

from __future__ import annotations

from typing import Final

from riskapi.store.connections import Store
from riskapi.store.replies import scored

#: Workers that were heard of within the last minutes, by when. No TTL: those silent for long leave it.
WORKERS: Final = "risk:workers"
#: Seconds between two reports of a worker, and after how many it counts as gone.
BEAT, GONE = 5.0, 60.0


def beat(store: Store, name: str, now: float) -> None:
    """Note that a worker is there at Unix time ``now``. Raises :class:`riskapi.errors.StoreUnavailable`."""
    pipe = store.pipeline()
    pipe.execute_command("ZADD", WORKERS, repr(now), name)
    pipe.execute_command("ZREMRANGEBYSCORE", WORKERS, "-inf", repr(now - GONE))
    store.run(pipe)


def sign_off(store: Store, name: str) -> None:
    """Note that a worker works no more. Raises :class:`riskapi.errors.StoreUnavailable`."""
    store.execute("ZREM", WORKERS, name)


def working(store: Store, now: float) -> dict[str, float]:
    """Names of the workers that were heard of lately, and how many seconds ago that was. Raises
    :class:`riskapi.errors.StoreUnavailable`.
    """
    found = store.execute("ZRANGEBYSCORE", WORKERS, repr(now - GONE), "+inf", "WITHSCORES")
    return {name: max(now - at, 0.0) for name, at in scored(found)}
