"""A worker as it runs and stops, and what a command says of those that run and of what none could handle."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import get_args

import typer

from riskapi import app, logs, metrics
from riskapi.commands import output
from riskapi.errors import StoreUnavailable
from riskapi.server.side_threads import watch
from riskapi.settings import Settings
from riskapi.store.connections import Store, open_store
from riskapi.store.consumer import DeadLetter, DeadLetters, Group, backlog
from riskapi.store.heartbeats import working
from riskapi.worker import worker

#: What each chore counts.
_CLEANED = {
    "streams": "readers that are gone forgotten, and what is older than the retention trimmed",
    "lists": "entries told of that have expired",
    "accounts": "accounts of an earlier release rewritten in today's form",
    "platform": "alarms about the platform begun or ended",
    "tallies": "streams with more to count than one round takes",
    "erasures": "erased accounts finished, or let go of as their evidence ends",
    "erased_files": "files written anew without what was erased",
    "restricted": "accounts put on the agenda that bear what the mail of others brought",
    "reviews": "reviews whose accounts have expired taken out of the queue",
}
#: Seconds that work in hand is given to end. Work that takes longer comes back when its lease ends.
_GRACE = 8.0
#: How much the worker of `serve` steps back (nice) where processors are short: callers that wait for an answer go
#: first.
NICE = 10


def work(settings: Settings, store: Store, stop: threading.Event | None = None) -> int:
    """Work until SIGTERM or SIGINT, or until ``stop`` is set."""
    logs.configure(settings.log_level)
    stop = stop or threading.Event()
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
    service = app.assemble(settings, store)
    while not _recovered(service):
        if stop.wait(1.0):
            return 0
    watch(service, stop)
    made = worker.Worker(service, settings)
    threads = made.start(stop)
    logs.note(logging.INFO, "worker_started", worker=made.name)
    while not stop.wait(1.0):
        if not all(thread.is_alive() for thread in threads):
            return 1  # a thread that ended by itself is a defect; whoever runs us starts us again
    deadline = time.monotonic() + _GRACE
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    with contextlib.suppress(StoreUnavailable):
        made.sign_off()
    logs.note(logging.INFO, "worker_stopped", worker=made.name)
    return 0


def _recovered(service: app.Service) -> bool:
    """Whether the store was there to begin with; a worker that starts in an outage waits for its end."""
    try:
        service.recover(service.parts.clock())
    except StoreUnavailable:
        return False
    return True


def beside_server(settings: Settings | None = None) -> None:
    """What the process does that `serve` starts: work, and end with its parent."""
    from riskapi.server import http_process

    http_process.end_in_time(_GRACE + 2.0)
    logs.configure()
    metrics.count_as("worker")
    os.nice(NICE)
    settings = settings or Settings.load(os.environ)
    sys.exit(work(settings, open_store(settings)))


def _assembled(settings: Settings, store: Store) -> worker.Worker:
    return worker.Worker(app.assemble(settings, store), settings)


def clean(settings: Settings, store: Store) -> int:
    """Do all chores now."""
    for name, cleaned in _assembled(settings, store).chores.all(time.time()).items():
        print(f"{name}\t{cleaned} {_CLEANED[name]}")
    return 0


def status(settings: Settings, store: Store) -> int:
    """Say who works and what waits; 1 when nobody does, or something could not be handled."""
    now = time.time()
    names = working(store, now)
    rows = [("workers", str(len(names)))]
    rows += [("", f"{name}, heard of {ago:.0f} s ago") for name, ago in names.items()]
    for group in get_args(Group):
        pending, lag = backlog(store, group)
        rows.append((group, f"{pending} in hand, {'unknown' if lag < 0 else lag} unread"))
    made = _assembled(settings, store)
    dead = DeadLetters(store).count()
    rows.append(("overdue", f"{made.agenda.overdue(now)} accounts to be decided again"))
    rows.append(("clusters", f"{made.large_clusters.waiting()} large ones that feedback is about wait to be looked at"))
    rows.append(("lookups", f"{made.waiting()} wait"))
    rows.append(("dead", f"{dead} entries that could not be handled"))
    output.show(("what", "how many"), rows)
    if not names:
        print("no worker is running: start the service, or python -m riskapi worker", file=sys.stderr)
    return 1 if dead or not names else 0


def show_dead(store: Store) -> int:
    """List what could not be handled."""
    rows = [_row(letter) for letter in DeadLetters(store).list()]
    output.show(("id", "at", "reader", "kind", "tries", "why"), rows)
    if not rows:
        print("every entry was handled", file=sys.stderr)
    return 0


def _row(letter: DeadLetter) -> tuple[str, ...]:
    at = datetime.fromtimestamp(int(letter.id.partition("-")[0]) / 1000, UTC).isoformat(timespec="seconds")
    return _id(letter), at, letter.group, letter.entry.type, f"{letter.tries} tries", letter.error


def _id(letter: DeadLetter) -> str:
    return f"{letter.name}:{letter.id}"


def replay(settings: Settings, store: Store, ids: Sequence[str], *, everything: bool) -> int:
    """Handle the letters named again, or all; 1 when one could not be, or is not there."""
    letters = DeadLetters(store)
    chosen, failed = _chosen(letters, ids, everything)
    handlers = _assembled(settings, store).handlers()
    done = 0
    for name, letter in chosen.items():
        try:
            letters.replay(letter, handlers[letter.group])  # type: ignore[index]
            done += 1
        except Exception as error:
            failed += 1
            print(f"{name}: failed again: {type(error).__name__}", file=sys.stderr)
    print(f"{done} handled, {failed} not")
    return 1 if failed else 0


def drop(store: Store, ids: Sequence[str], *, everything: bool) -> int:
    """Forget the letters named, or all; 1 when one is not there."""
    letters = DeadLetters(store)
    chosen, failed = _chosen(letters, ids, everything)
    for letter in chosen.values():
        letters.drop(letter)
    print(f"{len(chosen)} dropped, {failed} not")
    return 1 if failed else 0


def _chosen(letters: DeadLetters, ids: Sequence[str], everything: bool) -> tuple[dict[str, DeadLetter], int]:
    """The letters by name, and how many of the ids name none, which is said."""
    if bool(ids) == everything:
        raise typer.BadParameter("name ids, or --all", param_hint="ID")
    found = {_id(letter): letter for letter in letters.list()}
    unknown = [name for name in ids if name not in found]
    for name in unknown:
        print(f"{name}: there is no such dead letter", file=sys.stderr)
    return (found if everything else {name: found[name] for name in ids if name in found}), len(unknown)
