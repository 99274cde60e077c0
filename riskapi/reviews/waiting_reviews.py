"""Reviews that wait, as the queue reads them: no more of each than it takes to choose from.

What was read is kept in the process. Whatever changes a review, the tier of an account or a cluster tells a stream in
the same step, so a page asks the streams what changed since, and reads that again. What tells no stream, as an account
that expires, is found within a minute. What a review says at length is read for those that a page shows, see
:mod:`riskapi.reviews.reasons`.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from functools import partial
from typing import Any, cast

from riskapi.budgets.keys import EVENTS
from riskapi.contract import Tier
from riskapi.reviews.queue import ReviewStatus, index_key
from riskapi.reviews.stream_news import StreamNews, StreamReader
from riskapi.reviews.waiting_clusters import WaitingClusters
from riskapi.store import damaged
from riskapi.store.connections import Store
from riskapi.store.pipelines import as_it_is
from riskapi.store.streams import SHARDS, stream
from signals.records import changed, record

#: Reviews of a status and shard that are looked at, the oldest first: 2,000 of a status.
_MOST = 250
#: Reviews asked of in one trip, which takes the store about a millisecond: signups wait no longer.
_ASKED = 100
#: Seconds after which a shard is read anew, whatever its stream says; one a page.
_FRESH = 60
_STATUSES = ("open", "claimed", "escalated")
#: Fields that only those have which somebody claimed, handed on, or asked the customer about.
_FIELDS = ("reviewer", "claimed_at", "escalation_reason", "question", "waits_until", "asked_seen")


@record
class WaitingReview:
    """A review that waits; times are Unix times, 0 where there is none. ``tier`` and ``signed_up_at``
    are of its account, ``cluster_id`` is ``""`` for one in no cluster, whose ``size`` is 1.
    ``asked_seen`` is what had happened when the customer was asked, see :mod:`riskapi.reviews.questions`.
    """

    id: str
    user_id: str
    status: ReviewStatus
    opened_at: float
    risk_score: float
    tier: Tier
    signed_up_at: float
    reviewer: str = ""
    claimed_at: float = 0.0
    escalation_reason: str = ""
    question: str = ""
    waits_until: float = 0.0
    asked_seen: str = ""
    cluster_id: str = ""
    size: int = 1


@record
class Waiting:
    """What waits. ``version`` is another once anything of it is, ``decided`` once a review was decided or an account
    moved to another tier. ``whole``: these are all there are.
    """

    reviews: Sequence[WaitingReview]
    version: int
    decided: int
    whole: bool


@record
class _Shard:
    """What was read of a shard, up to an entry of its stream, at a Unix time; reviews by id."""

    place: str
    read_at: float
    rows: dict[str, WaitingReview] = field(default_factory=dict)
    whole: bool = True


class WaitingReviews:
    """Reads them. Safe to share between threads. Raises :class:`StoreUnavailable` while the store is away."""

    def __init__(self, store: Store) -> None:
        self._store, self._reader, self._clusters = store, StreamReader(store), WaitingClusters(store)
        self._waiting = store.script("review_waiting")
        self._lock, self._shards, self._place = threading.Lock(), dict[int, _Shard](), ""
        self._found, self._changed, self._decided = Waiting((), 0, 0, whole=True), False, 0

    def all(self, now: float) -> Waiting:
        """All that are open, claimed or escalated at Unix time ``now``, up to 2,000 of each status, with the clusters
        of their accounts.
        """
        with self._lock:
            places = {stream(number): self._place_of(number) for number in range(SHARDS)}
            news = self._reader.since({**places, EVENTS: self._place})
            expired, about = self._expired(now), news[EVENTS]
            for number in range(SHARDS):
                self._follow(number, news[stream(number)], now, expired)
            if self._changed or about.told or not about.whole:
                self._join(None if expired == 0 else about)
                rows = [row for each in self._shards.values() for row in each.rows.values()]
                whole = all(each.whole for each in self._shards.values())
                self._found = Waiting(rows, self._found.version + 1, self._decided, whole)
            self._place, self._changed = about.place, False
            return self._found

    def of(self, review_ids: Iterable[str]) -> list[WaitingReview]:
        """Those of some reviews that wait, as they are now; their clusters are not told."""
        shards: dict[int, list[str]] = {}
        for name in review_ids:
            shards.setdefault(int(name[4]), []).append(name)
        return [row for number, names in shards.items() for row in self._rows(number, names)]

    def _place_of(self, number: int) -> str:
        return self._shards[number].place if number in self._shards else ""

    def _expired(self, now: float) -> int | None:
        """The shard that was read longest ago, where that is too long."""
        if len(self._shards) < SHARDS:
            return None
        number, oldest = min(self._shards.items(), key=lambda row: row[1].read_at)
        return number if not 0 <= now - oldest.read_at < _FRESH else None

    def _follow(self, number: int, news: StreamNews, now: float, expired: int | None) -> None:
        """Bring what is kept of a shard to what its stream says. Where the store fails meanwhile, all of it is told
        again the next time.
        """
        kept = self._shards.get(number)
        if kept is None or not news.whole or number == expired:
            self._shards[number] = self._stand(number, _Shard(news.place, now), set())
            self._changed, self._decided = True, self._decided + 1
            return
        said = [(kind, each) for kind, each in news.told if kind in ("review", "tier")]
        if not said:
            self._shards[number] = changed(kept, place=news.place)
            return
        touched = {str(each["id"]) for kind, each in said if kind == "review" and each.get("id")}
        users = {each.get("user_id") for kind, each in said if kind == "tier"}
        if users:
            touched.update(id for id, row in kept.rows.items() if row.user_id in users)
        if any(kind == "review" for kind, _ in said):
            self._shards[number] = self._stand(number, changed(kept, place=news.place), touched)
        else:
            read = {row.id: row for row in self._rows(number, touched)}
            rows = {id: row for id, row in kept.rows.items() if id not in touched}
            self._shards[number] = changed(kept, place=news.place, rows=rows | read)
        self._changed = self._changed or bool(touched)
        self._decided += any(map(_decides, said))

    def _stand(self, number: int, kept: _Shard, touched: set[str]) -> _Shard:
        """The shard with what stands in its indexes: those that were not kept, or are touched, are read."""
        pipe = self._store.pipeline()
        asked = [
            pipe.ask("ZRANGEBYLEX", index_key(number, status), "-", "+", "LIMIT", 0, _MOST, read=list[bytes])
            for status in _STATUSES
        ]
        self._store.run(pipe)
        places = [reply() for reply in asked]
        ids = [place.decode().partition(":")[2] for each in places for place in each]
        rows = {id: kept.rows[id] for id in ids if id in kept.rows and id not in touched}
        rows.update((row.id, row) for row in self._rows(number, [id for id in ids if id not in rows]))
        return changed(kept, rows=rows, whole=all(len(each) < _MOST for each in places))

    def _rows(self, number: int, review_ids: Iterable[str]) -> list[WaitingReview]:
        """Those of some reviews of a shard that wait. A trip for every hundred."""
        keys, names, found = [f"risk:r:{{{number}}}:", f"risk:a:{{{number}}}:"], list(review_ids), []
        for at in range(0, len(names), _ASKED):
            pipe = self._store.pipeline()
            args: list[str | int] = [len(_FIELDS), *_FIELDS, *names[at : at + _ASKED]]
            asked = self._waiting.ask(pipe, keys, args, read=as_it_is)
            self._store.run(pipe)
            rows = asked()
            read = (damaged.read("review", _id(row), partial(_review, row), None) for row in rows)
            found += [row for row in read if row is not None]
        return found

    def _join(self, news: StreamNews | None) -> None:
        """Put into each review the cluster that its account is in."""
        rows = itertools.chain.from_iterable(each.rows.values() for each in self._shards.values())
        clusters: Mapping[str, tuple[str, int]] = self._clusters.of({row.user_id for row in rows}, news)
        for each in self._shards.values():
            for id, row in each.rows.items():
                cluster, size = clusters[row.user_id]
                if row.cluster_id != cluster or row.size != size:
                    each.rows[id] = changed(row, cluster_id=cluster, size=size)


def _decides(said: tuple[str, Mapping[str, Any]]) -> bool:
    """Whether an entry says that somebody decided, or undid that, or that an account moved to another tier."""
    kind, data = said
    return kind == "tier" or data.get("to") == "decided" or "decision_id" in data


def _id(row: Sequence[bytes]) -> str:
    return row[1].decode().partition(":")[2]


def _review(row: Sequence[bytes]) -> WaitingReview:
    status, place, user_id, score, tier, at, *more = row
    opened_at, _, id = place.decode().partition(":")
    found = WaitingReview(
        id,
        user_id.decode(),
        cast("ReviewStatus", status.decode()),
        float(opened_at),
        float(score),
        cast("Tier", tier.decode()),
        float(at or 0),
    )
    if not more:
        return found
    reviewer, claimed, why, question, waits, seen = more
    return changed(
        found,
        reviewer=reviewer.decode(),
        claimed_at=float(claimed or 0),
        escalation_reason=why.decode("utf-8", "replace"),
        question=question.decode("utf-8", "replace"),
        waits_until=float(waits or 0),
        asked_seen=seen.decode(),
    )
