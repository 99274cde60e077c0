"""What happens in a worker process of the HTTP server, besides the application."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import wait
from typing import Any

from granian import _signals


def load() -> Callable[..., Any]:
    """The application, for the server to call; ends the process when the one that started it is killed."""
    _end_with_parent()
    _hear_signals_once()
    from riskapi.wsgi import app

    return app


def _end_with_parent() -> None:
    """A parent that is killed outright cannot stop its workers, and they would keep its port."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def _hear_signals_once() -> None:
    """Let the first signal to end count alone.

    systemd sends SIGTERM to a whole service, and its main process then ends the workers with another;
    a second one that arrives while the first is obeyed keeps a worker of granian 2.8 from ending.
    """
    listen: Callable[..., None] = _signals.set_main_signals

    def listen_once(obey: Callable[..., Any], *reload: Callable[..., Any]) -> None:
        def first(*caught: Any) -> None:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            obey(*caught)

        listen(first, *reload)

    _signals.set_main_signals = listen_once
