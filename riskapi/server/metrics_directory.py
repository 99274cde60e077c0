"""Where the processes of a service count together: in memory, not on the disk of the data.

Counts are files mapped into memory. A page of a mapped file that finds no room ends the process (SIGBUS, mmap(2)), so
they lie where a full disk of data does not reach them, and are given their whole room before they are mapped
(:func:`riskapi.metrics.count_as`).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
import tempfile
from pathlib import Path

from riskapi.metrics import ROOM

#: A file system in memory that Linux and most containers have: shm_overview(7).
_MEMORY = Path("/dev/shm")  # noqa: S108 - the directory below is 0700, owner checked


def make(data_dir: Path, port: int, processes: int) -> Path:
    """An empty directory of this user's alone for so many processes of the service on ``port``.

    In memory where there is room, else among the temporary files, else in the data directory.

    Raises:
        OSError: there is no place at all.
    """
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    name = f"riskapi-{os.getuid()}-{digest}-{port}"
    for place in (_MEMORY, Path(tempfile.gettempdir())):
        with contextlib.suppress(OSError):
            # Twice what is needed: others write there too.
            if shutil.disk_usage(place).free >= 2 * processes * sum(ROOM.values()):
                return _empty(place / name)
    return _empty(data_dir / "metrics" / f"{port}")


def _empty(directory: Path) -> Path:
    """Make the directory anew. OSError where somebody else's thing stands there, which is left alone."""
    with contextlib.suppress(FileNotFoundError):
        status = directory.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
            raise PermissionError(f"{directory} is not a directory of this user's")
        shutil.rmtree(directory)
    directory.mkdir(parents=True, mode=0o700)
    return directory
