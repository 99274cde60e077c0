"""The enricher: takes what waits to be looked up, asks upstreams about it, and brings back what they said.

Each family of upstreams has its own queue and its own places, so that registries that answer slowly hold up no question
to DNS. A look-up that fails is tried again later and later, and given up at last: what nobody answers is unknown, and
nobody waits for it for ever.
"""

from __future__ import annotations

import asyncio
import logging
import random
import threading
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any

from riskapi import logs
from riskapi.enrichment.findings import Findings
from riskapi.enrichment.lookups import Lookups
from riskapi.enrichment.subjects import Family, Task
from riskapi.enrichment.upstream import UpstreamClosed, UpstreamDoubted, UpstreamError
from riskapi.errors import StoreUnavailable
from riskapi.metrics import Metrics
from riskapi.policy.active import ActiveBasis
from riskapi.times import DAY

#: Seconds a look-up may take in all, and for how long it is ours at a time: what a killed worker had is taken over
#: then.
_TOTAL, _LEASE = 30.0, 10.0
#: Names of one owner that are looked up at once, and seconds that others of theirs are put off.
_EACH, _PUT_OFF = 4, 10.0
#: Seconds after which what could not even be asked about is given up: it waits in plain, and not for ever. A day.
_PATIENCE = float(DAY)
#: Seconds after which a look-up that failed is tried again, the last try being the one after the last pause.
PAUSES = (5.0, 30.0, 120.0, 600.0)
#: Seconds between two looks at queues that are empty.
_IDLE = 0.1
#: Seconds between two looks whether the resolver is believed, while it is and while it is not.
_WATCH, _WATCH_DOUBTED = 300.0, 15.0
#: Seconds that look-ups under way are given when the worker stops; then they are handed back.
_GRACE = 3.0


