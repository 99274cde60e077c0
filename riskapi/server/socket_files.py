"""Socket files: what a process that was killed leaves behind."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
from pathlib import Path


def clear(path: Path) -> None:
    """Take away a socket file that a process which was killed left behind; with another listening, binding fails.

    Raises ``FileExistsError`` for a file that is not a socket.
    """
    with contextlib.suppress(FileNotFoundError), socket.socket(socket.AF_UNIX) as probe:
        if not stat.S_ISSOCK(path.stat().st_mode):
            raise FileExistsError(errno.EEXIST, "is there and is not a socket")
        try:
            probe.connect(os.fspath(path))
        except ConnectionRefusedError:
            path.unlink()
