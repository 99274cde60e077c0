"""Processor time of a server and of the processes it started, told by the kernel (Linux only)."""

from __future__ import annotations

import os
from pathlib import Path

_PROC = Path("/proc")


def spent(root: int) -> dict[str, float]:
    """Seconds of processor time of ``root`` and all below it, by what they are; this process is the ``client``.

    Processes that ended count for the one that waited for them. Empty where there is no ``/proc``.
    """
    if not _PROC.is_dir():
        return {}
    rows = {int(entry.name): row for entry in _PROC.iterdir() if entry.name.isdigit() and (row := _row(entry))}
    found = {"client": rows[os.getpid()][2]}
    for pid, (name, _, seconds) in rows.items():
        if _is_below(pid, root, rows):
            kind = "store" if name.startswith(("valkey", "redis")) else "server"
            found[kind] = found.get(kind, 0.0) + seconds
    return found


def _is_below(pid: int, root: int, rows: dict[int, tuple[str, int, float]]) -> bool:
    while pid != root and pid in rows:
        pid = rows[pid][1]
    return pid == root


def _row(entry: Path) -> tuple[str, int, float] | None:
    """Name, parent and seconds of a process; see proc_pid_stat(5). None when it is gone by now."""
    try:
        name, _, rest = (entry / "stat").read_text().partition("(")[2].rpartition(")")
    except OSError:
        return None
    fields = rest.split()
    # utime, stime, cutime and cstime: fields 14 to 17, counted from 1; the state after the name is field 3.
    ticks = sum(map(int, fields[11:15]))
    return name, int(fields[1]), ticks / os.sysconf("SC_CLK_TCK")
