"""What signups leave to a worker, done in this process when it is told to."""

from __future__ import annotations

import time

from riskapi.app import Service
from riskapi.settings import Settings
from riskapi.worker.schedule import Schedule
from riskapi.worker.worker import Worker
from tests.bench.counters import counters

#: Seconds ahead of now that those who are linked are looked at: all wait less for others, and nobody waits here.
_AHEAD = 60.0


class Afterwards:
    """A worker without threads, which does everything at once."""

    def __init__(self, service: Service, settings: Settings) -> None:
        worker = Worker(service, settings)
        self._store, self._readers = service.store, list(worker.readers())
        self._clusters = worker.large_clusters
        self._looks = Schedule(worker.agenda, service.rescorer, time.time, lambda: time.time() + _AHEAD)

    def do(self) -> float:
        """Do all there is to do; microseconds of this process and of the store. What happened is read first, so that
        everybody is decided again once because of it.
        """
        before, begin = counters(self._store), time.process_time()
        while sum(reader.step() for reader in self._readers) or self._clusters.step() or self._looks.step():
            pass
        return 1e6 * (time.process_time() - begin + (counters(self._store) - before).busy)
