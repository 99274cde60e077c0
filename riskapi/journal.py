"""The journal: what was answered while the store was away, kept on this machine until it can be recorded.

One append-only file a worker process, one JSON object a line, flushed to the disk before the answer is given.
The process that wrote a file holds a lock on it; files without a holder are taken over by whoever comes first.
"""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import orjson

from riskapi import logs
from riskapi.errors import StoreUnavailable


class JournalFull(Exception):
    """The journal may not grow further; the signup cannot be acknowledged."""


def _owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


class Journal:
    """A directory of journal files, ``limit`` bytes each at most."""

    def __init__(self, directory: Path, limit: int) -> None:
        self._directory = directory
        self._limit = limit
        self._lock = threading.Lock()
        self._file: IO[bytes] | None = None
        self._answers: dict[str, dict[str, Any]] = {}
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)

    def append(self, name: str, entry: dict[str, Any]) -> dict[str, Any] | None:
        """Write an entry and flush it to the disk, unless one waits under that name already: then returns that.

        Raises :class:`JournalFull` or :class:`OSError`.
        """
        line = orjson.dumps(entry) + b"\n"
        with self._lock:
            if name in self._answers:
                return self._answers[name]
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
            self._answers[name] = entry
            return None

    def _open(self) -> IO[bytes]:
        """Start a file and hold its lock. A replay elsewhere may take an empty new file away first: then another."""
        while True:
            path = self._directory / f"{int(time.time()):011d}-{os.getpid()}-{secrets.token_hex(4)}.jsonl"
            file = open(path, "ab+", buffering=0, opener=_owner_only)  # noqa: SIM115 - stays open while it is written
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                continue
            if path.exists():
                self._file = file
                return file
            file.close()

    def waiting(self) -> list[dict[str, Any]]:
        """What this process wrote and nobody recorded yet."""
        with self._lock:
            return list(self._answers.values())

    def elsewhere(self, *, orphaned: bool = False) -> list[dict[str, Any]]:
        """What other processes here wrote and nobody recorded yet; with ``orphaned``, only those that ended."""
        own = self._file.name if self._file is not None else None
        found = []
        for path in self._waiting():
            if str(path) == own:
                continue
            try:
                with path.open("rb") as file:
                    if orphaned:
                        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    lines = file.read().split(b"\n")[:-1]
            except (FileNotFoundError, BlockingIOError):
                continue  # recorded just now, or its writer is alive
            found += [orjson.loads(line) for line in lines]
        return found

    def entries(self) -> int:
        """Entries waiting in all files of the directory."""
        return sum(path.read_bytes().count(b"\n") for path in self._directory.glob("*.jsonl"))

    def replay(self, record: Callable[[dict[str, Any]], None]) -> int:
        """Hand every waiting entry to ``record``, oldest first, and remove what was recorded; returns how many.

        Entries may be handed over twice (after a crash between the two), so ``record`` must be idempotent. While the
        store is away again (:class:`StoreUnavailable`) the file stays as it is, for the next try. An entry that cannot
        be recorded for any other reason goes to the file ``rejected``, so that it holds up nobody else's. Half a line
        at the end of a file, left by a crash before its answer was given, is dropped.
        """
        replayed = 0
        with self._lock:
            for path in self._waiting():
                own = self._file is not None and path == Path(self._file.name)
                try:
                    file = path.open("rb")
                except FileNotFoundError:
                    continue  # another worker was faster
                with file:
                    if not own:
                        try:
                            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        except BlockingIOError:
                            continue
                    for line in file.read().split(b"\n")[:-1]:
                        replayed += self._hand_over(line, record)
                    path.unlink(missing_ok=True)
                if own and self._file is not None:
                    self._file.close()
                    self._file = None
            self._answers.clear()
        return replayed

    def _waiting(self) -> list[Path]:
        """The files, oldest first; names begin with the second of their making."""
        # Looked at for every grant, and Path.glob takes ten times as long.
        return [self._directory / name for name in sorted(os.listdir(self._directory)) if name.endswith(".jsonl")]

    def _hand_over(self, line: bytes, record: Callable[[dict[str, Any]], None]) -> bool:
        try:
            record(orjson.loads(line))
        except StoreUnavailable:
            raise
        except Exception as error:
            logs.note(logging.ERROR, "journal_entry_rejected", error)
            with (self._directory / "rejected").open("ab") as rejected:
                rejected.write(line + b"\n")
            return False
        return True
