"""Feedback delivered three times over by several processes, one of which is killed.

Each event comes three times, in random order, in bodies of several accounts. Whoever delivers works as the service
does, on the real store; who is killed midway has all its bodies delivered again by another, as a provider does that got
no answer. ``python -m tests.feedback.deliveries`` does it with 10,000 events.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final

from riskapi.app import assemble
from riskapi.feedback.counts import Feedback
from riskapi.feedback.event import FeedbackEvent
from riskapi.feedback.reports import ReportType
from riskapi.settings import Settings
from riskapi.store.connections import Store, open_store
from riskapi.store.embedded import Embedded
from riskapi.store.streams import SHARDS, account_key, stream
from tests.conftest import NOW

PROCESSES, TIMES, _BODY, _ACCOUNTS = 4, 3, 100, 40
#: What comes; ``not_spam`` takes back what came before it, so there its order counts.
_TYPES: Final[Sequence[ReportType]] = ("delivered", "delivered", "hard_bounce", "soft_bounce", "complaint", "block")
#: Seconds until processes that do nothing any more are given up.
_PATIENCE = 120.0
#: Events by account and type.
Counted = Counter[tuple[str, str]]
#: Processes that deliver and what they say, with their numbers.
Running = dict[tuple[BaseProcess, Connection], int]


@dataclass(frozen=True)
class Outcome:
    """What was to be counted and what was; ``killed_after`` are the bodies answered to the one that was killed.

    ``told`` are the entries in the stream about events that are no deliveries.
    """

    expected: Counted
    counted: Counted
    told: int
    killed_after: int
    seconds: float


def events(count: int) -> list[FeedbackEvent]:
    """So many events of forty accounts over the last week."""
    draw = random.Random(1)
    at = datetime.fromtimestamp(NOW, UTC)
    return [
        FeedbackEvent.model_construct(
            id=f"evt-{number}",
            type=draw.choice(_TYPES),
            user_id=f"u_{draw.randrange(_ACCOUNTS)}",
            recipient=f"bo{number}@r{draw.randrange(9)}.example",
            time=at - timedelta(seconds=draw.randrange(6 * 86400)),
            source=draw.choice(("ses", "sendgrid", "arf")),
            diagnostic=None,
        )
        for number in range(count)
    ]


def bodies(count: int) -> list[list[list[FeedbackEvent]]]:
    """The bodies that each process delivers: all the events three times, shuffled."""
    found = events(count) * TIMES
    random.Random(2).shuffle(found)
    parted = [found[at : at + _BODY] for at in range(0, len(found), _BODY)]
    return [parted[at::PROCESSES] for at in range(PROCESSES)]


def deliver_all(settings: Settings, store: Store, count: int) -> Outcome:
    """Deliver so many events to the store of the settings, which is empty, and say what was counted."""
    for number in range(_ACCOUNTS):
        store.execute("HSET", account_key(f"u_{number}"), "tier", "allow")
    begun, all_bodies = time.perf_counter(), bodies(count)
    running: Running = {_started(settings, count, number): number for number in range(PROCESSES)}
    try:
        killed_after = _watch(settings, count, running, all_bodies)
    finally:
        for process, _ in running:
            process.kill()
            process.join()
    expected: Counter[tuple[str, str]] = Counter((event.user_id, event.type) for event in events(count))
    return Outcome(expected, _counted(store), _told(store), killed_after, time.perf_counter() - begun)


def _watch(settings: Settings, count: int, running: Running, all_bodies: Sequence[Sequence[object]]) -> int:
    """Wait until all have delivered, and kill one meanwhile; returns how many of its bodies had been answered."""
    victim, killed_after, answered = 0, 0, Counter[int]()
    deadline = time.monotonic() + _PATIENCE
    while running:
        ready = wait([pipe for _, pipe in running], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise TimeoutError("a process that delivers stands still")
        for process, pipe in [each for each in running if each[1] in ready]:
            number = running[process, pipe]
            try:
                pipe.recv()
                answered[number] += 1
            except EOFError:
                process.join()
                del running[process, pipe]
                if process.exitcode:
                    raise RuntimeError(f"a process that delivers ended with {process.exitcode}") from None
                continue
            if number == victim and not killed_after and answered[number] >= len(all_bodies[number]) // 2:
                killed_after = answered[number]
                process.kill()
                process.join()
                del running[process, pipe]
                running[_started(settings, count, number)] = number
    return killed_after


def _started(settings: Settings, count: int, number: int) -> tuple[BaseProcess, Connection]:
    # What each imports is imported once; a process of many threads, as a test's is, cannot be forked itself.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["riskapi.app", __name__])
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_deliver, args=(settings, count, number, theirs), daemon=True)
    process.start()
    theirs.close()
    return process, ours


def _deliver(settings: Settings, count: int, number: int, pipe: Connection) -> None:
    service = assemble(replace(settings, store_timeout_ms=30_000))  # on a busy machine nobody is to give up
    for body in bodies(count)[number]:
        service.parts.consequences.take(body, NOW)
        pipe.send(1)
    service.close()
    service.store.close()


def _counted(store: Store) -> Counted:
    found: Counted = Counter()
    for number in range(_ACCOUNTS):
        user_id, pipe = f"u_{number}", store.pipeline()
        read = Feedback.queue(pipe, user_id)
        store.run(pipe)
        counts = Feedback.counts(read(), NOW).by_letter(0)
        named = {"delivered": "d", "hard_bounce": "h", "soft_bounce": "s", "complaint": "c", "block": "b"}
        found.update({(user_id, type): counts[letter] for type, letter in named.items() if counts[letter]})
    return found


def _told(store: Store) -> int:
    entries = [fields for shard in range(SHARDS) for _, fields in store.execute("XRANGE", stream(shard), "-", "+")]
    return sum(b'"event"' in fields[b"data"] for fields in entries if fields[b"type"] == b"feedback")


def main() -> int:
    """Deliver as many events as are asked for to a store of its own, and print what was counted."""
    parser = argparse.ArgumentParser(prog="python -m tests.feedback.deliveries", description=__doc__)
    parser.add_argument("--events", type=int, default=10_000, help="events, each of which comes three times (10000)")
    count = parser.parse_args().events
    with tempfile.TemporaryDirectory(prefix="deliveries-") as folder, Embedded(Path(folder), fsync="everysec"):
        settings = Settings.load({"RISKAPI_DATA_DIR": folder})
        store = open_store(settings)
        outcome = deliver_all(settings, store, count)
        store.close()
    print(
        f"{count:,} events, each delivered {TIMES} times by {PROCESSES} processes, one killed after "
        f"{outcome.killed_after} bodies and repeated: {outcome.counted.total():,} counted, "
        f"{'exactly once each' if outcome.counted == outcome.expected else 'WRONG'}, in {outcome.seconds:.1f} s"
    )
    return int(outcome.counted != outcome.expected)


if __name__ == "__main__":
    sys.exit(main())
