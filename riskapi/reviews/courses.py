"""The course of an account since its signup: what it sent and met by day, what it did, what it used, and its hubs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from riskapi.accounts.activity import TYPES, activities
from riskapi.budgets.budgets import Budgets
from riskapi.budgets.caps import Usage
from riskapi.feedback.clean_sending import LETTERS
from riskapi.feedback.counts import Feedback
from riskapi.feedback.triggers import EventCounts
from riskapi.links.census import Censuses
from riskapi.links.entities import Links
from riskapi.links.keys import entities_of
from riskapi.store.connections import Store
from riskapi.store.pipelines import as_it_is
from riskapi.store.streams import account_key
from signals.facts import Activity
from signals.records import record

_FIELDS = ("at", "entities", *(f"{each}:{type}" for type in sorted(TYPES) for each in "nflm"))
_TYPES = {letter: name for name, letter in LETTERS.items() if name != "block_blocklist"}


@record
class Course:
    """What is known of an account over time. ``signed_up_at`` is a Unix time. ``sent`` has the recipients of each UTC
    day (days since 1970) of the last 30, ``met`` the events of feedback of each by type; ``done`` what the account did,
    by type. ``hubs`` are the kinds of things it has that so many share that they say nothing.
    """

    signed_up_at: float
    usage: Usage
    met: Mapping[int, Mapping[str, int]]
    done: Mapping[str, Activity]
    hubs: Sequence[str]

    @property
    def sent(self) -> Mapping[int, int]:
        """Recipients by day."""
        return self.usage.days


class Courses:
    """Reads courses, in two trips. Raises :class:`StoreUnavailable` while the store is away."""

    def __init__(self, store: Store) -> None:
        self._store, self._budgets, self._censuses = store, Budgets(store), Censuses(store)

    def of(self, user_id: str, cluster: str, now: float) -> Course:
        """The course of an account in a cluster (``""`` for none), at Unix time ``now``."""
        pipe = self._store.pipeline()
        usage = self._budgets.queue_read(pipe, user_id, now, cluster)
        events = Feedback.queue(pipe, user_id)
        fields = pipe.ask("HMGET", account_key(user_id), *_FIELDS, read=as_it_is)
        self._store.run(pipe)
        known = {name: value for name, value in zip(_FIELDS, fields(), strict=True) if value is not None}
        hubs = self._hubs(list(entities_of(known.get("entities"), user_id).values()))
        return Course(float(known.get("at", 0)), usage(), _met(events()), activities(known) or {}, hubs)

    def _hubs(self, keys: Sequence[str]) -> list[str]:
        if not keys:
            return []
        pipe = self._store.pipeline()
        sizes = {key: self._censuses.queue_size(pipe, key) for key in keys}
        self._store.run(pipe)
        return sorted({Links.kind_of(key) for key, size in sizes.items() if size()[1]})


def _met(events: EventCounts) -> dict[int, Counter[str]]:
    """Events of feedback by UTC day and type."""
    found: dict[int, Counter[str]] = {}
    for name, count in events.items():
        day, _, letter = name.decode().partition(":")
        if day.isdecimal() and letter in _TYPES:
            found.setdefault(int(day), Counter())[_TYPES[letter]] += int(count)
    return found
