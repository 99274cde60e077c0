"""A consumer of the streams: reads what happened, once for each group, and hands it to whoever does something about it.

Consumer groups are the store's (https://valkey.io/topics/streams-intro/): the workers of a group share its entries, and
an entry that a worker took and never finished is taken over by another. What fails again and again is put aside with
the name of its error, so that it holds up nothing behind it; it can be seen and replayed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, get_args

import orjson

from riskapi import logs
from riskapi.errors import StoreUnavailable
from riskapi.store.connections import Store
from riskapi.store.streams import SHARDS, StreamEntry, stream
from signals.records import record

#: Who reads the streams, each for itself: what is done about accounts, what is told to webhooks, and what entries of
#: lists bring about, which takes so long for some that nobody else should wait for it.
Group = Literal["reactions", "notices", "lists"]
#: The streams: one a shard, and the one of clusters and lists.
STREAMS = (*map(str, range(SHARDS)), "b")
#: The streams each of them reads.
READ: Mapping[Group, tuple[str, ...]] = {"reactions": STREAMS, "notices": STREAMS, "lists": ("b",)}
#: Milliseconds after which an entry counts as left unfinished: many times what handling one takes. It doubles with each
#: try, up to the second.
_IDLE, _MOST_IDLE = 10_000, 300_000
#: The same for an entry that is known to have failed.
_FAILED = 1_000
#: Tries of an entry, the first included: with the pauses between them half a minute for one that fails.
_TRIES = 6
#: Entries read from a stream at once.
_COUNT = 32
#: Milliseconds after which a reader that has nothing in hand is forgotten: a day.
_SILENT = 86_400_000
#: Seconds that lie before a group's first entry: a service that is new to its store looks back over a day, not a year.
_BACK = 86400.0


def dead_key(name: str) -> str:
    """Key of a shard's dead letters. No TTL: they stay until they are replayed, or dropped with the retention."""
    return f"risk:x:{{{name}}}"


def _errors_key(name: str) -> str:
    """Key of what went wrong with a shard's entries; they leave it as they succeed or die. Expires after a month."""
    return f"risk:xe:{{{name}}}"


@record
class DeadLetter:
    """A dead letter: its id among those of the shard ``name``, the group that could not handle it, and the entry."""

    id: str
    name: str
    group: str
    entry: StreamEntry
    tries: int
    error: str


def found(store: Store) -> None:
    """Make the groups where they are not there yet, so that nothing recorded from now on is missed. Idempotent."""
    start = f"{int((time.time() - _BACK) * 1000)}-0"
    pipe, script = store.pipeline(), store.script("outbox_found")
    for name in STREAMS:
        groups = [group for group in get_args(Group) if name in READ[group]]
        script.queue(pipe, [stream(name)], [start, *groups])
    store.run(pipe)


def sweep(store: Store, oldest: str) -> int:
    """Forget readers that are gone, and trim what is older than the stream id ``oldest``; returns how many are gone."""
    pipe, script = store.pipeline(), store.script("outbox_sweep")
    for name in STREAMS:
        script.queue(pipe, [stream(name), dead_key(name)], [_SILENT, oldest])
    return sum(store.run(pipe))


