"""The worker: keeps looking after the answer was given.

It reads the streams for three groups (what is done about accounts, what about lists, what webhooks are told), looks up
domains and networks, decides accounts again that are due, looks at large clusters, delivers webhooks and does the
chores. Several workers share all of it; one that is killed leaves nothing undone, because everything it takes is taken
for a time only.
"""

from __future__ import annotations

import logging
import os
import random
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from riskapi import logs
from riskapi.accounts.agenda import Agenda
from riskapi.accounts.migration import migrate
from riskapi.accounts.restricted_accounts import RestrictedAccounts
from riskapi.app import Service
from riskapi.enrichment.doubts import Doubts
from riskapi.enrichment.enricher import Enricher
from riskapi.enrichment.lookups import asking
from riskapi.errors import StoreUnavailable
from riskapi.reviews.random_audit import RandomAudit
from riskapi.settings import Settings
from riskapi.store import consumer, heartbeats
from riskapi.store.consumer import Consumer, DeadLetters, Group
from riskapi.store.streams import StreamEntry, oldest
from riskapi.times import HOUR
from riskapi.webhooks.dispatcher import Dispatcher, WebhookClient
from riskapi.webhooks.notices import TOLD, Notices
from riskapi.worker.chores import Chore, Chores
from riskapi.worker.large_clusters import LargeClusters
from riskapi.worker.reactions import Reactions
from riskapi.worker.schedule import Schedule
from riskapi.worker.tallying import Tallying

#: Seconds between two looks where there was nothing to do: a fiftieth of the five within which an answer has to count.
#: Also between two readings of the streams, so that what comes meanwhile is read, looked up and acknowledged together;
#: what comes alone is read at once.
_IDLE = 0.1
#: Seconds after which a reader of a stream looks again for what others left unfinished.
_LOOK = 1.0
#: Seconds after a store that was away is tried again.
_AWAY = 1.0
#: Where callers set the clock, those who are due are still decided again for so many seconds after the latest thing
#: that happened. It is more than the linked wait, and than the last of 10,000 whom one entry names waits for his turn
#: (agenda.py): otherwise all but the first of them are left until more happens.
_GOES_ON = 120.0


class SeenClock:
    """The clock of a service whose callers set the time: the latest time that anything happened at."""

    def __init__(self, passing: Callable[[], float] = time.monotonic) -> None:
        """``passing`` gives seconds that pass, from any beginning."""
        self._passing = passing
        self._seen: tuple[float, float] | None = None  # when it happened, and when it was seen

    def __call__(self) -> float:
        """Unix time of the latest entry seen; 0 before the first."""
        return self._seen[0] if self._seen is not None else 0.0

    def passed(self) -> float:
        """Unix time of the latest entry seen, and what passed since, two minutes at most; 0 before the first."""
        if self._seen is None:
            return 0.0
        at, seen = self._seen
        return at + min(self._passing() - seen, _GOES_ON)

    def saw(self, entry: StreamEntry) -> None:
        """Note when an entry happened."""
        at = entry.data.get("at")
        if isinstance(at, int | float) and (self._seen is None or at > self._seen[0]):
            self._seen = float(at), self._passing()


def reactions(service: Service, agenda: Agenda, clock: Callable[[], float]) -> Reactions:
    """What reacts to what happened, made of the parts of a process; ``clock`` gives Unix time."""
    parts = service.parts
    return Reactions(
        service.active,
        service.accounts,
        service.gatherer,
        service.findings,
        parts.clusters,
        parts.labels,
        parts.lists,
        service.holds,
        parts.review_decisions,
        parts.consequences,
        parts.intake,
        parts.profiles,
        RandomAudit(service.store, service.accounts, service.active),
        agenda,
        clock,
    )


