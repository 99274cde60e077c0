"""Feedback: what became of the mail an account sent. Counted once an event, by UTC day and type, for 30 days.

Counts of an account are one hash (``risk:f:{n}:<user_id>``) in the slot of its shard, with a field for each day and
type and ``soiled``, the Unix time at which they last were not clean. No recipient's address is stored anywhere.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Literal, cast

import orjson
from typing_extensions import TypedDict

from riskapi.accounts.origin import queue_origin
from riskapi.budgets.budgets import Budgets
from riskapi.feedback import clean_sending
from riskapi.feedback.clean_sending import ARRIVED, ATTEMPTED, LETTERS, largest
from riskapi.feedback.diagnostics import classify
from riskapi.feedback.event import FeedbackEvent
from riskapi.feedback.observed import Observed, Origins
from riskapi.feedback.triggers import EventCounts
from riskapi.metrics import Metrics
from riskapi.policy.active import ActiveBasis
from riskapi.policy.tables import Clean
from riskapi.store.connections import Store
from riskapi.store.pipelines import Pipeline, ReplyReader, as_it_is
from riskapi.store.streams import account_key, oldest, shard, stream
from riskapi.times import DAY, rfc3339
from signals.records import record

#: The rules of clean sending, by what does not hold.
Rule = Literal["complaint_rate", "hard_bounce_rate", "spam_trap"]
#: Days of the window: today, which is not over yet, and the 29 before, in UTC. As long as the month of the caps.
WINDOW_DAYS = 30
#: Days for which a complaint may come after the report that takes it back. Mail is tried for four to five days
#: (RFC 5321, 4.5.4.1); a day more, because days are counted in UTC.
_AWAITED_DAYS = 6
#: Counts outlive the window by a day, for clocks that differ.
_KEPT = (WINDOW_DAYS + 1) * DAY
#: For how long an event is recognized, seconds: a day longer than it counts.
_KNOWN = (WINDOW_DAYS + 1) * DAY
#: Events sent to the store in one trip. At some 20 µs an event it is busy with them for 5 ms.
_TRIP = 250


@record
class FeedbackCounts:
    """Events of the window by type; ``soiled_at`` is when they last were not clean, as far as that was noticed.

    ``delivered_days`` has the deliveries of each UTC day (days since 1970) that had any.
    """

    delivered: int = 0
    hard_bounces: int = 0
    soft_bounces: int = 0
    complaints: int = 0
    blocks: int = 0
    unsubscribes: int = 0
    spam_traps: int = 0
    soiled_at: float | None = None
    delivered_days: Mapping[int, int] = field(default_factory=dict)

    def by_letter(self, sent: int) -> dict[str, int]:
        """The counts as the rules of clean sending name them, see :mod:`riskapi.feedback.clean_sending`."""
        return {
            "d": self.delivered,
            "h": self.hard_bounces,
            "s": self.soft_bounces,
            "c": self.complaints,
            "b": self.blocks,
            "u": self.unsubscribes,
            "t": self.spam_traps,
            "sent": sent,
        }

    def fault(self, clean: Clean, sent: int) -> Rule | None:
        """The rule of clean sending that does not hold: ``spam_trap``, ``complaint_rate``, ``hard_bounce_rate``.

        ``sent`` are the recipients sent to within the window, 0 where that is unknown; ``clean`` says what is too much.
        """
        return cast("Rule | None", clean_sending.broken(clean, self.by_letter(sent)))

    def is_clean(self, clean: Clean, sent: int) -> bool:
        """Whether every rule of clean sending holds, see :meth:`fault`."""
        return self.fault(clean, sent) is None


class FeedbackAction(TypedDict):
    """What feedback brought about for an account, and by which rule of the policy."""

    user_id: str
    action: Literal["steps_lost", "warned", "tightened", "limited", "paused"]
    rule: str


class FeedbackView(TypedDict):
    """What became of the mail the account sent, over the last ``window_days``."""

    window_days: int
    sent: int
    delivered: int
    hard_bounces: int
    soft_bounces: int
    complaints: int
    blocks: int
    unsubscribes: int
    spam_traps: int
    complaint_rate: float | None
    hard_bounce_rate: float | None


@record
class CountedEvents:
    """What became of a body of events. ``actions`` are those it brought about, as the answer shows them; ``unknown``
    are the places of events whose account is not known.
    """

    accepted: int
    duplicates: int
    unknown_accounts: int
    actions: list[FeedbackAction]
    unknown: tuple[int, ...] = ()


class Feedback:
    """Counts feedback, once an event, and reads the counts of accounts."""

    def __init__(self, store: Store, active: ActiveBasis, budgets: Budgets, metrics: Metrics) -> None:
        self._store = store
        self._active = active
        self._budgets = budgets
        self._metrics, self._observed = metrics, Observed(store)
        self._count = store.script("feedback_count")

    def count(self, events: Sequence[FeedbackEvent], now: float) -> CountedEvents:
        """Count events at Unix time ``now``, each by the time it happened; one already counted is a duplicate.

        An event older than the window is accepted and counts nowhere. Raises :class:`StoreUnavailable`; sent again,
        what was counted before it is a duplicate.
        """
        sent, origins = self._sent(events, now)
        attempt = secrets.token_hex(6)
        results: list[tuple[str, str]] = []
        for start in range(0, len(events), _TRIP):
            part = events[start : start + _TRIP]
            pipe = self._store.pipeline()
            asked = [
                self._queue_count(pipe, event, f"{attempt}:{number}", sent[event.user_id], now)
                for number, event in enumerate(part, start)
            ]
            self._store.run(pipe)
            found = [result() for result in asked]
            counted = [event for event, (state, _) in zip(part, found, strict=True) if state == "counted"]
            for event in counted:
                self._metrics.feedback(event.type)
            self._observed.count(((each.type, each.user_id, each.recipient) for each in counted), origins, now)
            results += found
        states = Counter(state for state, _ in results)
        actions: list[FeedbackAction] = [
            {"user_id": event.user_id, "action": "steps_lost", "rule": rule}
            for event, (_, rule) in zip(events, results, strict=True)
            if rule
        ]
        unknown = tuple(index for index, (state, _) in enumerate(results) if state == "unknown")
        return CountedEvents(states["counted"], states["duplicate"], len(unknown), actions, unknown)

    def _queue_count(
        self, pipe: Pipeline, event: FeedbackEvent, token: str, sent: int, now: float
    ) -> ReplyReader[tuple[str, str]]:
        """Count an event in a pipeline: what became of it, and the rule that it broke, or none (``""``)."""
        user_id, policy = event.user_id, self._active.policy
        also = LETTERS["block_blocklist"] if event.type == "block" and _names_blocklist(event.diagnostic) else ""
        number, today = shard(user_id), _day(now)
        day = _day(min(event.at(now), now))  # a clock that runs ahead is no reason to count tomorrow
        about = {"user_id": user_id, "at": now}
        told = {**about, "event": event.type, "day": rfc3339(day * DAY)[:10], "source": event.feed}
        lost = {**about, "action": "steps_lost", "rule": "?"}
        keys = [counts_key(user_id), self._seen_key(event), account_key(user_id), stream(number)]
        asked = {
            "now": repr(now),
            "first": today - WINDOW_DAYS + 1,
            "last": today,
            "day": day,
            "type": LETTERS[event.type],
            "token": token,
            "voice": event.voice,
            "speaks": bool(event.recipient),
            "about": event.about,
            "happened": event.at(now),
            "awaited": today - _AWAITED_DAYS + 1,
            "also": also,
            "sent": sent,
            # Deliveries are nearly all there is and nobody waits for one: they are in the counts, not in the stream.
            "told": orjson.dumps(told).decode() if event.type != "delivered" else "",
            "lost": orjson.dumps(lost).decode(),
            "oldest": oldest(policy.retention.decisions_days),
            "kept": _KEPT,
            "known": _KNOWN,
        }
        args = [orjson.dumps(asked), clean_sending.as_json(policy.clean)]
        return self._count.ask(pipe, keys, args, read=_result)

    def _sent(self, events: Sequence[FeedbackEvent], now: float) -> tuple[dict[str, int], Origins]:
        """Recipients each account of these events was granted in the last 30 days, and where it came from, in one
        trip.
        """
        users = list(dict.fromkeys(event.user_id for event in events))
        pipe = self._store.pipeline()
        usages = {user_id: self._budgets.queue_read(pipe, user_id, now) for user_id in users}
        origins = {user_id: queue_origin(pipe, user_id) for user_id in users}
        self._store.run(pipe)
        return {user_id: usage().spent[2] for user_id, usage in usages.items()}, origins

    def _seen_key(self, event: FeedbackEvent) -> str:
        """Key by which an event is recognized, a hash of feed and id; it expires after :data:`_KNOWN` seconds.

        On a cluster it has to be in the slot of the account, so that an id that comes again for another account may
        count again there.
        """
        text = f"{event.feed}\0{event.id}".encode("utf-8", "surrogatepass")
        name = base64.urlsafe_b64encode(hashlib.sha256(text).digest()[:15]).decode()
        return f"risk:fe:{{{shard(event.user_id)}}}:{name}" if self._store.is_cluster else f"risk:fe:{name}"

    @staticmethod
    def queue(pipe: Pipeline, user_id: str) -> ReplyReader[EventCounts]:
        """Ask, in a pipeline, for the events of an account; :meth:`counts` adds them up."""
        return pipe.ask("HGETALL", counts_key(user_id), read=as_it_is)

    @staticmethod
    def counts(events: EventCounts, now: float) -> FeedbackCounts:
        """The counts over the window that ends at Unix time ``now``."""
        last, found, delivered = _day(now), Counter[str](), {}
        first, soiled = last - WINDOW_DAYS + 1, None
        for name, value in events.items():
            if name == b"soiled":
                soiled = float(value)
            if name == b"soiled" or name.startswith(b"v:"):
                continue
            day, _, letter = name.decode().partition(":")
            if first <= int(day) <= last:
                found[letter] += int(value)
                if letter == "d":
                    delivered[int(day)] = int(value)
        return FeedbackCounts(
            delivered=found["d"],
            hard_bounces=found["h"],
            soft_bounces=found["s"],
            complaints=found["c"],
            blocks=found["b"],
            unsubscribes=found["u"],
            spam_traps=found["t"],
            soiled_at=soiled,
            delivered_days=delivered,
        )

    def read(self, user_id: str, now: float) -> tuple[FeedbackCounts, int]:
        """The counts of an account and the recipients it was granted in the last 30 days, in one trip."""
        pipe = self._store.pipeline()
        events = self.queue(pipe, user_id)
        usage = self._budgets.queue_read(pipe, user_id, now)
        self._store.run(pipe)
        return self.counts(events(), now), usage().spent[2]

    @staticmethod
    def view(counts: FeedbackCounts, sent: int) -> FeedbackView:
        """The ``feedback`` part of an account; a rate of nothing is null."""
        found = counts.by_letter(sent)
        attempted, arrived = largest(ATTEMPTED, found), largest(ARRIVED, found)
        return {
            "window_days": WINDOW_DAYS,
            "sent": sent,
            "delivered": counts.delivered,
            "hard_bounces": counts.hard_bounces,
            "soft_bounces": counts.soft_bounces,
            "complaints": counts.complaints,
            "blocks": counts.blocks,
            "unsubscribes": counts.unsubscribes,
            "spam_traps": counts.spam_traps,
            "complaint_rate": counts.complaints / max(arrived, counts.complaints) if arrived else None,
            "hard_bounce_rate": counts.hard_bounces / attempted if attempted else None,
        }


def _result(reply: Sequence[bytes]) -> tuple[str, str]:
    state, rule = reply
    return state.decode(), rule.decode()


def counts_key(user_id: str) -> str:
    """Key of an account's counts; it expires 31 days after its last event."""
    return f"risk:f:{{{shard(user_id)}}}:{user_id}"


def _names_blocklist(diagnostic: str | None) -> bool:
    """Whether these words of a receiving server name a blocklist that we are on."""
    return diagnostic is not None and classify(diagnostic)[1] is not None


def _day(at: float) -> int:
    """Days since 1970 in UTC."""
    return int(at // DAY)
