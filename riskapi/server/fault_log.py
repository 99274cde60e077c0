"""What is wrong now with the store and the disk: said in the log when it begins and when it ends, shown as a metric."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable

from riskapi import logs
from riskapi.metrics import Metrics
from riskapi.settings import Settings
from riskapi.store import condition, disk
from riskapi.store.connections import Store
from riskapi.store.faults import MINOR, NAMES, Fault, Name

#: Seconds between two looks.
_LOOK = 1.0
#: Looks without a fault after which it is over: one that comes and goes is one.
_OVER = 5


def found(store: Store, settings: Settings) -> list[Fault]:
    """Every fault of the store and of the disk of the data directory."""
    room = disk.fault(settings.data_dir)
    return [*condition.faults(store), *([room] if room is not None else [])]


class FaultLog:
    """Remembers which faults there are. ``look`` asks for them; ``metrics`` are told."""

    def __init__(self, look: Callable[[], Iterable[Fault]], metrics: Metrics) -> None:
        self._find, self._metrics = look, metrics
        self._since: dict[Name, int] = {}

    def look(self) -> None:
        """Look once: log what has begun and what is over."""
        seen = {fault.name: fault for fault in self._find()}
        for name, fault in seen.items():
            if name not in self._since:
                level = logging.WARNING if name in MINOR else logging.ERROR
                logs.note(level, "fault_began", fault=name, said=fault.said)
            self._since[name] = 0
        for name in [name for name in self._since if name not in seen]:
            self._since[name] += 1
            if self._since[name] >= _OVER:
                del self._since[name]
                logs.note(logging.INFO, "fault_ended", fault=name)
        for name in NAMES:
            self._metrics.fault(name, name in self._since)


def watch(store: Store, settings: Settings, metrics: Metrics, stop: threading.Event) -> None:
    """Look from a thread of its own until ``stop`` is set."""
    fault_log = FaultLog(lambda: found(store, settings), metrics)

    def run() -> None:
        while True:
            try:
                fault_log.look()
            except Exception as error:  # a defect here must not leave the rest unwatched
                logs.note(logging.ERROR, "fault_log", error)
            if stop.wait(_LOOK):
                return

    threading.Thread(target=run, name="fault_log", daemon=True).start()