class Worker:
    """Everything one worker process does, a thread for each sort of work."""

    def __init__(self, service: Service, settings: Settings) -> None:
        """``service`` are the parts of a process, as the HTTP server's have them."""
        self._service, self.store = service, service.store
        self._seen = SeenClock() if settings.replay else None
        real: Callable[[], float] = service.compared or time.time
        self.clock: Callable[[], float] = self._seen or real
        self._real = real
        self.name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
        parts = service.parts
        self.agenda = Agenda(self.store)
        self.reactions = reactions(service, self.agenda, self.clock)
        # Endpoints are outside: they live in the real time, also where callers set the clock.
        self.notices = Notices(parts.webhooks, parts.deliveries, real)
        self.schedule = Schedule(
            self.agenda, service.rescorer, self.clock, self._seen.passed if self._seen is not None else None
        )
        self.large_clusters = LargeClusters(parts.clusters, parts.consequences.others, self.clock)
        self.enricher: Enricher | None = None
        self.doubts = Doubts(self.store, parts.metrics, self.clock)
        if settings.enrichment:
            upstreams = asking(
                settings, parts.ratelimits, lambda: service.active_readers.readers.lists, self.doubts.tell
            )
            self.enricher = Enricher(service.findings, service.active, upstreams, parts.metrics, self.clock)
        webhooks = parts.webhooks
        self.dispatcher = Dispatcher(
            webhooks, parts.deliveries, lambda: WebhookClient(webhooks.guards), parts.metrics, real
        )
        self.chores = Chores(self.store, self._chores(settings))

    def waiting(self) -> int:
        """Domains and networks that wait to be looked up."""
        return self._service.findings.waiting()

    def handlers(self) -> Mapping[Group, Callable[[StreamEntry], None]]:
        """What each group does about an entry."""
        return {
            "reactions": self._handled(self.reactions.handle),
            "notices": self.notices.handle,
            "lists": self._handled(self.reactions.handle_list),
        }

    def readers(self, **more: Any) -> Iterator[Consumer]:
        """A reader for each group; ``more`` is for each :class:`riskapi.store.consumer.Consumer`.

        Entries about lists are taken one at a time: others may take those behind it. Where entries set the clock,
        signups are handled one at a time too, each at the time of its own.
        """
        handlers, store, name = self.handlers(), self.store, self.name
        together = self.reactions.handle_together if self._seen is None else None
        yield Consumer(store, "reactions", name, handlers["reactions"], together=together, **more)
        passed = self.notices.pass_over
        yield Consumer(store, "notices", name, handlers["notices"], together=passed, types=TOLD, **more)
        yield Consumer(store, "lists", name, handlers["lists"], types={"list"}, **{"count": 1, **more})

    def _handled(self, handle: Callable[[StreamEntry], None]) -> Callable[[StreamEntry], None]:
        seen = self._seen
        if seen is None:
            return handle

        def noted(entry: StreamEntry) -> None:
            seen.saw(entry)
            handle(entry)

        return noted

    def start(self, stop: threading.Event) -> list[threading.Thread]:
        """Start all threads, which end when ``stop`` is set, with what they have in hand."""
        works: dict[str, Callable[[], object]] = {"schedule": lambda: _repeat("schedule", self._decide_due, stop)}
        for reader in self.readers():
            works[reader.group] = partial(_repeat, reader.group, partial(_read, reader, stop), stop)
        if self.enricher is not None:
            enricher = self.enricher
            works["enricher"] = lambda: enricher.run(stop)
        works["large clusters"] = lambda: _repeat("large clusters", lambda: self._look_at_clusters(stop), stop)
        # In a thread of its own: a look-up on a slow blocklist does not delay the report that the worker runs.
        works["listings"] = lambda: _repeat("listings", self._look_up, stop)
        works["dispatcher"] = lambda: self.dispatcher.run(stop)
        works["chores"] = lambda: _repeat("chores", self._beat, stop)
        threads = [threading.Thread(target=work, name=name, daemon=True) for name, work in works.items()]
        for thread in threads:
            thread.start()
        return threads

    def sign_off(self) -> None:
        """Say that this worker works no more. Raises :class:`StoreUnavailable`."""
        heartbeats.sign_off(self.store, self.name)

    def _decide_due(self) -> float:
        """Decide again who is due; seconds until the next look."""
        return 0.0 if self.schedule.step() else _about(_IDLE)

    def _look_at_clusters(self, stop: threading.Event) -> float:
        """Look at large clusters that feedback is about; seconds until the next time."""
        return 0.0 if self.large_clusters.step(stop.is_set) else _about(_LOOK)

    def _beat(self) -> float:
        """Report that the worker runs, and do the chores that are due; seconds until the next."""
        now = self._real()
        heartbeats.beat(self.store, self.name, now)
        self._service.parts.metrics.backlog(DeadLetters(self.store).count(), self.waiting())
        findings, active = self._service.findings, self._service.active
        self.doubts.step(now, lambda since, parts: findings.retract(since, parts, active.policy, self.clock()))
        self.chores.step(self.clock())
        return _about(heartbeats.BEAT)

    def _look_up(self) -> float:
        """Have own senders looked up where that is due, and judge what was found; seconds until the next time."""
        monitor = self._service.parts.monitor
        if monitor.look_up(self.clock()):
            monitor.step(self.clock())
        return _about(heartbeats.BEAT)

    def _chores(self, settings: Settings) -> dict[str, Chore]:
        parts, active = self._service.parts, self._service.active

        def streams(_: float) -> int:
            return consumer.sweep(self.store, oldest(active.policy.retention.decisions_days))

        # A store of your own writes its file anew when you tell it (docs/privacy.md).
        embedded = {"erased_files": Chore(HOUR, parts.erasures.clean_disk)} if settings.redis_url is None else {}
        return {
            **embedded,
            "streams": Chore(HOUR, streams),
            "lists": Chore(60, parts.lists.expire),
            "platform": Chore(60, parts.monitor.step),
            "tallies": Chore(10, Tallying(self.store).step),
            "reviews": Chore(HOUR, lambda _: parts.reviews.sweep()),
            "erasures": Chore(10, parts.erasures.finish),
            "restricted": Chore(300, RestrictedAccounts(self.store, self._service.accounts).look),
            "accounts": Chore(HOUR, lambda _: migrate(self.store)),
        }


def _repeat(name: str, step: Callable[[], float], stop: threading.Event) -> None:
    """Take steps until told to stop; each says how many seconds the next one has time."""
    while not stop.is_set():
        try:
            pause = step()
        except StoreUnavailable:
            pause = _AWAY
        except Exception as error:  # a defect must not end the thread: what waits would wait for ever
            logs.note(logging.ERROR, name, error)
            pause = _AWAY
        if pause > 0.0:
            stop.wait(pause)


def _read(reader: Consumer, stop: threading.Event) -> float:
    """Handle what is there; seconds until the next reading. Where there was nothing, the wait for more is over by then:
    something came, or it is time to look for what others left unfinished.
    """
    begun = time.monotonic()
    if reader.step():
        return 0.0 if reader.is_behind else begun + _IDLE - time.monotonic()
    for _ in range(int(_LOOK / _IDLE)):
        if stop.is_set() or reader.wait(_IDLE):
            return 0.0
    return _about(_IDLE)


def _about(seconds: float) -> float:
    """A pause of some seconds, a fifth more or less, so that workers do not ask in step."""
    return seconds * random.uniform(0.8, 1.2)
