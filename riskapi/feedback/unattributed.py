"""What nobody can attribute: kept encrypted for as long as an event counts, listed and counted by reason.

A message id that is told afterwards says whose such a report is, and so does the account that the caller's own code
named, once it is there; :meth:`Unattributed.waiting` finds the reports that wait for either. Everything is in one hash
slot, ``{f}``. Deliveries have an index of their own, because they are many, and so has what strangers can send in any
number: neither pushes out what matters.
"""

from __future__ import annotations

import heapq
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, Final

import orjson
from typing_extensions import TypedDict

from riskapi.contract import USER_ID, Count, Instant
from riskapi.feedback.counts import WINDOW_DAYS
from riskapi.feedback.message_ids import hashed
from riskapi.feedback.reports import Clues, Origin, Report
from riskapi.feedback.reports import Unattributed as Reason
from riskapi.feedback.sealing import Seal
from riskapi.store.connections import Store
from riskapi.store.pages import cursor_of, position
from riskapi.store.pipelines import as_it_is
from riskapi.times import DAY, rfc3339
from signals.records import record

#: Seconds for which a report is kept: as long as it would count.
KEPT: Final = (WINDOW_DAYS + 1) * DAY
#: Reports of each sort that are kept, the newest. Some 700 bytes each.
MOST: Final = 20_000
#: Places looked at for one page: one that is filtered may be short, and its cursor leads on.
_LOOKED_AT: Final = 2000
_OTHER, _DELIVERED, _STRANGERS, _OWN = (
    f"risk:fui:{{f}}:{sort}" for sort in ("other", "delivered", "strangers", "json")
)
_INDEXES: Final = (_OTHER, _DELIVERED, _STRANGERS, _OWN)
_COUNTS: Final = "risk:fuc:{f}"
_PLACE: Final = re.compile(r"\d{14}:[0-9a-f]{24}:[a-z]{1,16}:[a-z_]{1,20}")
#: Reasons that a message id told later can mend.
_MENDABLE: Final = frozenset({"no_clue", "unknown_account", "not_believed"})
#: Accounts that one report waits for at most. Metadata and tags name one; more is a mistake.
_AWAITED: Final = 10
_USER_ID: Final = re.compile(USER_ID.removesuffix("$") + r"\Z")


@record
class Unclaimed:
    """A report that has no account, and why. ``report`` is None for what was not understood; then ``name`` tells it
    from others of the same feed.
    """

    feed: Origin
    name: str
    reason: Reason
    report: Report | None = None


class UnattributedReport(TypedDict):
    """A report that nobody can attribute. ``claimed`` are accounts that it names, ``raw_report_id`` is for
    ``GET /v1/feedback/reports/{id}``. ``feed`` is ``json`` for an event of ``POST /v1/feedback``, and ``source`` what
    that named. What cannot be decrypted is null.
    """

    id: str
    feed: str
    source: str | None
    reason: Reason
    received_at: Instant
    type: str | None
    happened_at: Instant | None
    reporter: str | None
    diagnosis: str | None
    claimed: list[str]
    message_ids: list[str]
    raw_report_id: str | None


class ReasonCount(TypedDict):
    """How many reports of a feed nobody could attribute in the last 30 days, by reason."""

    feed: str
    reason: str
    count: Count


class UnattributedPage(TypedDict):
    """A page of unattributed reports, the newest first. A page that is filtered may be short: go by ``next_cursor``."""

    unattributed: list[UnattributedReport]
    counts: list[ReasonCount]
    next_cursor: str | None


