"""The journal: signups answered while the store was away, kept on this machine until they can be recorded.

One append-only file a worker process, one JSON object a line, flushed to the disk before the answer is given.
The process that wrote a file holds a lock on it; files without a holder are taken over by whoever comes first.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import orjson


class JournalFull(Exception):
    """The journal may not grow further; the signup cannot be acknowledged."""


class Journal:
    """A directory of journal files, ``limit`` bytes each at most."""

    def __init__(self, directory: Path, limit: int) -> None:
        self._directory = directory
        self._limit = limit
        self._lock = threading.Lock()
        self._file: IO[bytes] | None = None
        self._answers: dict[str, dict[str, Any]] = {}
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)

    def answered(self, user_id: str) -> dict[str, Any] | None:
        """What this worker journaled for an account that is not replayed yet, or None."""
        return self._answers.get(user_id)

    def append(self, user_id: str, entry: dict[str, Any]) -> None:
        """Write an entry and flush it to the disk. Raises :class:`JournalFull` or :class:`OSError`."""
        line = orjson.dumps(entry) + b"\n"
        with self._lock:
            file = self._file or self._open()
            size = file.seek(0, os.SEEK_END)
            if size + len(line) > self._limit:
                raise JournalFull(f"{size + len(line)} bytes would pass the limit of {self._limit}")
            try:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                file.truncate(size)  # half a line must not stand before the next one
                raise
            self._answers[user_id] = entry

    def _open(self) -> IO[bytes]:
        """Start a file and hold its lock. A replay elsewhere may take an empty new file away first: then another."""
        while True:
            path = self._directory / f"{os.getpid()}-{secrets.token_hex(4)}.jsonl"
            file = path.open("ab+", buffering=0)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                continue
            if path.exists():
                self._file = file
                return file
            file.close()

    def entries(self) -> int:
        """Signups waiting in all files of the directory."""
        return sum(path.read_bytes().count(b"\n") for path in self._directory.glob("*.jsonl"))

    def replay(self, record: Callable[[dict[str, Any]], None]) -> int:
        """Hand every waiting entry to ``record``, oldest first, and remove what was recorded; returns how many.

        Entries may be handed over twice (after a crash between the two), so ``record`` must be idempotent. An
        exception of ``record`` leaves the file as it is, for the next try. A half line at the end of a file, left
        by a crash before its answer was given, is dropped; a line damaged since goes to ``rejected``.
        """
        replayed = 0
        with self._lock:
            for path in sorted(self._directory.glob("*.jsonl"), key=lambda found: found.stat().st_mtime):
                own = self._file is not None and path == Path(self._file.name)
                with path.open("rb") as file:
                    if not own:
                        try:
                            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        except BlockingIOError:
                            continue
                    for line in file.read().split(b"\n")[:-1]:
                        try:
                            entry = orjson.loads(line)
                        except orjson.JSONDecodeError:
                            self._set_aside(line)
                            continue
                        record(entry)
                        replayed += 1
                    path.unlink(missing_ok=True)
                if own and self._file is not None:
                    self._file.close()
                    self._file = None
            self._answers.clear()
        return replayed

    def _set_aside(self, line: bytes) -> None:
        with (self._directory / "rejected").open("ab") as rejected:
            rejected.write(line + b"\n")
