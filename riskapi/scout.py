"""The scout: takes what waits to be looked up, asks upstreams about it, and brings back what they said.

Each family of upstreams has its own queue and its own places, so that registries that answer slowly hold up no question
to DNS. A look-up that fails is tried again later and later, and given up at last: what nobody answers is unknown, and
nobody waits for it for ever.
"""

from __future__ import annotations

import asyncio
import logging
import random
import threading
from collections.abc import Callable
from typing import get_args

from riskapi import logs
from riskapi.enrichment.asking import Asking
from riskapi.enrichment.upstream import UpstreamClosed, UpstreamError
from riskapi.errors import StoreUnavailable
from riskapi.findings import Family, Findings, Task
from riskapi.judge import Court
from riskapi.metrics import Metrics
from riskapi.outbox import SHARDS

#: Seconds a look-up may take in all; one that is taken over by another worker was given up long before. Ours.
_TOTAL, _LEASE = 30.0, 60.0
#: Seconds after which a look-up that failed is tried again, the last try being the one after the last pause. Ours.
PAUSES = (5.0, 30.0, 120.0, 600.0)
#: Seconds between two looks at queues that are empty.
_IDLE = 0.1
#: Seconds those under way are given when the worker stops; then their leases run out and others take them over.
_GRACE = 5.0


class Scout:
    """Looks up. One a worker process, with a thread and an event loop of its own."""

    def __init__(
        self,
        findings: Findings,
        court: Court,
        asking: Asking,
        metrics: Metrics,
        clock: Callable[[], float],
    ) -> None:
        """``clock`` gives Unix time."""
        self._findings, self._court, self._asking = findings, court, asking
        self._metrics, self._clock = metrics, clock

    def run(self, stop: threading.Event) -> None:
        """Look up until ``stop`` is set, and finish then what is under way, or leave it to others."""
        asyncio.run(self._run(stop))

    def step(self) -> int:
        """Look up what is due now and wait for all of it; returns how much it was."""

        async def once() -> int:
            try:
                at_once = self._asking.at_once.items()
                tasks = [task for family, most in at_once for task in self._taken(family, most)]
                await asyncio.gather(*map(self._look_up, tasks))
                return len(tasks)
            finally:
                await self._asking.close()

        return asyncio.run(once())

    async def _run(self, stop: threading.Event) -> None:
        try:
            await asyncio.gather(*(self._attend(family, stop) for family in get_args(Family)))
        finally:
            await self._asking.close()

    async def _attend(self, family: Family, stop: threading.Event) -> None:
        under_way: set[asyncio.Task[None]] = set()
        most = self._asking.at_once[family]
        while not stop.is_set():
            try:
                tasks = await asyncio.to_thread(self._taken, family, most - len(under_way))
            except StoreUnavailable:
                tasks = []
            except Exception as error:  # a defect must not end the scout: what waits would wait for ever
                logs.note(logging.ERROR, "scout", error)
                tasks = []
            for task in tasks:
                begun = asyncio.create_task(self._look_up(task))
                under_way.add(begun)
                begun.add_done_callback(under_way.discard)
            if not tasks or len(under_way) >= most:
                await asyncio.sleep(_IDLE)
        if under_way:
            await asyncio.wait(under_way, timeout=_GRACE)

    def _taken(self, family: Family, most: int) -> list[Task]:
        """Up to ``most`` tasks, from whichever shards have any; those that were looked at last come first this time."""
        tasks: list[Task] = []
        for number in random.sample(range(SHARDS), SHARDS) if most > 0 else ():
            tasks += self._findings.take(number, family, self._clock(), _LEASE, most - len(tasks))
            if len(tasks) >= most:
                break
        return tasks

    async def _look_up(self, task: Task) -> None:
        try:
            await self._concluded(task)
        except StoreUnavailable:
            pass  # the lease runs out, and it is looked up again
        except Exception as error:
            logs.note(logging.ERROR, "look_up", error, kind=task.subject.kind)

    async def _concluded(self, task: Task) -> None:
        kind, findings, policy = task.subject.kind, self._findings, self._court.policy
        try:
            async with asyncio.timeout(_TOTAL):
                said = await self._asking.about[kind](task.subject.value, self._clock())
        except UpstreamClosed as closed:
            self._metrics.look_up(kind, "postponed")
            due = self._clock() + (closed.retry_after or PAUSES[0])
            await asyncio.to_thread(findings.postpone, task, due)
        except Exception as error:
            if not isinstance(error, UpstreamError | TimeoutError):
                logs.note(logging.ERROR, "look_up", error, kind=kind)  # a defect, which must not be asked for ever
            pause = self._pause(task, error)
            self._metrics.look_up(kind, "given_up" if pause is None else "retried")
            if pause is None:
                await asyncio.to_thread(findings.give_up, task, policy, self._clock())
            else:
                await asyncio.to_thread(findings.retry, task, self._clock() + pause)
        else:
            self._metrics.look_up(kind, "found")
            await asyncio.to_thread(findings.finish, task, said, policy, self._clock())

    @staticmethod
    def _pause(task: Task, error: Exception) -> float | None:
        """Seconds until the next try, a fifth more or less so that not all come at once; None when it was the last."""
        if task.tries > len(PAUSES):
            return None
        asked = getattr(error, "retry_after", None) or 0.0
        return max(float(asked), PAUSES[task.tries - 1]) * random.uniform(0.8, 1.2)
