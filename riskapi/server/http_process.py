"""What happens in a worker process of the HTTP server, besides the application."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import wait
from typing import TYPE_CHECKING

from granian import loops

from riskapi import logs, metrics
from riskapi.api.request_loop import RequestLoop
from riskapi.server import granian_server

if TYPE_CHECKING:
    from riskapi.api.gateway import Gateway

#: Seconds a worker that was told to end is given for the requests in hand; the server would kill it after twice that.
_OBEY_SECONDS = 5.0
#: Seconds after which a thread that computes lets another have the interpreter; Python's own is ten times as long. A
#: page of the console computes for some 50 ms, and a signup beside it asks for the interpreter at each trip to the
#: store: its p99 was 38 ms and is 31 so, at the same throughput.
_TURN = 0.0005
#: Files a worker may have open: connections of callers (``serve`` allows 4096) and of ours.
_FILES = 8192


@loops.register("auto")
def new_loop() -> asyncio.AbstractEventLoop:
    """The event loop of a worker process, made for the server before it calls :func:`load`."""
    loop = RequestLoop()
    asyncio.set_event_loop(loop)
    return loop


def load(name: str, processor: int | None = None) -> Gateway:
    """The application, for the server to call; sees to it that the process ends when it should.

    ``name`` is what the process counts as, ``processor`` the one that it stays on, if any.
    """
    _stay_on(processor)
    _allow_files(_FILES)
    sys.setswitchinterval(_TURN)
    granian_server.hear_signals_once(end_in_time(_OBEY_SECONDS))
    logs.configure()
    metrics.count_as(name)
    from riskapi.server.wsgi import gateway

    return gateway


def _stay_on(processor: int | None) -> None:
    """Run this process, and every thread it starts from here on, on one processor, and interrupt nothing there.

    The store's answer wakes a thread, which would interrupt another of the same process, only to wait for the
    interpreter which that one has. Under SCHED_BATCH (sched(7)) it waits its turn.
    """
    if processor is not None:
        with contextlib.suppress(OSError):  # it was taken from us meanwhile, or a sandbox forbids it
            os.sched_setaffinity(0, {processor})
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _allow_files(most: int) -> None:
    """Allow this process as many open files, as far as the system lets it: 1024 is what shells begin with."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = most if hard == resource.RLIM_INFINITY else min(most, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def end_in_time(seconds: float) -> Callable[[], None]:
    """End this process when its parent is gone, or ``seconds`` after a SIGTERM that it did not obey by itself.

    A parent that is killed outright cannot stop its workers, and they would keep its port. To be called in the main
    thread, once. An event loop has the interpreter tell it of signals instead; it is to call what is returned.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return lambda: None
    heard, tell = socket.socketpair()
    tell.setblocking(False)
    end = tell.detach()  # it stays open as long as the process
    # Written by the interpreter itself as the signal arrives, whatever the main thread is busy with.
    signal.set_wakeup_fd(end, warn_on_full_buffer=False)

    def watch() -> None:
        while parent.sentinel not in (ready := wait([parent.sentinel, heard])):
            if ready and heard.recv(1)[0] == signal.SIGTERM:
                wait([parent.sentinel], seconds)
                os._exit(0)
        os._exit(1)

    threading.Thread(target=watch, name="end-in-time", daemon=True).start()

    def told() -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(end, bytes([signal.SIGTERM]))

    return told
