"""Rings: the accounts of a case as a row of the queue and the picture of a case show them, for many cases at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from riskapi.budgets.budgets import Budgets
from riskapi.budgets.caps import Usage
from riskapi.budgets.keys import cluster_key, members_key
from riskapi.contract import Tier
from riskapi.links.entities import Links
from riskapi.store import damaged
from riskapi.store.connections import Store
from riskapi.store.pipelines import ReplyReader, as_it_is
from riskapi.store.streams import account_key
from signals.records import record

#: Accounts of a cluster that are read for a row. Nobody is called the first of a larger one.
MOST = 60
_FIELDS = ("tier", "at", "label", "established", "proved")


@record
class Member:
    """An account of a ring: its tier, when it signed up (Unix time), its label, whether it counts as an established
    customer, and which kinds of things it proved to be its own.
    """

    user_id: str
    tier: Tier
    at: float
    label: str
    established: bool
    proved: Sequence[str] = ()


@record
class Ring:
    """The accounts of a case, oldest first, at most 60; ``whole``: these are all. ``kinds`` counts the things that bind
    them by kind, ``sent`` the recipients that all of them were granted in the last 30 days.
    """

    members: Sequence[Member]
    whole: bool
    kinds: Mapping[str, int]
    sent: int

    @property
    def first(self) -> Member | None:
        """Who came first, where that is known and there are others."""
        return self.members[0] if self.whole and len(self.members) > 1 else None

    @property
    def established(self) -> int:
        """How many established customers are among them."""
        return sum(each.established for each in self.members)

    @property
    def seconds(self) -> float:
        """Seconds between the first signup and the last."""
        return self.members[-1].at - self.members[0].at if self.members else 0.0


class Rings:
    """Reads rings: two trips, however many. Raises :class:`StoreUnavailable` while the store is away."""

    def __init__(self, store: Store) -> None:
        self._store, self._budgets = store, Budgets(store)

    def of(self, cases: Iterable[tuple[str, str]], now: float) -> dict[str, Ring]:
        """The rings by account: each is the id of an account and of its cluster, ``""`` where it is in none."""
        pipe = self._store.pipeline()
        asked: dict[str, tuple[ReplyReader[Usage], ReplyReader[Any] | None, ReplyReader[Any] | None]] = {}
        for user_id, cluster in cases:
            usage = self._budgets.queue_read(pipe, user_id, now, cluster)
            names = pipe.ask("SRANDMEMBER", members_key(cluster), MOST, read=as_it_is) if cluster else None
            things = pipe.ask("HGETALL", cluster_key(cluster), read=as_it_is) if cluster else None
            asked[user_id] = (usage, names, things)
        self._store.run(pipe)
        named = {
            user_id: [name.decode() for name in names()] if names is not None and names() else [user_id]
            for user_id, (_, names, _) in asked.items()
        }
        members = self.members((name for names in named.values() for name in names), now)
        found = {}
        for user_id, (usage, _, things) in asked.items():
            spent, rows = usage(), [members[name] for name in named[user_id] if name in members]
            rows.sort(key=lambda each: (each.at, each.user_id))
            sent = spent.cluster_spent[2] if spent.cluster else spent.spent[2]
            kinds = _kinds(things() if things is not None else {}, now)
            found[user_id] = Ring(rows, len(named[user_id]) < MOST, kinds, sent)
        return found

    def sent(self, user_ids: Iterable[str], now: float) -> dict[str, int]:
        """The recipients that each account was granted in the last 30 days."""
        pipe = self._store.pipeline()
        asked = {name: self._budgets.queue_read(pipe, name, now) for name in user_ids}
        self._store.run(pipe)
        return {name: usage().spent[2] for name, usage in asked.items()}

    def members(self, user_ids: Iterable[str], now: float) -> dict[str, Member]:
        """What a picture says of accounts, by name; those that are erased or expired are left out."""
        names = list(dict.fromkeys(user_ids))
        pipe = self._store.pipeline()
        for name in names:
            pipe.execute_command("HMGET", account_key(name), *_FIELDS)
        rows = zip(names, self._store.run(pipe) if names else [], strict=True)
        return {name: _member(name, row, now) for name, row in rows if row[0] is not None}


def _member(name: str, row: Sequence[bytes | None], now: float) -> Member:
    tier, at, label, since, _ = ((value or b"").decode() for value in row)
    established = bool(since) and float(since) <= now and label != "abuse"
    proved = tuple(damaged.loads("account", name, row[-1], dict[str, str]()))
    return Member(name, cast("Tier", tier), float(at or 0), label, established, proved)


def _kinds(fields: Mapping[bytes, bytes], now: float) -> dict[str, int]:
    """How many things of each kind bind a cluster at Unix time ``now``, from its fields; the most frequent first."""
    edges = [name[2:].decode() for name, ends in fields.items() if name.startswith(b"e:") and float(ends) > now]
    return dict(Counter(Links.kind_of(edge) for edge in edges).most_common())
