"""What accounts that were found have besides, and share with others: where a search goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from typing_extensions import TypedDict

from riskapi.contract import Count
from riskapi.decisions.gather import Gatherer
from riskapi.inputs.signup import Signup
from riskapi.links import kinds
from riskapi.links.census import Censuses
from riskapi.links.entities import Links
from riskapi.search.found_accounts import FoundAccount
from riskapi.search.meanings import KINDS, SearchKind
from riskapi.store import damaged
from riskapi.store.connections import Store

#: Things counted for one page of accounts, things shown, and signups read again for their values.
_COUNTED, _SHOWN, _READ = 80, 24, 12


class SharedThing(TypedDict):
    """A thing that accounts on this page have. ``thing`` finds it again; ``value`` is null where only its HMAC is kept.

    ``here`` are the accounts of the page that have it, ``accounts`` all that are remembered for it, 2,000 at most.
    ``hub``: so many share it that sharing says nothing.
    """

    kind: SearchKind
    thing: str
    value: str | None
    here: Count
    accounts: Count
    hub: bool


class Shared:
    """Finds what accounts share. Every method raises :class:`StoreUnavailable` while the store is away."""

    def __init__(self, store: Store, links: Links, gatherer: Gatherer) -> None:
        self._store, self._links, self._gatherer = store, links, gatherer
        self._censuses = Censuses(store)

    def of(self, rows: Sequence[FoundAccount], without: Iterable[str]) -> list[SharedThing]:
        """The things that two or more accounts have, one of them in ``rows``; what most of these share comes first.

        What was searched for, the keys in ``without``, is left out. One trip, whatever the size of the crowds.
        """
        counted = Counter(key for row in rows for key in dict.fromkeys(row.entities.values()))
        for key in without:
            counted.pop(key, None)
        ranked = sorted(
            (key for key in counted if self._links.kind_of(key) in KINDS),
            key=lambda key: (-counted[key], KINDS.index(_kind(self._links, key)), key),
        )[:_COUNTED]
        pipe = self._store.pipeline()
        sizes = {key: self._censuses.queue_size(pipe, key) for key in ranked}
        self._store.run(pipe)
        kept = [(key, *sizes[key]()) for key in ranked if sizes[key]()[0] > 1][:_SHOWN]
        values = self.values(rows, [key for key, _, _ in kept])
        return [
            {
                "kind": _kind(self._links, key),
                "thing": thing_of(key),
                "value": values.get(key),
                "here": counted[key],
                "accounts": accounts,
                "hub": hub,
            }
            for key, accounts, hub in kept
        ]

    def values(self, rows: Sequence[FoundAccount], keys: Iterable[str]) -> Mapping[str, str]:
        """The value of each key, as far as signups of these accounts tell it: a few are read, asking nobody."""
        missing, found = set(keys), dict[str, str]()
        read = 0
        for row in rows:
            if not missing or read == _READ:
                break
            if missing.isdisjoint(row.entities.values()):
                continue
            read += 1
            told = {key: value for key, value in self._told(row).items() if key in missing}
            found |= told
            missing -= told.keys()
        return found

    def _told(self, row: FoundAccount) -> Mapping[str, str]:
        """The values of what an account has, by key."""

        def read() -> Mapping[str, str]:
            facts = self._gatherer.parse(Signup.stored(row.signup), 0.0).facts
            return {self._links.entity_key(kind, value): value for kind, value in kinds.values(facts).items() if value}

        return damaged.read("account", row.shown["user_id"], read, dict[str, str]())


def thing_of(key: str) -> str:
    """How answers name an entity: the letter of its kind and its HMAC, as :class:`riskapi.links.linkage.Edge` does."""
    return key.removeprefix("risk:e:")


def _kind(links: Links, key: str) -> SearchKind:
    found = links.kind_of(key)
    return next(kind for kind in KINDS if kind == found)
