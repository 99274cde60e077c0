"""The worker: keeps looking after the answer was given.

It reads the streams for three groups (what is done about accounts, what about lists, what webhooks are told), looks up
domains and networks, decides accounts again that are due, delivers webhooks and does the chores. Several workers share
all of it; one that is killed leaves nothing undone, because everything it takes is taken for a time only.
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

from riskapi import logs
from riskapi.accounts.agenda import Agenda
from riskapi.accounts.migration import migrate
from riskapi.app import Service
from riskapi.enrichment.doubts import Doubts
from riskapi.enrichment.enricher import Enricher
from riskapi.enrichment.questions import asking
from riskapi.errors import StoreUnavailable
from riskapi.reviews.audits import Audits
from riskapi.settings import Settings
from riskapi.store import beats, consumer
from riskapi.store.consumer import Consumer, DeadLetters, Group
from riskapi.store.streams import StreamEntry, oldest
from riskapi.webhooks.dispatcher import Dispatcher, WebhookClient
from riskapi.webhooks.notices import Notices
from riskapi.worker.chores import Chore, Chores
from riskapi.worker.reactions import Reactions
from riskapi.worker.schedule import Schedule
from riskapi.worker.tallying import Tallying

#: Seconds between two looks where there was nothing to do: a fiftieth of the five within which an answer has to count.
_IDLE = 0.1
#: Seconds after which a reader of a stream looks again for what others left unfinished.
_LOOK = 1.0
#: Seconds after a store that was away is tried again.
_AWAY = 1.0
_HOUR = 3600


class SeenClock:
    """The clock of a service whose callers set the time: the latest time that anything happened at."""

    def __init__(self) -> None:
        self._latest = 0.0

    def __call__(self) -> float:
        """Unix time of the latest entry seen."""
        return self._latest

    def saw(self, entry: StreamEntry) -> None:
        """Note when an entry happened."""
        at = entry.data.get("at")
        if isinstance(at, int | float):
            self._latest = max(self._latest, float(at))


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
        Audits(service.store, service.accounts, service.active),
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
        self.looks = Schedule(self.agenda, service.rescorer, self.clock)
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
        self.chores = Chores(self.store, self._chores())

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

    def readers(self) -> Iterator[Consumer]:
        """A reader for each group. Entries about lists are taken one at a time: others may take those behind it."""
        for group, handle in self.handlers().items():
            if group == "lists":
                yield Consumer(self.store, group, self.name, handle, count=1)
            else:
                yield Consumer(self.store, group, self.name, handle)

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
        works: dict[str, Callable[[], object]] = {"looks": lambda: _repeat("looks", self.looks.step, stop)}
        for reader in self.readers():
            works[reader.group] = partial(_repeat, reader.group, reader.step, stop, wait=reader.wait)
        if self.enricher is not None:
            enricher = self.enricher
            works["enricher"] = lambda: enricher.run(stop)
        # In a thread of its own: a look-up on a slow blocklist holds up no sign of life.
        works["listings"] = lambda: _repeat("listings", self._look_up, stop, beats.BEAT)
        works["dispatcher"] = lambda: self.dispatcher.run(stop)
        works["chores"] = lambda: _repeat("chores", self._beat, stop, beats.BEAT)
        threads = [threading.Thread(target=work, name=name, daemon=True) for name, work in works.items()]
        for thread in threads:
            thread.start()
        return threads

    def sign_off(self) -> None:
        """Say that this worker works no more. Raises :class:`StoreUnavailable`."""
        beats.sign_off(self.store, self.name)

    def _beat(self) -> int:
        """Give a sign of life, and do the chores that are due."""
        now = self._real()
        beats.beat(self.store, self.name, now)
        self._service.parts.metrics.backlog(DeadLetters(self.store).count(), self.waiting())
        findings, active = self._service.findings, self._service.active
        self.doubts.step(now, lambda since, parts: findings.retract(since, parts, active.policy, self.clock()))
        self.chores.step(self.clock())
        return 0

    def _look_up(self) -> int:
        """Have own senders looked up where that is due, and judge what was found; 0: there is no more to do at once."""
        watch = self._service.parts.watch
        if watch.look_up(self.clock()):
            watch.step(self.clock())
        return 0

    def _chores(self) -> dict[str, Chore]:
        parts, active = self._service.parts, self._service.active

        def streams(_: float) -> int:
            return consumer.sweep(self.store, oldest(active.policy.retention.decisions_days))

        return {
            "streams": Chore(_HOUR, streams),
            "lists": Chore(60, parts.lists.expire),
            "platform": Chore(60, parts.watch.step),
            "tallies": Chore(10, Tallying(self.store).step),
            "reviews": Chore(_HOUR, lambda _: parts.reviews.sweep()),
            "accounts": Chore(_HOUR, lambda _: migrate(self.store)),
        }


def _repeat(
    name: str,
    step: Callable[[], int],
    stop: threading.Event,
    idle: float = _IDLE,
    wait: Callable[[float], bool] | None = None,
) -> None:
    """Take steps until told to stop: at once while there is something to do, else after a while, or as soon as
    ``wait(seconds)`` says that there is something; but at least once in :data:`_LOOK` seconds.
    """
    while not stop.is_set():
        pause = idle * random.uniform(0.8, 1.2)  # so that workers do not ask in step
        try:
            if step():
                pause = 0.0
            elif wait is not None and not stop.is_set():
                rest = int(_LOOK / idle)
                while rest and not stop.is_set() and not wait(idle):
                    rest -= 1
                pause = 0.0 if rest else pause
        except StoreUnavailable:
            pause = _AWAY
        except Exception as error:  # a defect must not end the thread: what waits would wait for ever
            logs.note(logging.ERROR, name, error)
            pause = _AWAY
        if pause:
            stop.wait(pause)
