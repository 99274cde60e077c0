"""What one signup asks of the store: commands, bytes on the wire, bytes in the append-only file, memory."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

from riskapi.store.embedded import socket_path
from tests.bench import in_process
from tests.bench.bodies import bodies
from tests.bench.counters import counters, sent_by_clients
from tests.bench.figures import Asked

#: Signups before anything is counted: common things (networks, endings) are there, as in service.
_BEFORE = 1000
#: Signups of which it is heard who sends what: the store tells of every command, which takes time.
_HEARD = 200


def measure(directory: Path, key: str, count: int, advance: Callable[[int], None]) -> Asked:
    """Count over ``count`` signups, the same ones every time, one after the other and without a worker."""
    settings = in_process.settings_of(directory, key)
    with in_process.serving(settings) as service:
        store, source = service.store, bodies(21, "asked")

        def post(some: int) -> None:
            for body in itertools.islice(source, some):
                in_process.sign_up(service, body)
                advance(1)

        empty = counters(store).memory
        post(_BEFORE)
        before = counters(store)
        post(count)
        found = counters(store) - before
        # Of the counters themselves: one INFO, which no signup asks for.
        calls = {name: calls / count for name, calls in found.calls.most_common() if name != "info"}
        memory = (counters(store).memory - empty) / (_BEFORE + count)
        sent = sent_by_clients(store, str(socket_path(settings.data_dir)), lambda: post(_HEARD))
    return Asked(
        signups=count,
        sent=sent / _HEARD,
        commands=sum(calls.values()),
        calls=calls,
        bytes_sent=found.received / count,
        bytes_received=found.sent / count,
        bytes_appended=found.appended / count,
        memory=memory,
    )


def total(count: int) -> int:
    """Signups that :func:`measure` posts in all."""
    return _BEFORE + count + _HEARD
