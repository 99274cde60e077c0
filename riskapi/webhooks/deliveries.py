"""Deliveries of webhooks: what waits to be sent to each endpoint, what arrived, and what never did.

All of it is in one hash slot, ``{h}``. A delivery is one hash (``risk:hd:{h}:<id>``); its id is in one of the three
sorted sets of its endpoint: the queue (``risk:hq:…``, by when it is due), the delivered ones (``risk:hr:…``) and the
dead ones (``risk:hx:…``, both by when they came to be that). A worker that takes a delivery moves it on in the queue
by a lease, so that it comes back by itself when that worker is killed.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal, cast

from typing_extensions import TypedDict

from riskapi.contract import Count, Instant
from riskapi.errors import Problem
from riskapi.store import damaged
from riskapi.store.connections import Store
from riskapi.store.pages import cursor_of, position
from riskapi.store.pipelines import Pipeline, ReplyReader, as_it_is
from riskapi.store.replies import scored
from riskapi.times import DAY, rfc3339
from riskapi.webhooks.endpoints import TABLE
from signals.records import record

Status = Literal["pending", "delivered", "dead"]

#: Seconds from one try to the next: the example schedule of Standard Webhooks 1.0.0 ("Deliverability and reliability"),
#: cut to a day, of which the last try is at the end.
DELAYS = (5, 300, 1800, 7200, 18_000, 36_000, 22_800)
#: Seconds a delivery is tried for: a day, as docs/webhooks.md says.
TRIED_FOR = DAY
#: A delay is shortened by up to this part of it, so that what failed together does not come again together.
_JITTER = 0.1
#: Seconds a delivered one is kept, to know an entry of the stream that is handled again, and to look at.
_DELIVERED_KEPT = 3 * DAY
#: Seconds a dead one, and one that nobody tries, is kept.
_KEPT = 30 * DAY
#: Deliveries one endpoint may have waiting; what comes on top is dead at once. As many dead and delivered ones are
#: listed. At half a kB each they take 50 MB.
MOST = 100_000
#: Dead deliveries put back in one trip.
_TRIP = 200
_CURSOR = re.compile(r"[0-9]{1,20}\.[0-9]{1,20}\|msg_[0-9a-f]{32}")


class DeliveryView(TypedDict):
    """One event on its way to one endpoint; ``id`` is its ``webhook-id``.

    ``last_error`` is ``status`` for an answer other than 2xx, ``timeout``, ``connect`` (no connection), ``tls``,
    ``broken`` (the connection broke off), ``refused`` (the address may not be connected to), ``queue_full`` or
    ``defect``.
    """

    id: str
    webhook_id: str
    type: str
    status: Status
    attempts: Count
    created_at: Instant
    last_attempt_at: Instant | None
    last_status: int | None
    last_error: str | None
    next_attempt_at: Instant | None


class DeliveryPage(TypedDict):
    """A page of deliveries; ``next_cursor`` is null on the last one."""

    deliveries: list[DeliveryView]
    next_cursor: str | None


def delivery_key(delivery_id: str) -> str:
    """Key of a delivery; it expires 3 days after it arrived, else 30 days after it was made or given up."""
    return f"risk:hd:{{h}}:{delivery_id}"


def queue_key(endpoint_id: str) -> str:
    """Key of what waits for an endpoint, by when it is due or its lease ends; expires 30 days after the latest."""
    return f"risk:hq:{{h}}:{endpoint_id}"


def delivered_key(endpoint_id: str) -> str:
    """Key of what arrived at an endpoint, by when; expires 3 days after the latest."""
    return f"risk:hr:{{h}}:{endpoint_id}"


def dead_key(endpoint_id: str) -> str:
    """Key of what an endpoint never got, by when it was given up; expires 30 days after the latest."""
    return f"risk:hx:{{h}}:{endpoint_id}"


@record
class Delivery:
    """One that was taken to be sent. ``lease`` names the right to it, ``started`` is when its day of tries began."""

    id: str
    endpoint_id: str
    type: str
    body: bytes
    attempts: int
    started: float
    lease: float


@record
class DeliveryOutcome:
    """What became of one try. ``response`` is the HTTP status, if there was one, ``error`` what is wrong (a code).

    ``retry_after`` is how long the endpoint asked to be left alone, seconds; ``gone`` that it wants nothing any more.
    """

    response: int | None
    error: str | None = None
    retry_after: float = 0.0
    gone: bool = False

    @property
    def arrived(self) -> bool:
        """Whether the endpoint has it."""
        return self.error is None


def delivery_id(entry_id: str, endpoint_id: str) -> str:
    """The id of what an entry makes for an endpoint, always the same: it is the ``webhook-id`` too, and has no dot."""
    return f"msg_{hashlib.sha256(f'{entry_id} {endpoint_id}'.encode()).hexdigest()[:32]}"


def next_try(attempts: int, started: float, now: float, retry_after: float = 0.0) -> float | None:
    """When to try again after the try number ``attempts`` failed at Unix time ``now``; None: never.

    What ``Retry-After`` asks for is granted up to the end of the day.
    """
    end = started + TRIED_FOR
    if attempts > len(DELAYS) or now >= end:
        return None
    delay = DELAYS[attempts - 1] * (1.0 - _JITTER * random.random())
    return min(now + max(delay, retry_after), end)


#: Deliveries forgotten in one trip.
_FORGOTTEN = 500


class Deliveries:
    """The queues. Safe to share between threads; every method raises :class:`StoreUnavailable`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._enqueue = store.script("webhook_enqueue")
        self._take = store.script("webhook_take")
        self._finish = store.script("webhook_finish")
        self._redeliver = store.script("webhook_redeliver")

    def enqueue(self, entry_id: str, endpoint_id: str, type: str, body: bytes, now: float) -> bool:
        """Queue what an entry of a stream makes for an endpoint; False when that was done before.

        For three days after it arrived, and longer while it did not, the same entry makes no second delivery. False
        also for an endpoint that is not there any more.
        """
        pipe = self._store.pipeline()
        said = self._queue(pipe, entry_id, endpoint_id, type, body, now)
        self._store.run(pipe)
        return said() in (b"queued", b"dead")

    def _queue(
        self, pipe: Pipeline, entry_id: str, endpoint_id: str, type: str, body: bytes, now: float
    ) -> ReplyReader[bytes]:
        id = delivery_id(entry_id, endpoint_id)
        keys = [delivery_key(id), queue_key(endpoint_id), dead_key(endpoint_id), TABLE]
        args: list[Any] = [id, endpoint_id, repr(now), MOST, _KEPT]
        args += ("id", id, "endpoint", endpoint_id, "type", type, "body", body, "attempts", 0)
        args += ("made_at", repr(now), "started", repr(now), "next_at", repr(now))
        return self._enqueue.ask(pipe, keys, args, read=as_it_is)

    def recover(self, endpoint_id: str, made: Sequence[tuple[str, str, bytes]], now: float, *, delivered: bool) -> int:
        """Send what entries make (id of the entry, type, body) that an endpoint does not have; returns how many.

        That is what was never queued, and what was given up; with ``delivered`` also what arrived. What waits is left.
        """
        pipe, ids = self._store.pipeline(), [delivery_id(entry_id, endpoint_id) for entry_id, _, _ in made]
        for entry_id, type, body in made:
            self._queue(pipe, entry_id, endpoint_id, type, body, now)
        replies = self._store.run(pipe)
        count = sum(reply in (b"queued", b"dead") for reply in replies)
        known = [id for id, reply in zip(ids, replies, strict=True) if reply == b"known"]
        pipe = self._store.pipeline()
        for id in known:
            pipe.execute_command("HGET", delivery_key(id), "status")
        again = (b"dead", b"delivered") if delivered else (b"dead",)
        back = [id for id, status in zip(known, self._store.run(pipe), strict=True) if status in again]
        return count + self._put_back(endpoint_id, back, now)

    def take(self, endpoint_id: str, now: float, lease: float, count: int) -> list[Delivery]:
        """Lease up to ``count`` deliveries that are due at Unix time ``now``, for ``lease`` seconds."""
        # A lease ends after now, and what is taken later was due before: no two leases of a delivery are alike. The
        # random part keeps two takers at the same moment apart.
        end = now + lease * (1.0 + 0.01 * random.random())
        found = self._take.call([queue_key(endpoint_id)], [repr(now), repr(end), count])
        if not found:
            return []
        pipe = self._store.pipeline()
        for id in found:
            pipe.execute_command("HMGET", delivery_key(id.decode()), "type", "body", "attempts", "started")
        taken = []
        for id, (type, body, attempts, started) in zip(found, self._store.run(pipe), strict=True):
            if body is None:  # nobody tried it for as long as it is kept
                self._store.execute("ZREM", queue_key(endpoint_id), id)
                continue
            name, row = id.decode(), (type, body, attempts, started)
            made = damaged.read("delivery", name, partial(_delivery, name, endpoint_id, row, end), None)
            if made is not None:
                taken.append(made)
            else:  # it is kept as long as any, and tried no more
                self._store.execute("ZREM", queue_key(endpoint_id), id)
        return taken

    def finish(self, delivery: Delivery, outcome: DeliveryOutcome, now: float) -> Status | None:
        """Write down what became of a try; returns where the delivery stands now, None when the lease was lost."""
        due = None
        if outcome.arrived:
            status: Status = "delivered"
        else:
            if not outcome.gone:
                due = next_try(delivery.attempts + 1, delivery.started, now, outcome.retry_after)
            status = "dead" if due is None else "pending"
        arrived = status == "delivered"
        kept = _DELIVERED_KEPT if arrived else _KEPT
        into = delivered_key(delivery.endpoint_id) if arrived else dead_key(delivery.endpoint_id)
        args: list[Any] = [delivery.id, repr(delivery.lease), status, repr(now if due is None else due)]
        args += (kept, repr(now - kept), MOST)
        args += ("tried_at", repr(now), "response", outcome.response or "", "error", outcome.error or "")
        args += ("next_at", "" if due is None else repr(due))
        found = self._finish.call([delivery_key(delivery.id), queue_key(delivery.endpoint_id), into], args)
        return status if found else None

    def redeliver(self, endpoint_id: str, delivery_id: str, now: float) -> DeliveryView:
        """Send a delivery anew at once, whatever became of it, with a day of tries. Raises ``not_found``."""
        if not self._put_back(endpoint_id, [delivery_id], now):
            raise Problem("not_found", "The endpoint has no delivery with this id.")
        return self.get(delivery_id)

    def redeliver_dead(self, endpoint_id: str, now: float) -> int:
        """Send all anew that were given up by Unix time ``now``; returns how many those are."""
        count, dead = 0, dead_key(endpoint_id)
        while found := self._store.execute("ZRANGEBYSCORE", dead, "-inf", repr(now), "LIMIT", 0, _TRIP):
            ids = [id.decode() for id in found]
            count += self._put_back(endpoint_id, ids, now)
        return count

    def _put_back(self, endpoint_id: str, ids: Sequence[str], now: float) -> int:
        pipe = self._store.pipeline()
        for id in ids:
            keys = [delivery_key(id), queue_key(endpoint_id), delivered_key(endpoint_id), dead_key(endpoint_id)]
            self._redeliver.queue(pipe, keys, [id, endpoint_id, repr(now), _KEPT])
        return sum(self._store.run(pipe))

    def get(self, delivery_id: str) -> DeliveryView:
        """One delivery as callers see it. Raises ``not_found``."""
        found = self._rows([delivery_id])
        if not found:
            raise Problem("not_found", "The endpoint has no delivery with this id.")
        return found[0]

    def counts(self, endpoint_ids: Sequence[str]) -> dict[str, dict[Status, int]]:
        """How many deliveries of each endpoint stand where; one trip."""
        pipe = self._store.pipeline()
        keys: dict[Status, Callable[[str], str]]
        keys = {"pending": queue_key, "delivered": delivered_key, "dead": dead_key}
        asked = {
            name: {status: pipe.ask("ZCARD", key(name), read=int) for status, key in keys.items()}
            for name in endpoint_ids
        }
        self._store.run(pipe)
        return {name: {status: count() for status, count in found.items()} for name, found in asked.items()}

    def page(self, endpoint_id: str, status: Status, limit: int, cursor: str | None = None) -> DeliveryPage:
        """Deliveries of an endpoint in a status: pending ones in the order they are due, others the latest first.

        ``cursor`` is the ``next_cursor`` of the page before; one that cannot be read raises ``invalid``.
        """
        key = {"pending": queue_key, "delivered": delivered_key, "dead": dead_key}[status](endpoint_id)
        back = status != "pending"
        found = self._after(key, cursor, limit + 1, back) if cursor else self._ranked(key, 0, limit + 1, back)
        more, found = len(found) > limit, found[:limit]
        last = f"{found[-1][1]!r}|{found[-1][0]}" if more else None
        return {
            "deliveries": [row for row in self._rows([id for id, _ in found]) if row["status"] == status],
            "next_cursor": cursor_of(last.encode()) if last else None,
        }

    def _after(self, key: str, cursor: str, count: int, back: bool) -> list[tuple[str, float]]:
        """What comes after a delivery in a sorted set; where it has left, whatever has its score or comes after."""
        text, _, id = position(cursor, _CURSOR).partition("|")
        score = float(text)
        rank = self._store.execute("ZREVRANK" if back else "ZRANK", key, id)
        if rank is None:
            reach = (repr(score), "-inf") if back else (repr(score), "+inf")
            command = "ZREVRANGEBYSCORE" if back else "ZRANGEBYSCORE"
            return scored(self._store.execute(command, key, *reach, "WITHSCORES", "LIMIT", 0, count))
        return self._ranked(key, int(rank) + 1, count, back)

    def _ranked(self, key: str, start: int, count: int, back: bool) -> list[tuple[str, float]]:
        command = "ZREVRANGE" if back else "ZRANGE"
        return scored(self._store.execute(command, key, start, start + count - 1, "WITHSCORES"))

    def _rows(self, ids: Sequence[str]) -> list[DeliveryView]:
        pipe = self._store.pipeline()
        for id in ids:
            pipe.execute_command("HGETALL", delivery_key(id))
        rows = zip(ids, self._store.run(pipe), strict=True)
        views = [damaged.read("delivery", id, partial(_view, fields), None) for id, fields in rows if b"id" in fields]
        return [view for view in views if view is not None]

    def forget(self, endpoint_id: str) -> None:
        """Let go of all that an endpoint which was deleted was sent, or would have been."""
        for key in (queue_key(endpoint_id), delivered_key(endpoint_id), dead_key(endpoint_id)):
            while ids := self._store.execute("ZRANGE", key, 0, _FORGOTTEN - 1):
                pipe = self._store.pipeline()
                for id in ids:
                    pipe.execute_command("DEL", delivery_key(id.decode()))
                pipe.execute_command("ZREM", key, *ids)
                self._store.run(pipe)


def _delivery(id: str, endpoint_id: str, row: Sequence[bytes], lease: float) -> Delivery:
    type, body, attempts, started = row
    return Delivery(id, endpoint_id, type.decode(), body, int(attempts), float(started), lease)


def _view(fields: dict[bytes, bytes]) -> DeliveryView:
    """A delivery as callers see it: never what was answered, which may hold anything."""
    found = {name.decode(): value.decode() for name, value in fields.items() if name != b"body"}

    def when(name: str) -> str | None:
        return rfc3339(float(found[name])) if found.get(name) else None

    return {
        "id": found["id"],
        "webhook_id": found["endpoint"],
        "type": found["type"],
        "status": cast("Status", found["status"]),
        "attempts": int(found["attempts"]),
        "created_at": rfc3339(float(found["made_at"])),
        "last_attempt_at": when("tried_at"),
        "last_status": int(found["response"]) if found.get("response") else None,
        "last_error": found.get("error") or None,
        "next_attempt_at": when("next_at") if found["status"] == "pending" else None,
    }
