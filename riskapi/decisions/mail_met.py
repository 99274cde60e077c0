"""What the mail of accounts met, as the triggers of the policy look at it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from riskapi.budgets.budgets import Budgets
from riskapi.budgets.caps import Usage
from riskapi.feedback.counts import Feedback
from riskapi.feedback.triggers import EventCounts, Met, met
from riskapi.policy.tables import Trigger
from riskapi.store.connections import Store
from riskapi.times import DAY

#: What a person merely says: it is held against the one account, and puts it no lower than `review`.
WORDS = frozenset({"not_mine"})
#: Accounts that are read in one trip: the store is busy with them for some milliseconds.
_TRIP = 200


class MailMet:
    """Reads what the mail of accounts met."""

    def __init__(self, store: Store, budgets: Budgets) -> None:
        self._store, self._budgets = store, budgets

    def of(self, user_ids: Sequence[str], now: float) -> dict[str, Met]:
        """What the mail of each of these accounts met until Unix time ``now``, in a trip for some hundred of them.
        Raises :class:`riskapi.errors.StoreUnavailable`.
        """
        found: dict[str, Met] = {}
        for start in range(0, len(user_ids), _TRIP):
            names, pipe = user_ids[start : start + _TRIP], self._store.pipeline()
            asked = [(Feedback.queue(pipe, name), self._budgets.queue_read(pipe, name, now)) for name in names]
            self._store.run(pipe)
            found |= {name: _met(events(), usage()) for name, (events, usage) in zip(names, asked, strict=True)}
        return found


def _met(events: EventCounts, usage: Usage) -> Met:
    long = usage.first is not None and usage.first < usage.now - 30 * DAY
    return met(events, usage.days, long=long)


def together(found: Iterable[Met]) -> Met:
    """What several accounts met, as one."""
    events: dict[Any, dict[int, Counter[str]]] = {}
    sent: Counter[int] = Counter()
    ever, accepted = 0, frozenset[int]()
    for each in found:
        for cause, days in each.events.items():
            for day, voices in days.items():
                events.setdefault(cause, {}).setdefault(day, Counter()).update(voices)
        sent.update(each.sent)
        ever, accepted = ever + each.ever, accepted | each.accepted
    return Met(events, sent, ever, accepted)


def events_of(trigger: Trigger, found: Met, now: float) -> int:
    """How many events that a trigger counts an account brought by Unix time ``now``, in the days that it looks at."""
    today = int(now // DAY)
    days = found.events.get(trigger.of, {})
    return sum(sum(days.get(day, {}).values()) for day in range(today - trigger.days + 1, today + 1))
