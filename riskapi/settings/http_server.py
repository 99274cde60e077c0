"""Settings of the HTTP server: its address, its processes and their threads."""

from __future__ import annotations

import os
from dataclasses import dataclass

from riskapi.settings import environment
from riskapi.settings.setting import declare


def processors() -> list[int]:
    """Numbers of the processors this process may run on; none where the system does not tell."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def cores() -> int:
    """Processor cores this process may run on; at least 1."""
    return len(processors()) or os.cpu_count() or 1


@dataclass(frozen=True, kw_only=True)
class HttpSettings:
    """Part of :class:`riskapi.settings.Settings`."""

    bind: environment.Bind = declare(
        environment.bind,
        "Address of the HTTP server.",
        default=lambda: environment.Bind("127.0.0.1", 8000),
        shown="127.0.0.1:8000",
    )
    workers: int = declare(environment.whole(1, 256), "HTTP worker processes.", default=cores, shown="cores")
    pin_workers: bool = declare(
        environment.switch,
        "Whether each HTTP worker stays on one processor, where there are as many workers as processors: what one "
        "signup left in a processor's cache is there for the next. It then interrupts nothing that runs there, its own "
        "threads least of all. Linux only. Off where other programs keep some of the processors busy all the time.",
        default=lambda: True,
        shown="on",
    )
    threads: int = declare(
        environment.whole(1, 64),
        "Threads of one worker that run Python, each with a connection to the store of its own. While one waits "
        "for the disk, others go on, and the store writes for several at once.",
        default=lambda: 8,
        shown="8",
    )
    body_seconds: int = declare(
        environment.whole(1, 600),
        "Seconds a request's body may take from its headers to its last byte; then the answer is 408. 1 MiB at the "
        "default needs 70 kB/s.",
        default=lambda: 15,
        shown="15",
    )
