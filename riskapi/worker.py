"""What happens in a worker process of the HTTP server, besides the application."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable
from multiprocessing.connection import wait
from typing import Any


def load() -> Callable[..., Any]:
    """The application, for the server to call; ends the process when the one that started it is killed."""
    _end_with_parent()
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
