"""Which version of the policy each process decides by, as the processes themselves say."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson
from typing_extensions import TypedDict

from riskapi.contract import Count, Instant
from riskapi.policy.publisher import Publisher
from riskapi.store import damaged
from riskapi.times import DAY, rfc3339

if TYPE_CHECKING:
    from riskapi.store.connections import Store

#: Processes by name (JSON). Those silent for long leave it when somebody looks; all of it a day after the last report.
TABLE = "risk:deciders"
_KEPT = DAY
#: Seconds between two reports of a process, and after how many it counts as gone.
_BEAT, GONE = 5.0, 15.0


class PolicyWorker(TypedDict):
    """One process: the version it decides by, since when, and until when it is in attack mode. ``fault`` is why it does
    not take the version in force.
    """

    worker: str
    version: int
    since: Instant
    attack_until: Instant | None
    fault: str | None
    seen_at: Instant
    current: bool


class PolicyWorkers(TypedDict):
    """The processes that were heard of within 15 seconds; ``current`` of them decide by ``version``, in force now."""

    version: int
    published_at: Instant | None
    current: Count
    workers: list[PolicyWorker]


class DecidingWorker:
    """Says what one process decides by: at once when it changes, else every few seconds. ``clock`` gives Unix time."""

    def __init__(self, store: Store, publisher: Publisher, clock: Callable[[], float]) -> None:
        self._store, self._publisher, self._clock = store, publisher, clock
        self._name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
        self._said: tuple[Any, ...] = ()
        self._since = self._seen = 0.0

    def say(self) -> None:
        """Say it, where that is due. Raises :class:`StoreUnavailable`."""
        publisher, now = self._publisher, self._clock()
        attack = None if publisher.attack is None else rfc3339(publisher.attack.until)
        said = (publisher.active.policy.version, attack, publisher.fault)
        if said == self._said and now - self._seen < _BEAT:
            return
        if said[:1] != self._said[:1]:
            self._since = now
        row = {
            "version": said[0],
            "attack_until": attack,
            "fault": said[2],
            "since": rfc3339(self._since),
            "seen": now,
        }
        pipe = self._store.pipeline()
        pipe.execute_command("HSET", TABLE, self._name, orjson.dumps(row))
        pipe.execute_command("EXPIRE", TABLE, _KEPT)
        self._store.run(pipe)
        self._said, self._seen = said, now


def deciding(store: Store, version: int, published_at: str | None, now: float) -> PolicyWorkers:
    """What the processes decide by at Unix time ``now``, beside the version in force. Raises
    :class:`StoreUnavailable`.
    """
    rows = store.execute("HGETALL", TABLE)
    found, gone = list[PolicyWorker](), list[bytes]()
    for name, row in rows.items():
        each = damaged.read("worker", name.decode(), partial(_worker, name.decode(), row, version, now), None)
        if each is None:
            gone.append(name)
        else:
            found.append(each)
    if gone:
        store.execute("HDEL", TABLE, *gone)
    found.sort(key=lambda each: each["worker"])
    current = sum(each["current"] for each in found)
    return {"version": version, "published_at": published_at, "current": current, "workers": found}


def _worker(name: str, row: bytes, version: int, now: float) -> PolicyWorker | None:
    said = orjson.loads(row)
    if now - said["seen"] > GONE:
        return None
    return {
        "worker": name,
        "version": said["version"],
        "since": said["since"],
        "attack_until": said["attack_until"],
        "fault": said["fault"],
        "seen_at": rfc3339(said["seen"]),
        "current": said["version"] == version and said["fault"] is None,
    }