class Enricher:
    """Looks up. One a worker process, with a thread and an event loop of its own."""

    def __init__(
        self,
        findings: Findings,
        active: ActiveBasis,
        asking: Lookups,
        metrics: Metrics,
        clock: Callable[[], float],
    ) -> None:
        """``clock`` gives Unix time."""
        self._findings, self._active, self._asking = findings, active, asking
        self._metrics, self._clock = metrics, clock

    def run(self, stop: threading.Event) -> None:
        """Look up until ``stop`` is set, and finish then what is under way, or leave it to others."""
        asyncio.run(self._run(stop))

    def step(self) -> int:
        """Look up what is due now and wait for all of it; returns how much it was."""

        async def once() -> int:
            tasks = self._taken(self._asking.at_once)
            await self._all(map(self._look_up, tasks))
            return len(tasks)

        return asyncio.run(once())

    async def _run(self, stop: threading.Event) -> None:
        await self._all((self._attend(stop), self._watch(stop)))

    async def _all(self, work: Iterable[Coroutine[Any, Any, None]]) -> None:
        """Do all of this at once, and close what is connected. Where one part fails, the others end before that: they
        would connect again.
        """
        tasks = [asyncio.ensure_future(each) for each in work]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._asking.close()

    async def _watch(self, stop: threading.Event) -> None:
        """Look now and then whether the resolver is believed, so that operators are told also when nobody signs up."""
        watch, clock, due = self._asking.watch, asyncio.get_running_loop().time, 0.0
        while watch is not None and not stop.is_set():
            if clock() >= due:
                verdict = await watch()
                due = clock() + (_WATCH if verdict.doubt is None else _WATCH_DOUBTED)
            await asyncio.sleep(_IDLE)

    async def _attend(self, stop: threading.Event) -> None:
        """Begin with what is due of each family while it has room: one look at all queues is one trip to the store."""
        at_once = self._asking.at_once
        under_way: dict[Family, dict[asyncio.Task[None], str]] = {family: {} for family in at_once}

        def room() -> dict[Family, int]:
            return {family: most - len(under_way[family]) for family, most in at_once.items()}

        while not stop.is_set():
            try:
                tasks = await asyncio.to_thread(self._taken, room())
            except StoreUnavailable:
                tasks = []
            except Exception as error:  # a defect must not end the enricher: what waits would wait for ever
                logs.note(logging.ERROR, "enricher", error)
                tasks = []
            for task in tasks:
                owner, beside = self._owner(task), under_way[task.subject.family]
                if list(beside.values()).count(owner) >= _EACH:
                    await self._put_off(task)
                    continue
                begun = asyncio.create_task(self._look_up(task))
                beside[begun] = owner
                begun.add_done_callback(beside.pop)
            left = room()
            if not any(left[task.subject.family] for task in tasks):
                await asyncio.sleep(_IDLE)
        rest = [each for beside in under_way.values() for each in beside]
        if rest:
            await asyncio.wait(rest, timeout=_GRACE)
            cancelled = [each for each in rest if each.cancel()]
            await asyncio.gather(*cancelled, return_exceptions=True)

    def _owner(self, task: Task) -> str:
        name = task.subject.value
        return name if task.subject.kind == "registrant" else self._asking.owner(name)

    async def _put_off(self, task: Task) -> None:
        """One owner's names take no more than some of the places: one that never answers would take them all."""
        try:
            due = self._clock() + _PUT_OFF * random.uniform(0.5, 1.5)
            await asyncio.to_thread(self._findings.postpone, task, due)
        except StoreUnavailable:
            pass  # the lease runs out

    def _taken(self, room: Mapping[Family, int]) -> list[Task]:
        """As many tasks of each family as there is ``room`` for, from whichever shards have any, in another order each
        time: those that were looked at last come first then.
        """
        tasks: list[Task] = []
        due = self._findings.due(self._clock()) if any(room.values()) else {}
        for family, numbers in due.items():
            left = room[family]
            for number in random.sample(numbers, len(numbers)):
                if left > 0:
                    taken = self._findings.take(number, family, self._clock(), _LEASE, left)
                    tasks, left = tasks + taken, left - len(taken)
        return tasks

    async def _look_up(self, task: Task) -> None:
        """Look up, keep the task meanwhile, and write down what came of it; when told to stop, hand it back."""
        held = _Held(task)
        renewing = asyncio.create_task(self._renew(held))
        try:
            conclude = await self._asked(task)
        except asyncio.CancelledError:
            conclude = self._handed_back
            raise
        finally:
            async with held.lock:
                renewing.cancel()
            try:
                await asyncio.to_thread(conclude, held.task)
            except StoreUnavailable:
                pass  # the lease runs out, and it is looked up again
            except Exception as error:
                logs.note(logging.ERROR, "look_up", error, kind=task.subject.kind)

    async def _renew(self, held: _Held) -> None:
        """Keep a task for as long as it takes: leases are short, so that a killed worker's is soon taken over."""
        while True:
            await asyncio.sleep(_LEASE / 3)
            async with held.lock:
                try:
                    task = await asyncio.to_thread(self._findings.renew, held.task, self._clock() + _LEASE)
                except StoreUnavailable:
                    continue
                if task is None:
                    return
                held.task = task

    def _handed_back(self, task: Task) -> None:
        self._findings.postpone(task, self._clock())

    async def _asked(self, task: Task) -> Callable[[Task], object]:
        """Ask, and say what is to be written down then."""
        kind, findings, policy = task.subject.kind, self._findings, self._active.policy
        try:
            async with asyncio.timeout(_TOTAL):
                said = await self._asking.about[kind](task.subject.value, self._clock())
        except (UpstreamClosed, UpstreamDoubted) as closed:
            if self._clock() - task.since > _PATIENCE:
                self._metrics.look_up(kind, "given_up")
                return lambda held: findings.give_up(held, policy, self._clock())
            self._metrics.look_up(kind, "postponed")
            due = self._clock() + (closed.retry_after or PAUSES[0])
            return lambda held: findings.postpone(held, due)
        except Exception as error:
            if not isinstance(error, UpstreamError | TimeoutError):
                logs.note(logging.ERROR, "look_up", error, kind=kind)  # a defect, which must not be asked for ever
            pause = self._pause(task, getattr(error, "retry_after", None) or 0.0)
            self._metrics.look_up(kind, "given_up" if pause is None else "retried")
            if pause is None:
                return lambda held: findings.give_up(held, policy, self._clock())
            return lambda held: findings.retry(held, self._clock() + pause)
        self._metrics.look_up(kind, "found")
        if getattr(said, "whole", True):
            return lambda held: findings.finish(held, said, policy, self._clock())
        rest = self._pause(task)
        if rest is None:
            return lambda held: findings.give_up(held, policy, self._clock(), said)
        return lambda held: findings.finish(held, said, policy, self._clock(), self._clock() + rest)

    @staticmethod
    def _pause(task: Task, asked: float = 0.0) -> float | None:
        """Seconds until the next try, a fifth more or less so that not all come at once; None when it was the last.

        ``asked`` are seconds that the upstream wants to be left alone for.
        """
        if task.tries > len(PAUSES):
            return None
        return max(asked, PAUSES[task.tries - 1]) * random.uniform(0.8, 1.2)


class _Held:
    """A task while it is looked up, with the token it is held by at the moment."""

    def __init__(self, task: Task) -> None:
        self.task, self.lock = task, asyncio.Lock()
