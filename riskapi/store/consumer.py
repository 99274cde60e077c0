"""A consumer of the streams: reads what happened, once for each group, and hands it to whoever does something about it.

Consumer groups are the store's (https://valkey.io/topics/streams-intro/): the workers of a group share its entries, and
an entry that a worker took and never finished is taken over by another. What fails again and again is put aside with
the name of its error, so that it holds up nothing behind it; it can be seen and replayed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import chain
from typing import Literal, get_args

import orjson
import redis

from riskapi import logs
from riskapi.errors import StoreUnavailable
from riskapi.store.connections import Store
from riskapi.store.streams import SHARDS, StreamEntry, stream
from riskapi.times import DAY
from signals.records import record

#: Who reads the streams, each for itself: what is done about accounts, what is told to webhooks, and what entries of
#: lists bring about, which can take so long that nothing else should wait for it.
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
#: Milliseconds between two looks for what was left unfinished: as many as a failed entry waits at least.
_LOOK = _FAILED
#: Tries of an entry, the first included: with the pauses between them half a minute for one that fails.
_TRIES = 6
#: Entries read from a stream at once.
_COUNT = 32
#: Milliseconds after which a reader that has nothing in hand is forgotten: a day.
_SILENT = 1000 * DAY
#: Seconds that lie before a group's first entry: a service that is new to its store looks back over a day, not a year.
_BACK = float(DAY)


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


@record
class _Taken:
    """An entry that was read: its shard, its id, type and data as they are there, and the number of the try."""

    name: str
    id: bytes
    type: bytes
    data: bytes
    tries: int

    @property
    def entry(self) -> StreamEntry:
        """What it says. Raises ``ValueError`` for what is not JSON."""
        return StreamEntry(stream(self.name), self.id.decode(), self.type.decode(), orjson.loads(self.data))


@record
class _Reading:
    """What was read of a stream: the entries to be handled, and the ``count`` of all, those that are nobody's business
    included. ``last`` is the id of the last new one, empty for none; ``is_more`` whether there may be more.
    """

    taken: list[_Taken]
    count: int
    last: bytes
    is_more: bool


def found(store: Store) -> None:
    """Make the groups where they are not there yet, so that nothing recorded from now on is missed. Idempotent."""
    start = f"{int((time.time() - _BACK) * 1000)}-0"
    pipe, script = store.pipeline(), store.script("stream_found")
    for name in STREAMS:
        groups = [group for group in get_args(Group) if name in READ[group]]
        script.queue(pipe, [stream(name)], [start, *groups])
    store.run(pipe)


def sweep(store: Store, oldest: str) -> int:
    """Forget readers that are gone, and trim what is older than the stream id ``oldest``; returns how many are gone."""
    pipe, script = store.pipeline(), store.script("stream_sweep")
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
        together: Callable[[Sequence[StreamEntry]], Sequence[bool]] | None = None,
        types: Collection[str] | None = None,
        idle: int = _IDLE,
        tries: int = _TRIES,
        count: int = _COUNT,
    ) -> None:
        """``handle`` does what is to be done about an entry; it may be called for one twice, and raises what failed.

        ``together`` is given all entries of a reading first. It does at once what is to be done about those that are
        alike, and says of each whether it is done; where it fails, all are handled one by one. Where ``types`` are
        given, entries of other types are nobody's business: the store finishes them as it reads them, and tells nobody.

        ``idle`` are the milliseconds after which an entry counts as left unfinished, ``tries`` how often one is handled
        before it is put aside, ``count`` how many are read from a stream at once.
        """
        self._store, self._group, self._name, self._handle = store, group, name, handle
        #: As the script takes them: between commas, none for all.
        self._types = ",".join(types or ())
        self._together, self._streams = together, READ[group]
        self._idle, self._tries, self._count = idle, tries, count
        self._read = store.script("stream_read")
        self._looked_at = float("-inf")
        self._is_behind = False
        #: The last entry of each stream that this reader knows of.
        self._seen: dict[str, bytes] = {}

    @property
    def group(self) -> Group:
        """The group it reads for."""
        return self._group

    @property
    def is_behind(self) -> bool:
        """Whether the last step found more in a stream than it reads at once."""
        return self._is_behind

    def step(self) -> int:
        """Handle what is there; returns how many entries. Raises :class:`StoreUnavailable`."""
        began = time.monotonic()
        readings = self._readings(began)
        for name, reading in readings.items():
            if reading.last:
                self._seen[name] = max(self._seen.get(name, b"0-0"), reading.last, key=_place)
        self._is_behind = any(reading.is_more for reading in readings.values())
        taken = [each for reading in readings.values() for each in reading.taken]
        done, left = self._sorted(taken)
        for each in left:
            if self._handled(each):
                done.append(each)
            # In time, so that nobody takes over what is done while what is behind it is handled.
            if 1000 * (time.monotonic() - began) > self._idle / 20:
                self._finish(done)
                done, began = [], time.monotonic()
        self._finish(done)
        return sum(reading.count for reading in readings.values())

    def _readings(self, now: float) -> dict[str, _Reading]:
        """What is read at the time ``now`` of the monotonic clock, by stream.

        A store that is new, or lost what it held, is given its groups first.
        """
        try:
            return self._asked(now)
        except redis.ResponseError as error:
            if "NOGROUP" not in str(error):
                raise
        found(self._store)
        return self._asked(now)

    def _asked(self, now: float) -> dict[str, _Reading]:
        """Most readings ask for new entries only; now and then, for what others left unfinished too. All of it is one
        command for all streams. On a cluster, where they lie on several nodes, it is one for each.
        """
        if self._store.is_cluster or 1000 * (now - self._looked_at) >= min(self._idle, _LOOK):
            self._looked_at = now
            return self._scripted(self._idle, max(self._idle, _MOST_IDLE), self._tries, min(self._idle, _FAILED))
        return self._scripted("") if self._types else self._new()

    def _new(self) -> dict[str, _Reading]:
        """What is new, in this reader's hands from now on."""
        names = {stream(name).encode(): name for name in self._streams}
        asked = ("XREADGROUP", "GROUP", self._group, self._name, "COUNT", self._count)
        found = dict[str, _Reading]()
        for key, rows in self._store.execute(*asked, "STREAMS", *names, *[">"] * len(names)) or ():
            name = names[key]
            taken = [_taken(name, id, fields) for id, fields in rows]
            found[name] = _Reading(taken, len(taken), taken[-1].id, len(taken) >= self._count)
        return found

    def _scripted(self, *unfinished: int | str) -> dict[str, _Reading]:
        """What the script reads, by stream: what was left ``unfinished``, where it is told when that is so, then what
        is new, all as far as it is of the types that are wanted. Tells of what is dead now.
        """
        pipe, readings = self._store.pipeline(), dict[str, _Reading]()
        for names in [(name,) for name in self._streams] if self._store.is_cluster else [self._streams]:
            keys = [key for name in names for key in (stream(name), dead_key(name), _errors_key(name))]
            self._read.queue(pipe, keys, [self._group, self._name, self._count, self._types, *unfinished])
        rows = chain.from_iterable(self._store.run(pipe))
        for name, (taken, looked, last, more, dead) in zip(self._streams, rows, strict=True):
            if dead:
                logs.note(logging.ERROR, "dead_letters", group=self._group, shard=name, count=dead)
            told = [_Taken(name, *row) for row in taken]
            count = looked + sum(each.tries > 1 for each in told)
            readings[name] = _Reading(told, count, last, bool(more))
        return readings

    def _sorted(self, taken: Sequence[_Taken]) -> tuple[list[_Taken], list[_Taken]]:
        """What is done with, being done together, and what has to be handled one by one."""
        together, done = self._together, list[_Taken]()
        if together is None or not taken:
            return done, list(taken)
        entries, readable, apart = list[StreamEntry](), list[_Taken](), list[_Taken]()
        for each in taken:
            try:
                entries.append(each.entry)
            except ValueError:  # handled by itself, which says so
                apart.append(each)
            else:
                readable.append(each)
        try:
            told = together(entries)
        except StoreUnavailable:
            raise
        except Exception as error:  # one of them fails; by itself it fails alone
            logs.note(logging.WARNING, "entries_apart", error, group=self._group, count=len(entries))
            return done, list(taken)
        for each, is_done in zip(readable, told, strict=True):
            (done if is_done else apart).append(each)
        return done, apart

    def wait(self, seconds: float) -> bool:
        """Wait until there may be something new in the streams, ``seconds`` at most, which costs next to nothing;
        whether there is. On a cluster, whose nodes cannot be waited for together, after that time and true.

        What somebody left unfinished is not waited for. Raises :class:`StoreUnavailable`.
        """
        if self._store.is_cluster:
            time.sleep(seconds)
            return True
        names = [stream(name) for name in self._streams]
        ids = [self._seen.get(name, b"$") for name in self._streams]
        found = self._store.execute("XREAD", "COUNT", 1, "BLOCK", int(1000 * seconds), "STREAMS", *names, *ids)
        short = {stream(name): name for name in self._streams}
        for name, entries in found or ():
            self._seen[short[name.decode()]] = entries[-1][0]
        return bool(found)

    def _finish(self, done: Sequence[_Taken]) -> None:
        """These entries are done with."""
        if not done:
            return
        pipe, ids = self._store.pipeline(), dict[str, list[bytes]]()
        for each in done:
            ids.setdefault(each.name, []).append(each.id)
        for name, finished in ids.items():
            pipe.execute_command("XACK", stream(name), self._group, *finished)
        for each in done:
            if each.tries > 1:
                pipe.execute_command("HDEL", _errors_key(each.name), self._failure(each))
        self._store.run(pipe)

    def _failure(self, taken: _Taken) -> str:
        """What an entry is called among those that failed."""
        return f"{self._group}:{taken.id.decode()}"

    def _handled(self, taken: _Taken) -> bool:
        try:
            self._handle(taken.entry)
        except StoreUnavailable:
            raise  # nothing is wrong with the entry
        except Exception as error:  # whatever it is, it must not stop those behind it
            type, tries = taken.type.decode(), taken.tries
            logs.note(logging.ERROR, "entry_failed", error, group=self._group, type=type, tries=tries)
            kept = _errors_key(taken.name)
            pipe = self._store.pipeline()
            pipe.execute_command("HSET", kept, self._failure(taken), type_of(error))
            pipe.execute_command("EXPIRE", kept, 30 * DAY)
            self._store.run(pipe)
            return False
        return True


def _taken(name: str, id: bytes, fields: Sequence[bytes]) -> _Taken:
    """A new entry of a stream as the store tells it: its fields are name, value, name, value and so on."""
    if fields[:3:2] == [b"type", b"data"]:  # as all of ours begin
        return _Taken(name, id, fields[1], fields[3], 1)
    told = dict(zip(fields[::2], fields[1::2], strict=True))
    return _Taken(name, id, told.get(b"type", b""), told.get(b"data", b""), 1)


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
    pipe, script = store.pipeline(), store.script("stream_lag")
    for name in READ[group]:
        script.queue(pipe, [stream(name)], [group])
    rows = store.run(pipe)
    lags = [lag for _, lag in rows]
    return sum(pending for pending, _ in rows), -1 if -1 in lags else sum(lags)
