"""When and how a feed was heard of, so that one that falls silent, changes or loses its secret is noticed.

Each feed is a hash (``risk:fh:{b}:<feed>``): bodies taken, parts understood and not, and requests with a bad signature,
by the hour for three days and by the day for four weeks, and the longest pause of each day. No body is kept.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any, Final, get_args

import orjson

from riskapi.errors import Problem, StoreUnavailable
from riskapi.feedback.reports import Feed, Received
from riskapi.metrics import Metrics
from riskapi.policy.active import ActiveBasis
from riskapi.store.connections import Store
from riskapi.store.pipelines import as_it_is
from riskapi.times import DAY
from signals.records import record

#: Events posted as JSON, and mail that ``python -m riskapi mailbox`` hands over. A ``source`` that callers give is a
#: feed of its own, ``json:<source>``.
JSON: Final = "json"
MAILBOX: Final = "mailbox"
FEEDS: Final = (*get_args(Feed), JSON, MAILBOX)
_SOURCE: Final = re.compile(r"[a-z0-9][a-z0-9._:-]{0,31}")
#: Sources of JSON that are feeds of their own; more are ``json``.
SOURCES: Final = 32
#: Hours and days that are kept: longer than the longest window, and four weeks, which have every day of the week alike.
HOURS, DAYS = 74, 28
#: Seconds a feed is remembered after it was heard of last: as long as policy may want to know of its silence.
_KEPT: Final = 91 * DAY
#: What one request weighs in the share of bad ones: some hundred requests count (an exponentially weighted average,
#: Roberts 1959, has the weight of 2 / weight - 1 of them).
WEIGHT: Final = 0.02
#: Requests with a bad signature that a process writes down at once, and how many more each second; those between
#: are written with the next. Anybody can send them, so they must not cost a trip to the store each.
_BURST, _PACE = 50.0, 5.0
_UNPROVED: Final = frozenset({"bad_signature", "not_json", "not_this_feed"})


@record
class FeedActivity:
    """What is known of one feed. ``first`` and ``last`` are Unix times of good bodies; ``since_good`` are requests with
    a bad signature since the last one, ``share`` is that of bad ones among the last hundred.

    ``counts`` has by letter and hour (since 1970) or day: ``g`` good bodies, ``p`` parts understood, ``x`` parts not
    understood, ``s`` bad signatures; the same in capitals by day, and ``m``, the longest pause that ended that day.
    """

    feed: str
    first: float | None = None
    last: float | None = None
    since_good: int = 0
    share: float = 0.0
    counts: Mapping[str, Mapping[int, float]] = field(default_factory=dict)

    def total(self, letter: str, first: int, last: int) -> int:
        """How many of a letter from one hour or day to another, both included."""
        return int(sum(count for at, count in self.counts.get(letter, {}).items() if first <= at <= last))


class FeedActivities:
    """Notes what feeds bring. Safe to share between threads. Nothing here fails a request: a feed that was stored is
    acknowledged, whatever becomes of the note.
    """

    def __init__(self, store: Store, active: ActiveBasis, metrics: Metrics) -> None:
        self._store, self._active, self._metrics = store, active, metrics
        self._hear = store.script("feed_hear")
        self._lock = threading.Lock()
        self._waiting: dict[str, int] = {}
        self._room, self._at = _BURST, 0.0

    @contextlib.contextmanager
    def proving(self, feed: str, now: float) -> Iterator[None]:
        """Around the check of a proof: notes a request that does not prove whose it is."""
        try:
            yield
        except Problem as problem:
            if problem.code in _UNPROVED:
                self._refused(feed, now)
            raise

    @contextlib.contextmanager
    def reading(self, feed: str, now: float) -> Iterator[None]:
        """Around the reading of a body that is proved: notes one that is nothing the feed sends."""
        try:
            yield
        except (Problem, ValueError):
            self.heard(feed, now, 0, 1)
            raise

    def took(self, feed: str, received: Received, now: float) -> None:
        """Note a body that was taken."""
        self.heard(feed, now, len(received.reports) + received.ignored, len(received.not_understood))

    def heard(self, feed: str, now: float, parts: int, missed: int) -> None:
        """Note a body with a good proof, of which so many parts were understood and so many not."""
        self._note([self._taken(feed, now, parts, missed)])

    def heard_events(self, sources: Mapping[str | None, int], missed: int, now: float) -> None:
        """Note a body of JSON events: how many each source has, and how many could not be read."""
        feeds: dict[str, int] = {} if sources else {JSON: 0}
        for source, count in sources.items():
            name = f"{JSON}:{source}" if source is not None and _SOURCE.fullmatch(source) else JSON
            name = name if name in feeds or len(feeds) < SOURCES else JSON
            feeds[name] = feeds.get(name, 0) + count
        rows = enumerate(feeds.items())
        self._note([self._taken(name, now, count, 0 if number else missed) for number, (name, count) in rows])

    def read(self) -> dict[str, FeedActivity]:
        """What is known of every feed that was heard of, by its name. Raises :class:`StoreUnavailable`."""
        names = sorted(name.decode() for name in self._store.execute("HKEYS", _INDEX))
        pipe = self._store.pipeline()
        asked = {name: pipe.ask("HGETALL", _key(name), read=as_it_is) for name in names}
        self._store.run(pipe)
        return {name: _heard(name, rows()) for name, rows in asked.items()}

    def forget(self, feed: str) -> None:
        """Forget a feed that was given up. Raises :class:`StoreUnavailable`."""
        pipe = self._store.pipeline()
        pipe.execute_command("HDEL", _INDEX, feed)
        pipe.execute_command("DEL", _key(feed))
        self._store.run(pipe)

    def _refused(self, feed: str, now: float) -> None:
        self._metrics.feed(feed, "refused")
        with self._lock:
            self._waiting[feed] = self._waiting.get(feed, 0) + 1
            self._room = min(_BURST, self._room + max(now - self._at, 0.0) * _PACE)
            self._at = max(self._at, now)
            if self._room < 1:
                return
            self._room -= 1
            bad = self._waiting.pop(feed)
        self._note([{"feed": feed, "now": now, "good": 0, "parts": 0, "missed": 0, "bad": bad}])

    def _taken(self, feed: str, now: float, parts: int, missed: int) -> dict[str, Any]:
        self._metrics.feed(feed.partition(":")[0], "taken" if parts or not missed else "not_understood")
        return {"feed": feed, "now": now, "good": 1, "parts": parts, "missed": missed, "bad": 0}

    def _note(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write down what came, all feeds in one trip."""
        rules, pipe = self._active.policy.feedback.platform.silence, self._store.pipeline()
        for row in rows:
            asked = {
                **row,
                "token": secrets.token_hex(6),
                "other": JSON,
                "named": ":" in row["feed"],
                "most": SOURCES,
                "factor": rules.factor,
                "least": rules.least_minutes * 60,
                "young": rules.days * DAY,
                "hours": HOURS,
                "days": DAYS,
                "weight": WEIGHT,
                "ttl": _KEPT,
            }
            self._hear.queue(pipe, [_INDEX, _key(row["feed"]), _key(JSON)], [orjson.dumps(asked)])
        with contextlib.suppress(StoreUnavailable):
            self._store.run(pipe)


#: Every feed that was heard of, by when. Expires 91 days after the last of them.
_INDEX: Final = "risk:fh:{b}"


def _key(feed: str) -> str:
    """Key of what is known of a feed; it expires 91 days after it was heard of last."""
    return f"risk:fh:{{b}}:{feed}"


def _heard(name: str, rows: Mapping[bytes, bytes]) -> FeedActivity:
    counts: dict[str, dict[int, float]] = {}
    for row, value in rows.items():
        letter, colon, at = row.decode().partition(":")
        if colon:
            counts.setdefault(letter, {})[int(at)] = float(value)
    first, last = (float(rows[key]) if key in rows else None for key in (b"first", b"last"))
    return FeedActivity(name, first, last, int(rows.get(b"since", 0)), float(rows.get(b"share", 0)), counts)
