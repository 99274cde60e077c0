"""Ports of loopback for the servers of tests."""

from __future__ import annotations

import contextlib
import os
import random
import socket
from collections.abc import Iterator
from functools import cache
from pathlib import Path

#: Ports from here up to those that the system gives out (``ip_local_port_range``, 32768 on Linux) are nobody's.
#: One that the system gives is free now, and may be somebody else's by the time that ours begins to listen.
_FIRST, _SYSTEMS = 10_240, 32_768
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_port() -> int:
    """A port nobody listens on."""
    return free_ports(1)[0]


def free_ports(count: int, spread: int = 0) -> list[int]:
    """Ports nobody listens on; with ``spread`` those that many above are free as well (a cluster's bus)."""
    found: list[int] = []
    while len(found) < count:
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError, OverflowError):
            port = next(_ports())
            for each in {port, port + spread}:
                stack.enter_context(socket.socket()).bind(("127.0.0.1", each))
            found.append(port)
    return found


@cache
def _ports() -> Iterator[int]:
    return _in_turn()


def _in_turn() -> Iterator[int]:
    """The ports of this process, in any order, again and again: processes that run tests beside it have others."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    step = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    end = int(_RANGE.read_text().split()[0]) if _RANGE.exists() else _SYSTEMS
    ports = list(range(_FIRST + number, max(end, _FIRST + 10_000), step))
    while True:
        random.Random().shuffle(ports)
        yield from ports
