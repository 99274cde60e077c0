"""What a worker does, one step after another at a clock that stands still: it reacts, and looks at who is due."""

from __future__ import annotations

from collections.abc import Callable

from riskapi.accounts.agenda import Agenda
from riskapi.app import Service
from riskapi.store import consumer
from riskapi.store.consumer import Consumer
from riskapi.store.streams import StreamEntry
from riskapi.worker.large_clusters import LargeClusters
from riskapi.worker.schedule import Schedule
from riskapi.worker.worker import reactions

#: Seconds after which everybody who waits for a ring to open has been looked at.
SETTLED = 5.0


class Work:
    """A worker without threads. Each who is linked waits a few seconds for others; looks are made when that is over."""

    def __init__(self, service: Service, clock: Callable[[], float], *, apart: bool = False) -> None:
        """``clock`` gives Unix time; ``apart``: each entry is handled by itself, as where callers set the clock."""
        agenda = Agenda(service.store)
        consumer.found(service.store)
        react = reactions(service, agenda, clock)
        together = None if apart else react.handle_together
        self._readers = [
            Consumer(service.store, "reactions", "a worker", _raising(react.handle), together=together),
            Consumer(service.store, "lists", "a worker", _raising(react.handle_list)),
        ]
        parts = service.parts
        self.large_clusters = LargeClusters(parts.clusters, parts.consequences.others, clock)
        self._ahead = SETTLED
        self._looks = Schedule(agenda, service.rescorer, lambda: clock() + self._ahead)

    def read(self) -> int:
        """React to as many entries as are read at once, and look at no account. Returns how many entries there were."""
        return sum(reader.step() for reader in self._readers)

    def do(self, ahead: float = SETTLED) -> None:
        """Do what there is to do in ``ahead`` seconds, and what that brings about."""
        self._ahead = ahead
        while self.read() + self.large_clusters.step() + self._looks.step():
            pass


def _raising(handle: Callable[[StreamEntry], None]) -> Callable[[StreamEntry], None]:
    """The same, where a defect ends the test instead of being tried again."""

    def handled(entry: StreamEntry) -> None:
        try:
            handle(entry)
        except Exception as error:
            raise SystemExit(f"{entry.type}: {error!r}") from error

    return handled
