"""Servers to load: started, waited for, and ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: The API key of every server that is measured.
KEY = "bench-key-0123456789-0123456789-0123456789"
#: Seconds a server may take until it is up.
_START = 120.0


def end_in_order() -> None:
    """Let SIGTERM end this process as an error does: what it started is stopped."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


@contextmanager
def running(command: list[str], port: int, environment: dict[str, str], log: Path) -> Iterator[int]:
    """Run a server until the block ends and yield its process id; it is up when ``/readyz`` answers 200."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=output, stderr=output)
        try:
            deadline = time.monotonic() + _START
            while True:
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1):
                        break
                except (OSError, urllib.error.URLError):
                    if process.poll() is not None:
                        raise SystemExit(f"the server ended at once:\n{log.read_text()}") from None
                    if time.monotonic() > deadline:
                        raise SystemExit(f"the server was not ready after {_START:.0f} s:\n{log.read_text()}") from None
                    time.sleep(0.05)
            yield process.pid
        finally:
            process.terminate()
            process.wait()