class Unattributed:
    """Keeps what nobody can attribute. Safe to share between threads."""

    def __init__(self, store: Store, seal: Seal) -> None:
        self._store, self._seal = store, seal
        self._keep = store.script("feedback_unattributed")

    def keep(self, found: Sequence[Unclaimed], raw_report_id: str | None, now: float) -> list[Unclaimed]:
        """Keep reports that came at Unix time ``now``; those that were not kept already.

        Raises :class:`StoreUnavailable`.
        """
        pipe = self._store.pipeline()
        asked = [self._queue(pipe, each, raw_report_id, now) for each in found]
        self._store.run(pipe)
        new: list[Unclaimed] = []
        for each, result in zip(found, asked, strict=True):
            is_new, gone = result()
            if is_new:
                new.append(each)
            self._forget(place.decode() for place in gone)
        return new

    def waiting(self, message_ids: Iterable[str], user_ids: Iterable[str] = ()) -> dict[str, tuple[Report, str | None]]:
        """Reports that wait for one of these messages or accounts, and the id of what came, by their name here.

        Raises :class:`StoreUnavailable`.
        """
        keys = [*map(_waiting_key, message_ids), *map(_account_key, user_ids)]
        if not keys:
            return {}
        names = sorted(name.decode() for name in self._store.execute("SUNION", *keys))
        pipe = self._store.pipeline()
        asked = [pipe.ask("HMGET", _key(name), "report", "raw", read=as_it_is) for name in names]
        if not asked:
            return {}
        self._store.run(pipe)
        found: dict[str, tuple[Report, str | None]] = {}
        for name, row in zip(names, asked, strict=True):
            sealed, raw = row()
            report = self._opened(name, sealed)
            if report is not None:
                found[name] = report, raw.decode() or None
        return found

    def forget(self, reports: dict[str, Report]) -> None:
        """Remove reports that were attributed, by their name here. Safe to repeat.

        Raises :class:`StoreUnavailable`.
        """
        for name, report in reports.items():
            place = self._store.execute("HGET", _key(name), "place")
            self._forget([] if place is None else [place.decode()])
            named = report.clues.named[:_AWAITED]
            for key in (*map(_waiting_key, report.clues.message_ids), *map(_account_key, named)):
                self._store.execute("SREM", key, name)

    def page(
        self, limit: int, cursor: str | None, now: float, *, reason: str | None = None, feed: str | None = None
    ) -> UnattributedPage:
        """Reports, the newest first, ``limit`` a page, of one ``reason`` and ``feed`` where they are given.

        A cursor that cannot be read raises ``invalid``. Raises :class:`StoreUnavailable`.
        """
        start = f"({position(cursor, _PLACE)}" if cursor else "+"
        pipe = self._store.pipeline()
        for index in _INDEXES:
            pipe.execute_command("ZREVRANGEBYLEX", index, start, "-", "LIMIT", 0, _LOOKED_AT + 1)
        pages: list[list[bytes]] = self._store.run(pipe)
        merged = list(heapq.merge(*pages, reverse=True))[: _LOOKED_AT + 1]
        more, looked_at = len(merged) > _LOOKED_AT, merged[:_LOOKED_AT]
        fitting = [place for place in looked_at if _fits(place.decode(), reason, feed)]
        last = fitting[limit - 1] if len(fitting) > limit else looked_at[-1] if more else None
        rows = self._read([place.decode() for place in fitting[:limit]])
        return {
            "unattributed": rows,
            "counts": counts(self._store, now),
            "next_cursor": None if last is None else cursor_of(last),
        }

    def _queue(self, pipe: Any, each: Unclaimed, raw_report_id: str | None, now: float) -> Any:
        report = each.report
        name = self._seal.name(each.feed.encode(), each.name.encode("utf-8", "surrogatepass"))
        ids = report.clues.message_ids if report is not None and each.reason in _MENDABLE else ()
        sort = _index_of(each)
        told = self._seal.close(name, orjson.dumps(asdict(report) if report is not None else None))
        today, oldest = int(now // DAY), f"{int((now - KEPT) * 1000):014d}"
        keys = [_key(name), sort, _COUNTS, *map(_waiting_key, ids), *map(_account_key, awaited(each))]
        place = f"{int(now * 1000):014d}:{name}:{each.feed}:{each.reason}"
        given = {
            "id": name,
            "place": place,
            "feed": each.feed,
            "reason": each.reason,
            "raw": raw_report_id or "",
            "day": today,
            "first": today - WINDOW_DAYS + 1,
            "ttl": KEPT,
            "oldest": oldest,
            "most": MOST,
        }
        return self._keep.ask(pipe, keys, [orjson.dumps(given), told], read=as_it_is)

    def _read(self, places: Sequence[str]) -> list[UnattributedReport]:
        pipe = self._store.pipeline()
        asked = [pipe.ask("HMGET", _key(place.split(":")[1]), "raw", "report", read=as_it_is) for place in places]
        if asked:
            self._store.run(pipe)
        rows = zip(places, (row() for row in asked), strict=True)
        return [self._row(place, raw, sealed) for place, (raw, sealed) in rows if sealed is not None]

    def _row(self, place: str, raw: bytes, sealed: bytes) -> UnattributedReport:
        at, name, feed, reason = place.split(":")
        report = self._opened(name, sealed)
        clues = report.clues if report is not None else Clues()
        return {
            "id": f"una_{name}",
            "feed": feed,
            "source": report.source if report is not None else None,
            "reason": reason,  # type: ignore[typeddict-item]
            "received_at": rfc3339(int(at) / 1000),
            "type": report.type if report is not None else None,
            "happened_at": rfc3339(report.at) if report is not None else None,
            "reporter": report.reporter if report is not None else None,
            "diagnosis": report.diagnosis if report is not None else None,
            "claimed": list(clues.named),
            "message_ids": list(clues.message_ids),
            "raw_report_id": raw.decode() or None,
        }

    def _opened(self, name: str, sealed: bytes | None) -> Report | None:
        found = self._seal.open(name, sealed) if sealed is not None else None
        told = orjson.loads(found) if found is not None else None
        if told is None:
            return None
        clues = told.pop("clues")
        return Report(**told, clues=Clues(**{**clues, **{key: tuple(clues[key]) for key in ("named", "message_ids")}}))

    def _forget(self, places: Iterable[str]) -> None:
        for place in places:
            self._store.execute("DEL", _key(place.split(":")[1]))
            for index in _INDEXES:
                self._store.execute("ZREM", index, place)


def awaited(unclaimed: Unclaimed) -> Sequence[str]:
    """The accounts that a report waits for: those that the caller's own code named and that are not there. What a
    user may have written waits for nobody.
    """
    report = unclaimed.report
    if report is None or unclaimed.reason != "unknown_account" or report.clues.is_header:
        return ()
    return [name for name in report.clues.named[:_AWAITED] if _USER_ID.match(name)]


def counts(store: Store, now: float) -> list[ReasonCount]:
    """How many reports nobody could attribute in the last 30 days, most first. Raises :class:`StoreUnavailable`."""
    first = int(now // DAY) - WINDOW_DAYS + 1
    found = Counter[tuple[str, str]]()
    for field, count in store.execute("HGETALL", _COUNTS).items():
        day, feed, reason = field.decode().split(":")
        if int(day) >= first:
            found[feed, reason] += int(count)
    return [{"feed": feed, "reason": reason, "count": count} for (feed, reason), count in found.most_common()]


def _index_of(unclaimed: Unclaimed) -> str:
    """Where a report is listed, and among which the newest are kept."""
    report = unclaimed.report
    if report is None or unclaimed.reason == "not_believed":
        return _STRANGERS
    return _DELIVERED if report.type == "delivered" else _OWN if unclaimed.feed == "json" else _OTHER


def _fits(place: str, reason: str | None, feed: str | None) -> bool:
    _, _, its_feed, its_reason = place.split(":")
    return reason in (None, its_reason) and feed in (None, its_feed)


def _key(name: str) -> str:
    """Key of an unattributed report; it expires after :data:`KEPT`."""
    return f"risk:fu:{{f}}:{name}"


def _waiting_key(message_id: str) -> str:
    """Key of the reports that wait for a message; it expires :data:`KEPT` after the last."""
    return f"risk:fup:{{f}}:{hashed(message_id)}"


def _account_key(user_id: str) -> str:
    """Key of the reports that wait for an account; it expires :data:`KEPT` after the last."""
    return f"risk:fua:{{f}}:{user_id}"
