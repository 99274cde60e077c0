"""The HTTP server of ``serve``: worker processes that share an address, and are there again when they end."""

from __future__ import annotations

import contextlib
import logging
import signal
import time
from collections.abc import Iterator
from functools import partial
from multiprocessing import resource_tracker
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops
from granian.log import LogLevels

from riskapi import logs
from riskapi.server import http_process
from riskapi.settings import Settings

#: Seconds a request in hand is given to end when the service stops; then its worker is killed.
_GRACE = 10
#: Connections that wait to be accepted: granian's own default.
_BACKLOG = 1024
#: Connections one worker takes on at once: those that are slow hold memory only, some 20 kB each.
_CONNECTIONS = 4096
#: Seconds a worker has to live for its end not to be its start's fault; the first and the longest pause in seconds
#: before one that ended earlier is started again, doubled each time.
STEADY, FIRST_PAUSE, LONGEST_PAUSE = 10.0, 0.5, 10.0


def pause(lived: float, before: float) -> float:
    """Seconds to wait before a worker that lived so long is started again; ``before`` is the pause before its start."""
    if lived >= STEADY:
        return 0.0
    return min(max(before * 2, FIRST_PAUSE), LONGEST_PAUSE)


class _Server(Granian):  # type: ignore[misc, valid-type]
    """granian, with two differences.

    A Ctrl-C reaches this process only, which ends the workers in order. A terminal sends SIGINT to the workers as well,
    where it interrupts imports with a stack trace and, together with the SIGTERM that follows, keeps granian 2.8 from
    ending. They inherit it blocked.

    Workers that end are started again for ever. granian 2.8 exits when one ends within 5.5 seconds of its start, and a
    service that has exited does not come back when there is room on the disk again.
    """

    def _spawn_workers(self, *args: Any, **options: Any) -> None:
        with interrupts_blocked():
            super()._spawn_workers(*args, **options)

    def _spawn_worker(self, idx: int, target: Any, callback_loader: Any) -> Any:
        return super()._spawn_worker(idx, target, partial(callback_loader, f"http-{idx + 1}"))

    def _respawn_workers(self, *args: Any, **options: Any) -> None:
        with interrupts_blocked():
            super()._respawn_workers(*args, **options)

    def _serve_loop(self, spawn_target: Any, target_loader: Any) -> None:
        pauses: dict[int, float] = {}
        due: dict[int, float] = {}
        while not self.interrupt_signal:
            now = time.monotonic()
            self.main_loop_interrupt.wait(max(min(due.values()) - now, 0.0) if due else None)
            self.main_loop_interrupt.clear()  # before what it tells of is read, so that nothing is missed
            now = time.monotonic()
            while self.interrupt_children:
                index = self.interrupt_children.pop()
                pauses[index] = pause(now - self.wrks[index].birth, pauses.get(index, 0.0))
                due[index] = now + pauses[index]
                logs.note(logging.ERROR, "http_worker_ended", worker=index + 1, pause_s=pauses[index])
            for index in [index for index, at in due.items() if at <= now and not self.interrupt_signal]:
                ended = self.wrks[index]
                try:
                    self._respawn_workers([index], spawn_target, target_loader)
                    del due[index]
                except OSError as error:  # no process to be had now
                    logs.note(logging.ERROR, "http_worker_not_started", error, worker=index + 1)
                    if ended not in self.wrks:
                        self.wrks.insert(index, ended)
                    due[index] = now + LONGEST_PAUSE
            if self.reload_signal:
                self._reload(spawn_target, target_loader)


@contextlib.contextmanager
def interrupts_blocked() -> Iterator[None]:
    """Have processes that are started meanwhile inherit SIGINT blocked."""
    resource_tracker.ensure_running()  # it unblocks the signal in its starter, so it goes first
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def serve(settings: Settings) -> None:
    """Run the HTTP server until SIGTERM."""
    server = _Server(
        "riskapi.server.wsgi:gateway",
        address=settings.bind.host,
        port=settings.bind.port,
        interface=Interfaces.RSGI,
        loop=Loops.asyncio,
        workers=settings.workers,
        backlog=_BACKLOG,
        backpressure=_CONNECTIONS,
        http=HTTPModes.http1,
        websockets=False,
        workers_kill_timeout=_GRACE,
        log_level=LogLevels.warning,
        log_dictconfig=_server_log(),
    )
    server.serve(target_loader=http_process.load, wrap_loader=False)


def _server_log() -> dict[str, Any]:
    """The HTTP server's own lines, as JSON on standard error like all others."""
    handler = {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stderr"}
    return {
        "formatters": {"json": {"()": "riskapi.logs.JsonLines"}},
        "handlers": {"console": handler},
        "loggers": {"_granian": {"handlers": ["console"], "level": "WARNING", "propagate": False}},
    }
