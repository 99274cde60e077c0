"""What happens in a worker process of the HTTP server, besides the application."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Callable
from multiprocessing.connection import wait
from typing import Any

from granian import _signals

from riskapi import logs, metrics

#: Seconds a worker that was told to end is given for the requests in hand; the server would kill it after twice that.
_OBEY_SECONDS = 5.0


def load(name: str) -> Callable[..., Any]:
    """The application, for the server to call; sees to it that the process ends when it should.

    ``name`` is what the process counts as.
    """
    end_in_time(_OBEY_SECONDS)
    _hear_signals_once()
    logs.configure()
    metrics.count_as(name)
    from riskapi.wsgi import app

    return app


def end_in_time(seconds: float) -> None:
    """End this process when its parent is gone, or ``seconds`` after a SIGTERM that it did not obey by itself.

    A parent that is killed outright cannot stop its workers, and they would keep its port. A SIGTERM that comes
    while a worker of granian 2.8 is still starting is sometimes lost. To be called in the main thread, once.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    heard, tell = socket.socketpair()
    tell.setblocking(False)
    # Written by the interpreter itself as the signal arrives, whatever the main thread is busy with.
    signal.set_wakeup_fd(tell.detach(), warn_on_full_buffer=False)

    def watch() -> None:
        while parent.sentinel not in (ready := wait([parent.sentinel, heard])):
            if ready and heard.recv(1)[0] == signal.SIGTERM:
                wait([parent.sentinel], seconds)
                os._exit(0)
        os._exit(1)

    threading.Thread(target=watch, name="end-in-time", daemon=True).start()


def _hear_signals_once() -> None:
    """Let the first signal to end count alone.

    systemd sends SIGTERM to a whole service, and its main process then ends the workers with another;
    a second one that arrives while the first is obeyed keeps a worker of granian 2.8 from ending.
    """
    listen: Callable[..., None] = _signals.set_main_signals

    def listen_once(obey: Callable[..., Any], *reload: Callable[..., Any]) -> None:
        def first(*caught: Any) -> None:
            # Taking the interpreter apart would unwind threads of the server that still run Python, as CPython 3.11
            # does, and its Rust answers that with a panic. All that matters is on the disk by then.
            atexit.register(os._exit, 0)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            obey(*caught)

        listen(first, *reload)

    _signals.set_main_signals = listen_once
