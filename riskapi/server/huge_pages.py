"""What a process has loaded, put on huge pages, so that the processor finds it sooner.

A signup runs code and reads tables all over some 150 MB, and with pages of 4 kB the processor spends a good part of its
time looking up where they are. Linux can hold memory in pages of 2 MB (Documentation/admin-guide/mm/transhuge.rst), but
by default only what a program names (``madvise``). Python names nothing.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

#: Bytes of a huge page on x86-64, and on 64-bit ARM with pages of 4 kB.
_HUGE = 1 << 21
#: ``madvise`` of Linux (include/uapi/asm-generic/mman-common.h): huge pages are welcome; make them now (since 6.1).
_MADV_HUGEPAGE, _MADV_COLLAPSE = 14, 25
_MAPS = Path("/proc/self/maps")


def collapse(maps: Path = _MAPS) -> int:
    """Put what this process has in memory on huge pages, as far as the system gives any; returns how many it gave.

    Nothing changes where the system has none, or is not Linux (0). What is held is rounded up to whole pages; what is
    made later stays on small ones.
    """
    try:
        ranges = _ranges(maps.read_text())
        advise = ctypes.CDLL(None).madvise
    except (OSError, AttributeError):
        return 0
    advise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    given = 0
    for start, end in ranges:
        advise(start, end - start, _MADV_HUGEPAGE)
        # One by one, because a page that cannot be had ends the call.
        given += sum(advise(page, _HUGE, _MADV_COLLAPSE) == 0 for page in range(start, end, _HUGE))
    return given


def _ranges(maps: str) -> list[tuple[int, int]]:
    """Start and end of the whole huge pages in private memory without a file, from the text of ``/proc/self/maps``."""
    found = []
    for line in maps.splitlines():
        addresses, rights, _, _, inode, *name = line.split(maxsplit=5)
        if rights != "rw-p" or inode != "0" or name not in ([], ["[heap]"]):
            continue
        start, end = (int(each, 16) for each in addresses.split("-"))
        start, end = -(-start // _HUGE) * _HUGE, end // _HUGE * _HUGE
        if start < end:
            found.append((start, end))
    return found
