"""Doubts: sources asked after the answer that are not believed just now, and what operators are told of it.

Each worker asks for itself; what it doubts is kept in the store for as long as it says so, for ``/readyz`` and
``doctor``.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping

from riskapi import logs
from riskapi.enrichment.sources import DOUBTS, Doubt, Part, Source, doubtful
from riskapi.metrics import Metrics
from riskapi.store.connections import Store

#: What workers doubt (source and doubt), by when they said so last. No TTL: what is old leaves it, and is not read.
KEY = "risk:doubts"
#: Seconds after which a doubt that nobody repeats is over: a worker repeats it every five.
GONE = 60.0
#: Times that what was said is taken back for one doubt: what was under way when it began is written down a little
#: later.
_TIMES = 2
_WORDS: Mapping[str, Mapping[str, str]] = {str(source): words for source, words in DOUBTS.items()}


class Doubts:
    """What one worker doubts. Safe to share between threads. ``clock`` is the clock that findings are dated by."""

    def __init__(self, store: Store, metrics: Metrics, clock: Callable[[], float]) -> None:
        self._store, self._metrics, self._clock = store, metrics, clock
        self._lock = threading.Lock()
        self._held: dict[Source, Doubt] = {}
        self._ended: set[str] = set()
        self._since, self._doubtful, self._times = 0.0, frozenset[Part](), 0
        for source in DOUBTS:
            metrics.doubted(source, False)

    def tell(self, source: Source, doubt: Doubt | None, seconds: float) -> None:
        """Note that a source is doubted, from ``seconds`` ago on, or believed again (``None``): one line of the log,
        and a metric.
        """
        with self._lock:
            before = self._held.pop(source, None)
            if before is not None:
                self._ended.add(f"{source} {before}")
            if doubt is not None:
                self._held[source] = doubt
                self._ended.discard(f"{source} {doubt}")
            if source == "dns" and (parts := doubtful(doubt)):
                self._since, self._doubtful, self._times = self._clock() - seconds, parts, _TIMES
        self._metrics.doubted(source, doubt is not None)
        if doubt is not None:
            logs.note(logging.WARNING, "source_doubted", source=source, doubt=doubt, because=DOUBTS[source][doubt])
        else:
            logs.note(logging.INFO, "source_believed", source=source)

    def step(self, now: float, retract: Callable[[float, frozenset[Part]], object]) -> None:
        """Say in the store at Unix time ``now`` what is doubted, and have taken back what DNS said: ``retract`` gets
        the time since when, and what of it is doubted. Raises :class:`riskapi.errors.StoreUnavailable`, and is then
        done anew.
        """
        with self._lock:
            held, ended = dict(self._held), set(self._ended)
            since, parts, times = self._since, self._doubtful, self._times
        pipe = self._store.pipeline()
        pipe.execute_command("ZREMRANGEBYSCORE", KEY, "-inf", repr(now - GONE))
        for name in ended:
            pipe.execute_command("ZREM", KEY, name)
        for source, doubt in held.items():
            pipe.execute_command("ZADD", KEY, repr(now), f"{source} {doubt}")
        self._store.run(pipe)
        if times:
            retract(since, parts)
        with self._lock:
            self._ended -= ended
            if times and self._since == since:
                self._times = times - 1


def doubted(store: Store, now: float) -> dict[str, str]:
    """What is wrong, in words, with the sources that some worker doubts at Unix time ``now``.

    Raises :class:`riskapi.errors.StoreUnavailable`.
    """
    found: dict[str, str] = {}
    for entry in store.execute("ZRANGEBYSCORE", KEY, repr(now - GONE), "+inf"):
        source, _, doubt = entry.decode().partition(" ")
        words = _WORDS.get(source, {})
        if doubt in words:  # a newer release may know others
            found[source] = words[doubt]
    return found
