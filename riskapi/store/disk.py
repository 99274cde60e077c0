"""The disk of the data directory: whether there is room on it."""

from __future__ import annotations

import os
from pathlib import Path

from riskapi.store.faults import Fault

#: Bytes under which a disk is full: the append-only file and the journal write some kilobytes a signup, and file
#: systems keep the last blocks to themselves.
LEAST = 1 << 20


def fault(data_dir: Path) -> Fault | None:
    """What is wrong with it, if anything; a directory that cannot be asked is."""
    try:
        found = os.statvfs(data_dir)
    except OSError as error:
        return Fault("data_disk", f"the data directory cannot be read: {error.strerror}")
    free = found.f_bavail * found.f_frsize
    if free < LEAST:
        return Fault("data_disk", f"{free} bytes are left for the data directory")
    if found.f_files and not found.f_favail:
        return Fault("data_disk", "no more files can be made in the data directory (inodes)")
    return None
