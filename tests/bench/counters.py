"""What a store counts of itself: commands by name, bytes on the wire and in the append-only file, memory, time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import redis

from riskapi.store.connections import Store

_PREFIX = "cmdstat_"
#: How MONITOR (https://valkey.io/commands/monitor/) calls the client of a command that a script ran.
_SCRIPT = "lua"


@dataclass(frozen=True, slots=True)
class Counters:
    """Counters of a store since it began, or what they grew by. ``calls`` has commands inside scripts, too."""

    calls: Counter[str]
    received: int
    sent: int
    appended: int
    memory: int
    resident: int
    busy: float

    def __sub__(self, before: Counters) -> Counters:
        """What was counted since ``before``."""
        calls = self.calls.copy()
        calls.subtract(before.calls)
        return Counters(
            Counter({name: count for name, count in calls.items() if count}),
            self.received - before.received,
            self.sent - before.sent,
            self.appended - before.appended,
            self.memory - before.memory,
            self.resident - before.resident,
            self.busy - before.busy,
        )


def counters(store: Store) -> Counters:
    """What the store has counted by now. Asking counts as well: one INFO."""
    told: Mapping[str, Any] = store.execute("INFO", "all")
    return Counters(
        calls_of(told),
        int(told["total_net_input_bytes"]),
        int(told["total_net_output_bytes"]),
        # What waits for the disk counts too: while an fsync is under way, a write may be put off for two seconds.
        int(told.get("aof_current_size", 0)) + int(told.get("aof_buffer_length", 0)),
        int(told["used_memory"]),
        int(told["used_memory_rss"]),
        float(told["used_cpu_user"]) + float(told["used_cpu_sys"]),
    )


def calls_of(told: Mapping[str, Any]) -> Counter[str]:
    """Calls by command in what ``INFO commandstats`` told; ``config|get`` is one command.

    See https://valkey.io/commands/info/.
    """
    return Counter(
        {name.removeprefix(_PREFIX): int(row["calls"]) for name, row in told.items() if name.startswith(_PREFIX)}
    )


def sent_by_clients(store: Store, path: str, work: Callable[[], object]) -> int:
    """How many commands clients send to the store on the socket ``path`` while ``work`` is done; a script is one."""
    end = "the end of what is counted"
    with closing(redis.Redis(unix_socket_path=path)) as client, client.monitor() as heard:  # type: ignore[no-untyped-call]
        work()
        store.execute("ECHO", end)
        count = 0
        while (command := heard.next_command())["command"] != f"ECHO {end}":
            count += command["client_type"] != _SCRIPT
    return count


def memory_of(store: Store) -> tuple[int, int]:
    """Bytes the store uses and bytes of it that are resident."""
    found = counters(store)
    return found.memory, found.resident
