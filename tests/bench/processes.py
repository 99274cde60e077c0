"""Processor time of a server and of the processes it started, told by the kernel (Linux only)."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

_PROC = Path("/proc")
#: Servers count as quiet when together they take no more than this share of one core, over this many seconds.
_QUIET, _LOOK = 0.2, 0.25
#: Seconds after which what is busy is taken to stay so.
_PATIENCE = 10.0


class _Row(NamedTuple):
    """What a process is."""

    name: str
    parent: int
    seconds: float
    niceness: int


def spent(root: int) -> dict[str, float]:
    """Seconds of processor time of ``root`` and all below it, by what they are; this process is the ``client``, a niced
    one the ``worker``.

    Processes that ended count for the one that waited for them. Empty where there is no ``/proc``.
    """
    if not _PROC.is_dir():
        return {}
    rows = {int(entry.name): row for entry in _PROC.iterdir() if entry.name.isdigit() and (row := _row(entry))}
    found = {"client": rows[os.getpid()].seconds}
    for pid, row in rows.items():
        if _is_below(pid, root, rows):
            kind = "store" if row.name.startswith(("valkey", "redis")) else "worker" if row.niceness > 0 else "server"
            found[kind] = found.get(kind, 0.0) + row.seconds
    return found


def grown(after: dict[str, float], before: dict[str, float]) -> dict[str, float]:
    """What processor time was spent between two looks."""
    return {name: total - before.get(name, 0.0) for name, total in after.items()}


def until_quiet(roots: Iterable[int]) -> None:
    """Wait until servers have done what they put off, or for ten seconds."""
    pids, deadline = list(roots), time.monotonic() + _PATIENCE
    before = [spent(pid) for pid in pids]
    while before[0] and time.monotonic() < deadline:
        time.sleep(_LOOK)
        now = [spent(pid) for pid in pids]
        busy = [grown(after, then) for after, then in zip(now, before, strict=True)]
        if sum(seconds for each in busy for name, seconds in each.items() if name != "client") <= _QUIET * _LOOK:
            return
        before = now


def _is_below(pid: int, root: int, rows: dict[int, _Row]) -> bool:
    while pid != root and pid in rows:
        pid = rows[pid].parent
    return pid == root


def _row(entry: Path) -> _Row | None:
    """Name, parent, seconds and niceness of a process; see proc_pid_stat(5). None when it is gone by now."""
    try:
        name, _, rest = (entry / "stat").read_text().partition("(")[2].rpartition(")")
    except OSError:
        return None
    fields = rest.split()
    # utime, stime, cutime and cstime: fields 14 to 17, counted from 1; nice is field 19; the state after the name is 3.
    ticks = sum(map(int, fields[11:15]))
    return _Row(name, int(fields[1]), ticks / os.sysconf("SC_CLK_TCK"), int(fields[16]))
