"""What was granted to accounts within an hour while the store was away: one file for all processes of this machine."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import orjson

from riskapi.store import journal_lines
from riskapi.times import HOUR

#: The file, in the directory of the journal.
_NAME = "hourly"


class HourlyGrants:
    """A table of recipients by account in a file of ``directory``. Whoever holds it reads and writes it alone."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / _NAME

    @contextlib.contextmanager
    def held(self, now: float) -> Iterator[HeldGrants]:
        """The table at Unix time ``now``; other processes and threads wait for their turn. Raises ``OSError``."""
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield HeldGrants(file, now)
        finally:
            os.close(file)  # and the lock with it


class HeldGrants:
    """The table while it is held. What is an hour old is left out."""

    def __init__(self, file: int, now: float) -> None:
        self._file, self._now = file, now
        self._text = os.pread(file, os.fstat(file).st_size, 0)
        self._rows = {name: row for name, row in _rows(self._text).items() if abs(now - row[1]) < HOUR}

    def of(self, user_id: str) -> int:
        """Recipients granted to an account within the hour that began with the first of them."""
        return self._rows.get(_name(user_id), (0, self._now))[0]

    def add(self, user_id: str, recipients: int) -> None:
        """Count more, or fewer where it is negative. Raises ``OSError`` where it cannot be written."""
        count, since = self._rows.get(_name(user_id), (0, self._now))
        self._rows[_name(user_id)] = count + recipients, since
        text = orjson.dumps(self._rows) + b"\n"
        # In one go, and read up to the end of its line: a process that is killed in between leaves no half of it. It is
        # not flushed: what a machine that loses power forgets is in the journal, unless it is counted in the store.
        written = os.pwrite(self._file, text, 0)
        if written < len(text):  # the disk is full: as before, which fits
            os.pwrite(self._file, self._text, 0)
            os.ftruncate(self._file, len(self._text))
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.ftruncate(self._file, len(text))
        self._text = text


def _name(user_id: str) -> str:
    """What stands for an account: its id would stay here when it is erased."""
    return journal_lines.digest(user_id).decode()


def _rows(text: bytes) -> dict[str, tuple[int, float]]:
    try:
        found: dict[str, tuple[int, float]] = orjson.loads(text.partition(b"\n")[0])
        return {str(name): (int(count), float(since)) for name, (count, since) in found.items()}
    except (ValueError, TypeError, AttributeError):  # new, or damaged: it says nothing
        return {}
