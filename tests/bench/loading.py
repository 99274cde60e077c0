"""Accounts are loaded by several processes at once, so that this one stays as it was and can be timed."""

from __future__ import annotations

import itertools
import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path

from riskapi.settings.http_server import cores
from riskapi.store.connections import Store
from tests.bench.bodies import bodies
from tests.bench.copies import Copies
from tests.bench.in_process import serving, settings_of, sign_up
from tests.bench.sharing import sharing

#: Seconds an append-only file is given to be written anew.
_REWRITE = 600.0


@dataclass(frozen=True, slots=True)
class Job:
    """What one process loads: signups through the line, all sharing ``shared`` if that is named, or copies of some."""

    directory: Path
    key: str
    label: str
    seed: int
    count: int
    copies: bool = False
    shared: str | None = None


def load(job: Job, processes: int, advance: Callable[[int], None]) -> float:
    """Load ``job.count`` accounts with so many processes; returns seconds. SystemExit when one of them fails.

    Each process needs some accounts to copy from; where there are fewer, it copies from as many as there are.
    """
    context = multiprocessing.get_context("spawn")
    begin, started, pipes = time.perf_counter(), [], []
    for number in range(processes):
        count = job.count // processes + (number < job.count % processes)
        part = Job(
            job.directory, job.key, f"{job.label}{number}", job.seed * 100 + number, count, job.copies, job.shared
        )
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(part, theirs), daemon=True)
        process.start()
        theirs.close()
        started.append(process)
        pipes.append(ours)
    while pipes:
        for pipe in wait(pipes):
            assert isinstance(pipe, Connection)
            try:
                advance(pipe.recv())
            except EOFError:
                pipes.remove(pipe)
    for process in started:
        process.join()
        if process.exitcode:
            raise SystemExit(f"accounts were not loaded: a process ended with {process.exitcode}")
    return time.perf_counter() - begin


def _work(job: Job, pipe: Connection) -> None:
    with serving(settings_of(job.directory, job.key)) as service:
        if job.copies:
            copies = Copies(service, bodies(job.seed, f"{job.label}_"), time.time())
            pipe.send(copies.models)
            for done in copies.write(max(job.count - copies.models, 0), time.time()):
                pipe.send(done)
            return
        source = sharing(job.shared, job.seed, job.label) if job.shared else bodies(job.seed, job.label)
        for number, body in enumerate(itertools.islice(source, job.count), 1):
            sign_up(service, body)
            if number % 100 == 0 or number == job.count:
                pipe.send((number - 1) % 100 + 1)


@contextmanager
def unwritten(store: Store) -> Iterator[None]:
    """Have the store write nothing to its append-only file meanwhile, and all of it at the end."""
    store.execute("CONFIG", "SET", "appendonly", "no")
    try:
        yield
    finally:
        store.execute("CONFIG", "SET", "appendonly", "yes")
        deadline = time.monotonic() + _REWRITE
        while _is_writing(store):
            if time.monotonic() > deadline:
                raise SystemExit("the store does not come to an end of its append-only file")
            time.sleep(0.1)


def _is_writing(store: Store) -> bool:
    told = store.execute("INFO", "persistence")
    return bool(told["aof_rewrite_in_progress"] or told["aof_rewrite_scheduled"])


def workers() -> int:
    """Processes that load: as many as there are cores."""
    return cores()
