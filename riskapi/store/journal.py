"""The journal: what was answered while the store was away, kept on this machine until it can be recorded.

One append-only file a worker process, one entry a line (:mod:`riskapi.store.journal_lines`), flushed to the disk before
the answer is given. The process that wrote a file holds a lock on it; files without a holder are taken over by whoever
comes first.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import os
import secrets
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from riskapi import logs
from riskapi.errors import StoreUnavailable
from riskapi.store.journal_lines import decode, digest, encode, named

#: Files of entries: ours, and those of releases whose lines were JSON.
_SUFFIXES = (".journal", ".jsonl")
#: Nanoseconds after which another change of the directory is told apart from the last one: file systems tell times to
#: two seconds at worst (FAT), commonly to some milliseconds.
_SETTLED = 3_000_000_000
#: The file of what was set aside, line by line as it was.
_REJECTED = "rejected"


class JournalFull(Exception):
    """The journal may not grow further; the signup cannot be acknowledged."""


def _owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


class Journal:
    """A directory of journal files, ``limit`` bytes each at most."""

    def __init__(self, directory: Path, limit: int) -> None:
        self.directory = directory
        self._limit = limit
        self._lock = threading.Lock()
        self._file: IO[bytes] | None = None
        self._lines: dict[str, bytes] = {}
        #: How far each file was read and what names it has: only what is new is read for the next question.
        self._named: dict[str, tuple[int, set[bytes]]] = {}
        self._naming = threading.Lock()
        #: When the directory last changed, as the file system says, where it was seen without files since.
        self._empty_since, self._path = -1, str(directory)
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)

    def append(self, name: str, entry: dict[str, Any]) -> dict[str, Any] | None:
        """Write an entry and flush it to the disk, unless one waits under that name already: then returns that.

        Raises :class:`JournalFull` or :class:`OSError`.
        """
        line = encode(name, entry)
        with self._lock:
            if name in self._lines:
                return decode(self._lines[name])
            file = self._file or self._open()
            size = file.seek(0, os.SEEK_END)
            if size + len(line) > self._limit:
                raise JournalFull(f"{size + len(line)} bytes would pass the limit of {self._limit}")
            try:
                if file.write(line) < len(line):  # where there is room for a part, the system writes that, and no error
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                file.truncate(size)  # half a line must not stand before the next one
                raise
            self._lines[name] = line[:-1]
            return None

    def _open(self) -> IO[bytes]:
        """Start a file and hold its lock. A replay elsewhere may take an empty new file away first: then another."""
        while True:
            path = self.directory / f"{int(time.time()):011d}-{os.getpid()}-{secrets.token_hex(4)}.journal"
            file = open(path, "ab+", buffering=0, opener=_owner_only)  # noqa: SIM115 - stays open while it is written
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                continue
            if path.exists():
                self._file = file
                weakref.finalize(self, file.close)  # whoever drops a journal lets go of its file, and its lock
                return file
            file.close()

    def close(self) -> None:
        """Let go of the file: what waits in it is whoever's who comes first."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None
            self._lines.clear()

    def waiting(self) -> list[dict[str, Any]]:
        """What this process wrote and nobody recorded yet."""
        with self._lock:
            return [decode(line) for line in self._lines.values()]

    def waits(self) -> bool:
        """Whether this process wrote anything that nobody recorded yet."""
        return bool(self._lines)

    def holds(self, name: str) -> bool:
        """Whether an entry waits under a name, whichever process of this machine wrote it."""
        return name in self._lines or bool(self._files_with(name))

    def entry(self, name: str) -> dict[str, Any] | None:
        """The entry that waits under a name, whichever process of this machine wrote it; None where none does.

        Of several the oldest. A line that cannot be read is passed over; :meth:`replay` sets it aside.
        """
        if (line := self._lines.get(name)) is not None:
            return decode(line)
        for path in self._files_with(name):
            wanted = digest(name)
            with contextlib.suppress(FileNotFoundError):  # recorded just now
                for line in path.read_bytes().split(b"\n")[:-1]:
                    if named(line) == wanted:
                        with contextlib.suppress(ValueError):
                            return decode(line)
        return None

    def _files_with(self, name: str) -> list[Path]:
        """The files with an entry under a name, oldest first; of each only what is new is read."""
        if self._is_empty():
            return []
        wanted = digest(name)
        with self._naming:
            self._named = {path: self._names(path) for path in map(str, self._waiting())}
            return [Path(path) for path, (_, names) in self._named.items() if wanted in names]

    def _names(self, path: str) -> tuple[int, set[bytes]]:
        offset, names = self._named.get(path, (0, set()))
        try:
            with open(path, "rb") as file:
                file.seek(offset)
                *lines, rest = file.read().split(b"\n")
                names.update(map(named, lines))  # in place: it is asked for every signup and grant of an outage
                return file.tell() - len(rest), names
        except FileNotFoundError:
            return offset, names

    def elsewhere(self, *, orphaned: bool = False) -> list[dict[str, Any]]:
        """What other processes here wrote and nobody recorded yet; with ``orphaned``, only those that ended.

        A line that cannot be read is left out; :meth:`replay` sets it aside.
        """
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
            for line in lines:
                with contextlib.suppress(ValueError):
                    found.append(decode(line))
        return found

    def entries(self) -> int:
        """Entries waiting in all files of the directory."""
        return sum(_lines_of(path) for path in self._waiting())

    def rejected(self) -> int:
        """Entries that were set aside because they cannot be read or recorded, until somebody removes them."""
        return _lines_of(self.directory / _REJECTED)

    def size(self) -> int:
        """Bytes of the largest file; each may have ``limit``."""
        return max((path.stat().st_size for path in self._waiting() if path.exists()), default=0)

    def replay(self, record: Callable[[dict[str, Any]], None]) -> int:
        """Hand every waiting entry to ``record``, oldest first, and remove what was recorded; returns how many.

        Entries may be handed over twice (after a crash between the two), so ``record`` must be idempotent. While the
        store is away again (:class:`StoreUnavailable`) the file stays as it is, for the next try. An entry that cannot
        be read, or not be recorded for any other reason, goes to the file ``rejected``, so that it holds up nobody
        else's. Half a line at the end of a file, left by a crash before its answer was given, is dropped.
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
            self._lines.clear()
        return replayed

    def _is_empty(self) -> bool:
        """Whether there are no files. Asked for every signup and grant, so it looks only once the directory changed."""
        changed = os.stat(self._path).st_mtime_ns
        if changed == self._empty_since:
            return True
        found = self._waiting()
        # A file made within the same tick of the file system's clock would not show.
        settled = time.time_ns() - changed > _SETTLED
        self._empty_since = changed if settled and not found else -1
        return not found

    def _waiting(self) -> list[Path]:
        """The files, oldest first; names begin with the second of their making."""
        # Looked at for every grant of an outage, and Path.glob takes ten times as long.
        return [self.directory / name for name in sorted(os.listdir(self.directory)) if name.endswith(_SUFFIXES)]

    def _hand_over(self, line: bytes, record: Callable[[dict[str, Any]], None]) -> bool:
        try:
            record(decode(line))
        except StoreUnavailable:
            raise
        except Exception as error:
            logs.note(logging.ERROR, "journal_entry_rejected", error)
            with open(self.directory / _REJECTED, "ab", opener=_owner_only) as rejected:
                rejected.write(line + b"\n")
            return False
        return True


def _lines_of(path: Path) -> int:
    """Lines of a file; none of one that is not there."""
    try:
        return path.read_bytes().count(b"\n")
    except FileNotFoundError:
        return 0
