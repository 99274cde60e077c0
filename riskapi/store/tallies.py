"""Tallies: what happened in an hour and in a day, counted in bounded hashes, for people to look at.

A bucket is one hash (``risk:ty:{b}:h<hour>`` or ``…:d<day>``, since 1970 in UTC). It counts, for a ``group`` of things
such as ``tier`` or ``asn``, what befell each: ``c:tier:review:n`` are signups put into review. What is met little in a
large bucket is added up as ``*``, as in :mod:`riskapi.feedback.platform.receivers`.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Final, Literal

import orjson

from riskapi.store.connections import Store
from riskapi.store.pipelines import Pipeline, as_it_is
from riskapi.times import DAY
from signals.records import record

Unit = Literal["hour", "day"]
#: Seconds of a bucket.
SECONDS: Final[Mapping[Unit, int]] = {"hour": 3600, "day": DAY}
#: Seconds a bucket is kept after it was counted into last: what the longest view shows, and some more.
_KEPT: Final[Mapping[Unit, int]] = {"hour": 3 * DAY, "day": 40 * DAY}
#: Fields of a bucket from which on small ones are added up, how many of a group are left then, and events from which on
#: the name of a thing is kept that stands under a hash. A bucket has some 50 kB at most.
FULL: Final = 1000
LEFT: Final = 50
NAMED: Final = 10
#: Rests of a group that were too small to be kept.
REST: Final = "*"
#: How far each stream was counted. No TTL: what was counted must not be counted again.
_POSITIONS: Final = "risk:tp:{b}"


@record
class Happened:
    """Something that befell the thing ``id`` of a ``group``, so many times. ``group`` and ``what`` are letters.

    ``name`` is for an id that is a hash: it is kept once it was met :data:`NAMED` times.
    """

    group: str
    id: str
    what: str
    count: int = 1
    name: str = ""


@record
class Bucket:
    """An hour or a day that begins at Unix time ``at``: counts of each group by id and what, names by group and id, and
    the largest value that each of ``most`` had.
    """

    at: int
    counts: Mapping[str, Mapping[tuple[str, str], int]] = field(default_factory=dict)
    names: Mapping[tuple[str, str], str] = field(default_factory=dict)
    most: Mapping[str, float] = field(default_factory=dict)

    def count(self, group: str, id: str, what: str) -> int:
        """How often something befell a thing."""
        return self.counts.get(group, {}).get((id, what), 0)


class Tallies:
    """Counts and reads. Safe to share between threads; what talks to the store raises :class:`StoreUnavailable`."""

    def __init__(self, store: Store) -> None:
        self._store, self._add = store, store.script("tally_add")

    def queue(
        self, pipe: Pipeline, happened: Iterable[Happened], at: float, most: Mapping[str, float] | None = None
    ) -> None:
        """Count in a pipeline what happened at Unix time ``at``; ``most`` are values of which the largest is kept."""
        rows = list(happened)
        if rows or most:
            self._queue(pipe, {at: rows}, most or {}, "", "", "")

    def queue_stream(
        self, pipe: Pipeline, happened: Mapping[float, Sequence[Happened]], stream: str, start: str, end: str
    ) -> None:
        """Count in a pipeline what a stream tells between two ids, by when it happened; once, whoever does so too."""
        self._queue(pipe, happened, {}, stream, start, end)

    def positions(self) -> dict[str, str]:
        """Up to which id each stream was counted."""
        found: dict[bytes, bytes] = self._store.execute("HGETALL", _POSITIONS)
        return {name.decode(): id.decode() for name, id in found.items()}

    def read(self, now: float, unit: Unit, number: int) -> list[Bucket]:
        """The last ``number`` buckets, the one of Unix time ``now`` included, oldest first."""
        last, pipe = int(now // SECONDS[unit]), self._store.pipeline()
        places = range(last - number + 1, last + 1)
        asked = [pipe.ask("HGETALL", _key(unit, place), read=as_it_is) for place in places]
        self._store.run(pipe)
        return [_bucket(place * SECONDS[unit], found()) for place, found in zip(places, asked, strict=True)]

    def read_some(self, now: float, unit: Unit, number: int, wanted: Sequence[tuple[str, str, str]]) -> list[list[int]]:
        """Some counts (group, id, what) of the last ``number`` buckets, oldest first, each in the order asked for."""
        last, pipe = int(now // SECONDS[unit]), self._store.pipeline()
        fields = [f"c:{group}:{id}:{what}" for group, id, what in wanted]
        keys = [_key(unit, place) for place in range(last - number + 1, last + 1)]
        asked = [pipe.ask("HMGET", key, *fields, read=_counts) for key in keys]
        self._store.run(pipe)
        return [found() for found in asked]

    def _queue(
        self,
        pipe: Pipeline,
        happened: Mapping[float, Sequence[Happened]],
        most: Mapping[str, float],
        stream: str,
        start: str,
        end: str,
    ) -> None:
        found: dict[str, tuple[Unit, Counter[tuple[str, str, str, str]]]] = {}
        for at, rows in happened.items():
            for unit, seconds in SECONDS.items():
                _, counts = found.setdefault(_key(unit, int(at // seconds)), (unit, Counter()))
                for row in rows:
                    counts[row.group, row.id, row.what, row.name] += row.count
        asked = {
            "token": secrets.token_hex(6),
            "stream": stream,
            "from": start,
            "to": end,
            "full": FULL,
            "left": LEFT,
            "named": NAMED,
            "most": most,
            "buckets": [
                {"ttl": _KEPT[unit], "rows": [[*row, count] for row, count in rows.items()]}
                for unit, rows in found.values()
            ],
        }
        self._add.queue(pipe, [_POSITIONS, *found], [orjson.dumps(asked)])


def _counts(reply: Sequence[bytes | None]) -> list[int]:
    return [int(value or 0) for value in reply]


def _key(unit: Unit, place: int) -> str:
    return f"risk:ty:{{b}}:{unit[0]}{place}"


def _bucket(at: int, fields: Mapping[bytes, bytes]) -> Bucket:
    counts: dict[str, dict[tuple[str, str], int]] = {}
    names: dict[tuple[str, str], str] = {}
    most: dict[str, float] = {}
    for name, value in fields.items():
        letter, group, rest = (*name.decode().split(":", 2), "", "")[:3]
        if letter == "c":
            id, _, what = rest.rpartition(":")
            counts.setdefault(group, {})[id, what] = int(value)
        elif letter == "n":
            names[group, rest] = value.decode()
        elif letter == "m":
            most[group] = float(value)
    return Bucket(at, counts, names, most)


def totals(buckets: Iterable[Bucket], group: str) -> dict[str, Counter[str]]:
    """What happened to each thing of a group in some buckets, by kind; things that have a name are called by it."""
    found: dict[str, Counter[str]] = {}
    for bucket in buckets:
        for (id, what), count in bucket.counts.get(group, {}).items():
            name = bucket.names.get((group, id), id) if bucket.names else id
            if name not in found:
                found[name] = Counter()
            found[name][what] += count
    return found
