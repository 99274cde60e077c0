"""The lock that says whether a server uses a store's directory: the server itself inherits it and keeps it.

Two servers on one append-only file lose what one of them acknowledged. So whoever starts a server takes this lock first
and hands it down; the kernel gives it up when the server has ended, however it ended, and not before (flock(2): the
lock belongs to the open file, which a child inherits). That a server is silent says nothing about it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

#: Seconds between two tries at the lock.
_LOOK = 0.01


class ServerLock:
    """The lock of one directory. ``pid_file`` is what the server writes its process number into."""

    def __init__(self, directory: Path, pid_file: Path) -> None:
        self._directory, self._path, self._pid_file = directory, directory / "server.lock", pid_file

    def held(self) -> bool:
        """Whether a server has the directory. OSError when that cannot be found out."""
        return self._locked() or self._named() is not None  # a server of an earlier release holds no lock

    def _locked(self) -> bool:
        try:
            file = self._path.open("rb")
        except FileNotFoundError:
            return False
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    @contextlib.contextmanager
    def taken(self, seconds: float) -> Iterator[IO[bytes] | None]:
        """The lock as an open file for a server to inherit, or None when one has it for ``seconds`` more.

        This process's hold ends with the block; that of the server goes on.
        """
        with self._path.open("ab") as file:
            deadline = time.monotonic() + seconds
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    if time.monotonic() < deadline:
                        time.sleep(_LOOK)
                        continue
                    yield None
                else:
                    yield file
                return

    def holder(self) -> int | None:
        """Process number of the server that has the directory; None where there is none or it cannot be told."""
        return self._named() or (next(self._openers(), None) if self._locked() else None)

    def _named(self) -> int | None:
        """The process of the pid file, if it is a server that works in this directory.

        The file outlives a server that was killed, and its number may be anybody's by then.
        """
        with contextlib.suppress(OSError, ValueError):
            pid = int(self._pid_file.read_text())
            if pid > 0 and self._works_here(pid):
                return pid
        return None

    def _works_here(self, pid: int) -> bool:
        process = Path(f"/proc/{pid}")
        if Path("/proc/self").exists():
            name = (process / "comm").read_text()
            return _is_server(name) and (process / "cwd").resolve(strict=True) == self._directory.resolve()
        # macOS has no /proc.
        shown = subprocess.run(["/bin/ps", "-p", str(pid), "-o", "comm="], capture_output=True, text=True, check=False)
        return _is_server(shown.stdout)

    def _openers(self) -> Iterator[int]:
        """Servers that have the lock's file open, where there is a /proc. On a full disk they write no pid file."""
        wanted = str(self._path.resolve())
        with contextlib.suppress(OSError):
            for pid in sorted(int(name) for name in os.listdir("/proc") if name.isdecimal()):
                with contextlib.suppress(OSError):
                    opened = (os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir())
                    if wanted in opened and self._works_here(pid):
                        yield pid


def _is_server(name: str) -> bool:
    return "valkey" in name or "redis" in name
