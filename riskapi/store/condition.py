"""What is wrong with the store: asked of every server that takes writes, past the circuit."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import redis
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    MasterDownError,
    MovedError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    ResponseError,
)

from riskapi.errors import StoreUnavailable
from riskapi.store.connections import PREFIX, Store
from riskapi.store.faults import Fault, Name

#: Seconds to an answer after which a store is slow: a signup makes up to three trips, and callers are told to wait for
#: two seconds.
SLOW = 0.25
#: Share of ``maxmemory`` from which an operator is told that it fills up.
NEARLY = 0.9
#: What an error answer means, by its class or its first word (https://valkey.io/topics/protocol/#simple-errors).
_CLASSES: tuple[tuple[type[Exception], Name, str], ...] = (
    (OutOfMemoryError, "full", "its memory is used up (maxmemory), and it refuses writes"),
    (ReadOnlyError, "read_only", "it is a replica, and refuses writes"),
    (BusyLoadingError, "loading", "it reads its data"),
    (MasterDownError, "replicas", "it is a replica that lost its master"),
    (NoPermissionError, "refused", "its user may not do what is needed (NOPERM)"),
    (AuthenticationError, "refused", "it does not accept the user or password"),
)
_WORDS: tuple[tuple[str, Name, str], ...] = (
    ("OOM", "full", "its memory is used up (maxmemory), and it refuses writes"),
    ("MISCONF", "disk", "it could not write to its disk, and refuses writes (MISCONF)"),
    ("NOREPLICAS", "replicas", "it has fewer replicas than it must have, and refuses writes (NOREPLICAS)"),
    ("BUSY", "busy", "a script does not end (BUSY)"),
    ("UNKILLABLE", "busy", "a script that has written does not end (UNKILLABLE)"),
    ("NOAUTH", "refused", "it wants a password"),
)


def faults(store: Store, slow: float = SLOW, clock: Callable[[], float] = time.monotonic) -> list[Fault]:
    """Everything that is wrong with the store now, each sort once; empty when signups get full answers.

    ``slow`` is in seconds, as ``clock`` counts them. Never raises for what a store does.
    """
    found: dict[Name, Fault] = {}
    try:
        for server in store.primaries():
            for fault in _of(server, slow, clock):
                found.setdefault(fault.name, fault)
    except (redis.RedisError, RedisClusterException, OSError, StoreUnavailable) as error:
        fault = explained(error)
        found.setdefault(fault.name, fault)
    return list(found.values())


def explained(error: Exception) -> Fault:
    """What an error of the store means. An error answer may quote a command, so its text is left out."""
    for kind, name, said in _CLASSES:
        if isinstance(error, kind):
            return Fault(name, said)
    for word, name, said in _WORDS:
        if str(error).startswith(word):
            return Fault(name, said)
    if isinstance(error, ResponseError):
        return Fault("refused", f"it answers with an error ({str(error).split(' ', 1)[0]})")
    if isinstance(error, redis.TimeoutError):
        return Fault("away", "it does not answer in time")
    return Fault("away", str(error))


def fills(store: Store) -> Iterator[tuple[float, int]]:
    """How much of its memory each server has used, as a share, and ``maxmemory`` in bytes.

    Servers without a limit, and those that do not answer, are left out.
    """
    with contextlib.suppress(redis.RedisError, RedisClusterException, OSError, StoreUnavailable):
        for server in store.primaries():
            memory: dict[str, Any] = server.info("memory")
            if memory.get("maxmemory"):
                yield memory["used_memory"] / memory["maxmemory"], memory["maxmemory"]


def _of(server: redis.Redis, slow: float, clock: Callable[[], float]) -> Iterator[Fault]:
    begun = clock()
    told: dict[str, Any] = server.info()
    seconds = clock() - begun
    if told.get("loading"):
        yield Fault("loading", f"it reads its data, {told.get('loading_loaded_perc', 0)} % by now")
        return
    if told.get("role") != "master":
        link = "" if told.get("master_link_status") == "up" else ", and has lost its master"
        yield Fault("read_only", f"it is a replica of {told.get('master_host')}:{told.get('master_port')}{link}")
    if told.get("aof_last_write_status", "ok") != "ok":
        yield Fault("disk", "its last write to the append-only file failed")
    if told.get("maxmemory") and told["used_memory"] >= told["maxmemory"] and _evicts_nothing(told):
        yield Fault("full", f"all {told['maxmemory']} bytes of its memory are used (maxmemory), and it refuses writes")
    try:
        # A write that finds nothing to do, and is refused where writes are.
        server.set(f"{PREFIX}probe", b"", xx=True)
    except MovedError:  # another node of the cluster has that key
        pass
    except ResponseError as error:
        yield explained(error)
    if seconds > slow:
        yield Fault("slow", f"it took {seconds:.2f} seconds to answer")


def _evicts_nothing(told: dict[str, Any]) -> bool:
    return str(told.get("maxmemory_policy")) == "noeviction"
