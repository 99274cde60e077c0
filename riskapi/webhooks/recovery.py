"""Recovery: a webhook is told again, from a time on, of what happened while it was disabled or away.

What happened stands in the streams (:mod:`riskapi.store.streams`) for ``retention.decisions_days``. An event keeps its
``webhook-id``, so a receiver that has it already recognises it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import orjson
from typing_extensions import TypedDict

from riskapi.contract import Count, Instant
from riskapi.errors import invalid
from riskapi.policy.active import ActiveBasis
from riskapi.store.connections import Store
from riskapi.store.consumer import STREAMS
from riskapi.store.pages import cursor_of, position
from riskapi.store.streams import StreamEntry, stream
from riskapi.times import DAY, rfc3339
from riskapi.webhooks.deliveries import Deliveries
from riskapi.webhooks.endpoints import Webhooks
from riskapi.webhooks.notices import TOLD, notice

#: Entries of the streams looked at for one request, and in one trip. A request takes a second.
MOST, _TRIP = 20_000, 500
#: Where to go on: the number of the stream, and the id of the entry looked at last (two numbers of 64 bits).
_PLACE = re.compile(r"[0-9]\|[0-9]{1,19}-[0-9]{1,19}")
_LAST = 10**19 - 1


class Replayed(TypedDict):
    """How many events are sent, and from when on what is kept was looked through.

    With a ``next_cursor`` there is more: send the same with it as ``cursor``.
    """

    queued: Count
    since: Instant
    next_cursor: str | None


class Recovery:
    """Tells again. Every method raises :class:`StoreUnavailable` while the store is away."""

    def __init__(
        self, store: Store, active: ActiveBasis, webhooks: Webhooks, deliveries: Deliveries, clock: Callable[[], float]
    ) -> None:
        """``clock`` gives Unix time, the real one in replay too: the streams go by it."""
        self._store, self._active, self._clock = store, active, clock
        self._webhooks, self._deliveries = webhooks, deliveries

    def replay(self, endpoint_id: str, since: float, cursor: str | None, *, delivered: bool) -> Replayed:
        """Queue for an endpoint what it wants of all that was recorded since Unix time ``since`` and that it does not
        have; with ``delivered`` also what it has.

        Returns how many are sent, from when on the streams were looked through, and a ``next_cursor`` where there is
        more to look through: call again with it. Raises ``not_found``, ``webhook_disabled``, and ``invalid`` for a time
        that lies ahead or a cursor nobody gave.
        """
        self._webhooks.enabled(endpoint_id)
        now = self._clock()
        if since > now:
            raise invalid("/since", "lies ahead")
        since = max(since, now - self._active.policy.retention.decisions_days * DAY, 0.0)
        at, after = 0, ""
        if cursor is not None:
            number, _, after = position(cursor, _PLACE).partition("|")
            at = int(number)
        queued, looked = 0, 0
        while at < len(STREAMS) and looked < MOST:
            found = self._entries(STREAMS[at], f"({after}" if after else str(round(since * 1000)))
            queued += self._queue(endpoint_id, STREAMS[at], found, now, delivered=delivered)
            looked += len(found)
            if len(found) < _TRIP:
                at, after = at + 1, ""
            else:
                after = found[-1][0].decode()
        more = at < len(STREAMS)
        place = f"{at}|{after or f'{max(round(since * 1000) - 1, 0)}-{_LAST}'}"
        return {
            "queued": queued,
            "since": rfc3339(since),
            "next_cursor": cursor_of(place.encode()) if more else None,
        }

    def _entries(self, name: str, start: str) -> list[Any]:
        found: list[Any] = self._store.execute("XRANGE", stream(name), start, "+", "COUNT", _TRIP)
        return found

    def _queue(self, endpoint_id: str, name: str, found: list[Any], now: float, *, delivered: bool) -> int:
        wanted = set(self._webhooks.get(endpoint_id)["events"])
        made: list[tuple[str, str, bytes]] = []
        for id, fields in found:
            type = fields[b"type"].decode()
            if type not in TOLD:
                continue
            try:
                told = notice(StreamEntry(stream(name), id.decode(), type, orjson.loads(fields[b"data"])))
            except (ValueError, KeyError, TypeError):
                continue  # of another release, or damaged: the consumer put it aside
            if told is not None and told.type in wanted:
                made.append((f"{stream(name)} {id.decode()}", told.type, told.body()))
        return self._deliveries.recover(endpoint_id, made, now, delivered=delivered) if made else 0