class Consumer:
    """Reads for one group under one name, which no other reader may have at the same time."""

    def __init__(
        self,
        store: Store,
        group: Group,
        name: str,
        handle: Callable[[StreamEntry], None],
        *,
        idle: int = _IDLE,
        tries: int = _TRIES,
        count: int = _COUNT,
    ) -> None:
        """``handle`` does what is to be done about an entry; it may be called for one twice, and raises what failed.

        ``idle`` are the milliseconds after which an entry counts as left unfinished, ``count`` how many are read from
        a stream at once.
        """
        self._store, self._group, self._name, self._handle = store, group, name, handle
        self._idle, self._tries, self._streams, self._count = idle, tries, READ[group], count
        self._read = store.script("outbox_read")
        #: The last entry of each stream that this reader knows of.
        self._seen: dict[str, bytes] = {}

    @property
    def group(self) -> Group:
        """The group it reads for."""
        return self._group

    def step(self) -> int:
        """Handle what is there; returns how many entries. Raises :class:`StoreUnavailable`."""
        handled = 0
        pipe = self._store.pipeline()
        for name in self._streams:
            keys = [stream(name), dead_key(name), _errors_key(name)]
            args: list[str | int] = [self._group, self._name, self._count, self._idle, max(self._idle, _MOST_IDLE)]
            args += (self._tries, min(self._idle, _FAILED))
            self._read.queue(pipe, keys, args)
        for name, (found, dead) in zip(self._streams, self._store.run(pipe), strict=True):
            if dead:
                logs.note(logging.ERROR, "dead_letters", group=self._group, shard=name, count=dead)
            done: list[tuple[bytes, bool]] = []
            began = time.monotonic()
            for id, *rest in found:
                if self._handled(name, id, rest):
                    done.append((id, rest[2] > 1))
                # In time, so that nobody takes over what is done while what is behind it is handled.
                if 1000 * (time.monotonic() - began) > self._idle / 20:
                    self._finish(name, done)
                    done, began = [], time.monotonic()
            self._finish(name, done)
            handled += len(found)
            if found:
                self._seen[name] = max(self._seen.get(name, b"0-0"), found[-1][0], key=_place)
        return handled

    def wait(self, seconds: float) -> bool:
        """Wait until there may be something new in the streams, ``seconds`` at most, which costs next to nothing;
        whether there is. On a cluster, whose nodes cannot be waited for together, at once and true.

        What somebody left unfinished is not waited for. Raises :class:`StoreUnavailable`.
        """
        if self._store.is_cluster:
            return True
        names = [stream(name) for name in self._streams]
        ids = [self._seen.get(name, b"$") for name in self._streams]
        found = self._store.execute("XREAD", "COUNT", 1, "BLOCK", int(1000 * seconds), "STREAMS", *names, *ids)
        short = {stream(name): name for name in self._streams}
        for name, entries in found or ():
            self._seen[short[name.decode()]] = entries[-1][0]
        return bool(found)

    def _finish(self, name: str, done: Sequence[tuple[bytes, bool]]) -> None:
        """These entries of a stream are done with; of each: whether it failed before."""
        if not done:
            return
        pipe = self._store.pipeline()
        pipe.execute_command("XACK", stream(name), self._group, *(id for id, _ in done))
        failed = [f"{self._group}:{id.decode()}" for id, before in done if before]
        if failed:
            pipe.execute_command("HDEL", _errors_key(name), *failed)
        self._store.run(pipe)

    def _handled(self, name: str, id: bytes, rest: Sequence[Any]) -> bool:
        type, data, tries = rest
        try:
            self._handle(StreamEntry(stream(name), id.decode(), type.decode(), orjson.loads(data)))
        except StoreUnavailable:
            raise  # nothing is wrong with the entry
        except Exception as error:  # whatever it is, it must not stop those behind it
            logs.note(logging.ERROR, "entry_failed", error, group=self._group, type=type.decode(), tries=tries)
            kept = _errors_key(name)
            pipe = self._store.pipeline()
            pipe.execute_command("HSET", kept, f"{self._group}:{id.decode()}", type_of(error))
            pipe.execute_command("EXPIRE", kept, 30 * 86400)
            self._store.run(pipe)
            return False
        return True


def _place(id: bytes) -> tuple[int, int]:
    """Where an entry stands in its stream."""
    milliseconds, _, number = id.partition(b"-")
    return int(milliseconds), int(number)


def type_of(error: Exception) -> str:
    """The type of an error and where it was raised; never its message, which may hold a person's data."""
    frames = logs.describe(error)
    return f"{frames['error']} at {frames['stack'][-1] if frames['stack'] else 'unknown'}"


class DeadLetters:
    """What no worker could handle."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def count(self) -> int:
        """How many there are."""
        pipe = self._store.pipeline()
        for name in STREAMS:
            pipe.execute_command("XLEN", dead_key(name))
        return sum(self._store.run(pipe))

    def list(self, most: int = 1000) -> Iterator[DeadLetter]:
        """Up to ``most`` of each shard, oldest first."""
        for name in STREAMS:
            for id, fields in self._store.execute("XRANGE", dead_key(name), "-", "+", "COUNT", most):
                found = {key.decode(): value.decode("utf-8", "replace") for key, value in fields.items()}
                try:
                    data = orjson.loads(found["data"])
                except ValueError:
                    data = {}
                entry = StreamEntry(found["stream"], found["id"], found["type"], data)
                yield DeadLetter(id.decode(), name, found["group"], entry, int(found["tries"]), found["error"])

    def replay(self, letter: DeadLetter, handle: Callable[[StreamEntry], None]) -> None:
        """Handle a letter again and drop it; what ``handle`` raises goes on, and the letter stays."""
        handle(letter.entry)
        self.drop(letter)

    def drop(self, letter: DeadLetter) -> None:
        """Drop a letter."""
        self._store.execute("XDEL", dead_key(letter.name), letter.id)


def backlog(store: Store, group: Group) -> tuple[int, int]:
    """Entries that a group took and did not finish yet, and those it has not read, -1 where the store cannot tell."""
    pipe, script = store.pipeline(), store.script("outbox_lag")
    for name in READ[group]:
        script.queue(pipe, [stream(name)], [group])
    rows = store.run(pipe)
    lags = [lag for _, lag in rows]
    return sum(pending for pending, _ in rows), -1 if -1 in lags else sum(lags)
