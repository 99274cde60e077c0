"""Notices: what an entry of the streams is to those outside, and its way into the queues of webhooks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from riskapi.budgets.grant_records import LIMITS
from riskapi.store.streams import StreamEntry
from riskapi.times import rfc3339
from riskapi.webhooks.deliveries import Deliveries, DeliveryView, delivery_id
from riskapi.webhooks.endpoints import Endpoint, EventType, Webhooks
from signals.records import record

#: Types of entries that :func:`notice` knows.
TOLD = frozenset({"tier", "review", "feedback", "cluster", "capped", "hold", "pause", "resume", "platform"})


@record
class Notice:
    """What an endpoint is told: the type of event, when it happened (RFC 3339), and its data."""

    type: EventType | str
    at: str
    data: Mapping[str, Any]

    def body(self) -> bytes:
        """The body as Standard Webhooks 1.0.0 recommends it ("Payload structure")."""
        return orjson.dumps({"type": self.type, "timestamp": self.at, "data": self.data})


def notice(entry: StreamEntry) -> Notice | None:
    """What an entry is to those outside; None for what they are not told."""
    data = entry.data
    match entry.type:
        case "tier":
            return _made("tier.changed", data, "user_id", "from", "to", "source", "actor", "reason", "cause")
        case "review" if data["to"] == "open" and data.get("opened"):  # and not put back into the queue
            return _made("review.opened", data, "user_id", "reasons", review_id=data["id"])
        case "review" if data["to"] == "decided":
            names = ("user_id", "decision", "label", "apply_to", "reason")
            return _made("review.decided", data, *names, review_id=data["id"], actor=data.get("decided_by"))
        case "review" if data["to"] == "asked":
            about = {"review_id": data["id"], "waits_until": _time(data["waits_until"])}
            return _made("review.question", data, "user_id", "question", "reviewer", **about)
        case "feedback" if data.get("action"):
            return _made("threshold.crossed", data, "user_id", "action", "rule")
        case "platform":
            names = ("action", "rule", "subject", "value", "level")
            return _made("threshold.crossed", data, *names, user_id=None, since=_time(data["since"]))
        case "cluster" if data.get("change") == "merged":
            return _made("cluster.merged", data, "cluster_id", "merged", "user_ids")
        case "capped":
            limit = str(LIMITS[data["number"]])
            again = None if data["retry"] < 0 else data["retry"]
            scope, _, window = limit.partition("_")
            more = {"limit": limit, "scope": scope, "window": window, "retry_after": again}
            return _made("account.capped", data, "user_id", "tier", "wanted", "granted", **more)
        case "hold":
            return _made("account.held", data, "user_id", "tier", "daily", expires_at=_time(data["ends"]))
        case "pause":
            when = {"expires_at": _time(data["expires_at"]) if data.get("expires_at") else None}
            return _made("account.paused", data, "user_id", "source", "actor", "reason", **when)
        case "resume":
            return _made("account.resumed", data, "user_id", "source", "reason", "cause")
    return None


def _made(type: EventType, data: Mapping[str, Any], *names: str, **more: Any) -> Notice:
    at = _time(data["at"])
    # Entries say nothing with an empty text in places where answers say null.
    told = {name: None if data.get(name) == "" else data.get(name) for name in names}
    return Notice(type, at, {**more, **told, "at": at})


def _time(at: float | str) -> str:
    """A time as entries have it, Unix or RFC 3339 already, as RFC 3339."""
    return at if isinstance(at, str) else rfc3339(at)


class Notices:
    """Turns entries into deliveries."""

    def __init__(self, webhooks: Webhooks, deliveries: Deliveries, clock: Callable[[], float]) -> None:
        """``clock`` gives Unix time, the real one in replay too: endpoints are outside, where nothing is replayed."""
        self._webhooks, self._deliveries, self._clock = webhooks, deliveries, clock

    def handle(self, entry: StreamEntry) -> None:
        """Queue what an entry tells for every endpoint that wants it and is not disabled.

        An entry handled again makes no second delivery, see :meth:`Deliveries.enqueue`.
        Raises :class:`StoreUnavailable`.
        """
        told = notice(entry)
        if told is None:
            return
        body, name, now = told.body(), f"{entry.stream} {entry.id}", self._clock()
        for each in self._told():
            if told.type in each.events:
                self._deliveries.enqueue(name, each.id, told.type, body, now)

    def pass_over(self, entries: Sequence[StreamEntry]) -> list[bool]:
        """Whether each entry tells no endpoint anything, so that :meth:`handle` had nothing to do about it. All of them
        are one question to the store. Raises :class:`StoreUnavailable`.
        """
        told = [notice(entry) for entry in entries]
        wanted = {type for each in self._told() for type in each.events} if any(told) else set[str]()
        return [each is None or each.type not in wanted for each in told]

    def _told(self) -> list[Endpoint]:
        """The endpoints that are told of changes."""
        return [each for each in self._webhooks.endpoints() if each.disabled is None]

    def test(self, endpoint_id: str, name: str) -> DeliveryView:
        """Queue an event of the type ``test`` for one endpoint, whatever it wants; ``name`` makes it one and the same.

        Returns the delivery. Raises ``not_found`` and ``webhook_disabled``.
        """
        self._webhooks.enabled(endpoint_id)
        now = self._clock()
        at = rfc3339(now)
        told = Notice("test", at, {"webhook_id": endpoint_id, "at": at})
        self._deliveries.enqueue(f"test {name}", endpoint_id, told.type, told.body(), now)
        return self._deliveries.get(delivery_id(f"test {name}", endpoint_id))
