"""Keep looking after the answer: look up, decide again, deliver webhooks, clean up.

`serve` runs one worker by itself (RISKAPI_SERVE_WORKER); this runs another, on this host or elsewhere, with the same
store, link key and data. Several share the work. Ctrl-C or SIGTERM finishes what is in hand, and stops.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import signal
import sys
import threading
import time
from datetime import UTC, datetime
from typing import get_args

from riskapi import app, logs, metrics
from riskapi.errors import StoreUnavailable
from riskapi.server.watch import watch
from riskapi.settings import Settings
from riskapi.store.connections import Store, running_store
from riskapi.store.consumer import DeadLetter, DeadLetters, Group, backlog
from riskapi.worker import worker

#: What each chore counts.
_CLEANED = {
    "streams": "readers that are gone forgotten, and what is older than the retention trimmed",
    "lists": "entries told of that have expired",
    "reviews": "reviews whose accounts have expired taken out of the queue",
}
#: Seconds what is in hand is given to end; leases bring back the rest.
_GRACE = 8.0
#: How much the worker of `serve` steps back where processors are short: who waits for an answer goes first.
NICE = 10


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", dest="action")
    actions.add_parser("run", help="run until told to stop (what it does without an action)")
    actions.add_parser("status", help="say which workers are there and what waits")
    actions.add_parser("dead", help="list what no worker could handle")
    for name, does in (("replay", "handle again what no worker could"), ("drop", "forget what no worker could handle")):
        action = actions.add_parser(name, help=does)
        action.add_argument("ids", nargs="*", metavar="ID", help="as `dead` lists them")
        action.add_argument("--all", action="store_true", help="all of them")
    actions.add_parser("clean", help="do all chores now: trim, expire, forget")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Do one of them."""
    with running_store(settings, start=arguments.start_store) as store:
        match arguments.action:
            case None | "run":
                return work(settings, store)
            case "status":
                return _status(settings, store)
            case "dead":
                return _list(store)
            case "clean":
                for name, cleaned in _assembled(settings, store).chores.all(time.time()).items():
                    print(f"{name}\t{cleaned} {_CLEANED[name]}")
                return 0
            case _:
                return _again(arguments, settings, store)


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
    from riskapi.store.connections import open_store

    sys.exit(work(settings, open_store(settings)))


def _assembled(settings: Settings, store: Store) -> worker.Worker:
    return worker.Worker(app.assemble(settings, store), settings)


def _status(settings: Settings, store: Store) -> int:
    now = time.time()
    names = worker.working(store, now)
    print(f"workers\t{len(names)}")
    for name, ago in names.items():
        print(f"\t{name}, heard of {ago:.0f} seconds ago")
    for group in get_args(Group):
        pending, lag = backlog(store, group)
        print(f"{group}\t{pending} in hand, {'unknown' if lag < 0 else lag} unread")
    made = _assembled(settings, store)
    print(f"overdue\t{made.agenda.overdue(now)} accounts to be decided again")
    print(f"lookups\t{made.waiting()} wait")
    dead = DeadLetters(store).count()
    print(f"dead\t{dead} entries that could not be handled")
    if not names:
        print("no worker is running: start the service, or python -m riskapi worker", file=sys.stderr)
    return 1 if dead or not names else 0


def _list(store: Store) -> int:
    letters = list(DeadLetters(store).list())
    for letter in letters:
        print(_line(letter))
    if not letters:
        print("every entry was handled", file=sys.stderr)
    return 0


def _line(letter: DeadLetter) -> str:
    at = datetime.fromtimestamp(int(letter.id.partition("-")[0]) / 1000, UTC).isoformat(timespec="seconds")
    return f"{_id(letter)}\t{at}\t{letter.group}\t{letter.entry.type}\t{letter.tries} tries\t{letter.error}"


def _id(letter: DeadLetter) -> str:
    return f"{letter.name}:{letter.id}"


def _again(arguments: argparse.Namespace, settings: Settings, store: Store) -> int:
    """Replay or drop the letters named."""
    if bool(arguments.ids) == arguments.all:
        print("name ids, or --all", file=sys.stderr)
        return 2
    letters = DeadLetters(store)
    found = {_id(letter): letter for letter in letters.list()}
    unknown = [name for name in arguments.ids if name not in found]
    for name in unknown:
        print(f"{name}: there is no such dead letter", file=sys.stderr)
    chosen = found if arguments.all else {name: found[name] for name in arguments.ids if name in found}
    failed = len(unknown)
    handlers = _assembled(settings, store).handlers() if arguments.action == "replay" else {}
    for name, letter in chosen.items():
        if arguments.action == "drop":
            letters.drop(letter)
            continue
        try:
            letters.replay(letter, handlers[letter.group])  # type: ignore[index]
        except Exception as error:
            failed += 1
            print(f"{name}: failed again: {type(error).__name__}", file=sys.stderr)
    done = len(chosen) - (failed - len(unknown))
    print(f"{done} {'dropped' if arguments.action == 'drop' else 'handled'}, {failed} not")
    return 1 if failed else 0
