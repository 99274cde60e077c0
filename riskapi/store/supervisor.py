"""Keeping the embedded store: it is started again when it ends by itself (a full disk, the kernel's memory killer)."""

from __future__ import annotations

import contextlib
import logging
import threading
import time

from riskapi import logs
from riskapi.errors import ConfigurationError, StoreUnavailable
from riskapi.store.embedded import Embedded
from riskapi.times import Backoff

#: Seconds between two looks at whether the server is there.
_LOOK = 1.0
#: Longest pause in seconds before a server that ends again and again is started once more: each start reads all its
#: data.
_LONGEST_PAUSE = 5.0
#: Seconds a server has to live for its trouble to be over.
_STEADY = 3.0


class Supervisor:
    """Looks after a started server from a thread of its own, for ``with``. It starts one only when none lives.

    Trouble is logged when it begins (``embedded_store_ended``, and why it does not start) and when it is over.
    """

    def __init__(self, embedded: Embedded, look: float = _LOOK, steady: float = _STEADY) -> None:
        self._embedded, self._look_seconds, self._steady = embedded, look, steady
        self._backoff, self._pause = Backoff(2 * look, _LONGEST_PAUSE, steady), look
        self._started: float | None = None
        self._said = ""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="store-watch", daemon=True)

    def __enter__(self) -> Supervisor:
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop looking; returns when a start under way has ended."""
        self._stopping.set()
        self._thread.join()

    def _keep(self) -> None:
        while not self._stopping.wait(self._pause):
            try:
                self._look()
            except Exception as error:  # whatever the system cannot do now: the next look tries again
                with contextlib.suppress(OSError):
                    self._note("embedded_store_not_started", error)

    def _look(self) -> None:
        if self._embedded.alive():
            if self._started is not None and time.monotonic() - self._started > self._steady:
                self._started, self._said, self._pause = None, "", self._look_seconds
                logs.note(logging.INFO, "embedded_store_steady")
            return
        now = time.monotonic()
        if self._started is None:
            logs.note(logging.ERROR, "embedded_store_ended", log=str(self._embedded.log))
        lived = self._steady if self._started is None else now - self._started
        self._pause = max(self._backoff.after(lived), self._look_seconds)
        self._started = now
        self._embedded.start()

    def _note(self, event: str, error: Exception) -> None:
        """Say why there is no server, once for each reason. What is said names files and the server's last line."""
        ours = isinstance(error, (StoreUnavailable, ConfigurationError, OSError))
        said = str(error) if ours else type(error).__name__
        if said != self._said:
            self._said = said
            logs.note(logging.ERROR, event, None if ours else error, said=said)
