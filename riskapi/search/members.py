"""Who has what was searched for: a page of names, how many there are, and what became of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import ip_address, ip_network

from riskapi.accounts.accounts import Accounts
from riskapi.budgets.keys import cluster_key, members_key
from riskapi.clusters.clusters import Clusters
from riskapi.inputs.network import parse
from riskapi.links.census import Census, Censuses
from riskapi.links.touches import KEEP
from riskapi.search.meanings import Meaning
from riskapi.search.names import Names
from riskapi.store import damaged
from riskapi.store.connections import Store
from riskapi.store.pipelines import Pipeline
from riskapi.store.streams import account_key
from signals.records import changed, record

#: Accounts whose address is tested where a network is narrower than what is remembered. They take some 25 ms.
_TESTED = 500


@record
class Members:
    """A page of names, how many there are in all, whether these are all there can be, and what became of them.

    ``census`` is None where that was not counted.
    """

    names: Sequence[str]
    total: int
    complete: bool = True
    census: Census | None = None


class MembersReader:
    """Reads who has a thing. Every method raises :class:`StoreUnavailable` while the store is away."""

    def __init__(self, store: Store, accounts: Accounts, clusters: Clusters, names: Names) -> None:
        self._store, self._accounts, self._clusters, self._names = store, accounts, clusters, names
        self._censuses = Censuses(store)

    def counted(self, meanings: Sequence[Meaning]) -> list[tuple[Meaning, int | None]]:
        """How many accounts each meaning has; None for names, which have to be looked for. Three trips at most.

        A user id is that of an account written in whatever capitals.
        """
        user = next((each.value for each in meanings if each.kind == "user"), None)
        meant = self._accounts.meant(user) if user is not None else ""
        pipe = self._store.pipeline()
        asked = [self._queue_count(pipe, each, meant) for each in meanings]
        if len(pipe):
            self._store.run(pipe)
        found: list[tuple[Meaning, int | None]] = []
        for each, counts in zip(meanings, asked, strict=True):
            count = sum(read() for read in counts)
            named = changed(each, value=meant) if each.kind == "user" and count else each
            found.append((named, None if each.kind == "name" else count))
        return found

    def _queue_count(self, pipe: Pipeline, meaning: Meaning, meant: str) -> list[Callable[[], int]]:
        if meaning.kind == "user":
            return [pipe.ask("HEXISTS", account_key(meant), "tier", read=int)]
        if meaning.kind == "cluster":
            return [pipe.ask("SCARD", members_key(meaning.value or ""), read=int)]
        sizes = [self._censuses.queue_size(pipe, key) for key in meaning.keys]
        return [lambda: sum(size()[0] for size in sizes)]

    def page(self, meaning: Meaning, now: float, first: int, most: int) -> Members:
        """Those who have a thing at Unix time ``now``, newest first: ``most``, from place ``first`` on.

        The accounts of a cluster come by name.
        """
        value = meaning.value or ""
        if meaning.kind == "user":
            there = int(self._store.execute("HEXISTS", account_key(value), "tier"))
            return Members([value][first:] if there else [], there)
        if meaning.kind == "cluster":
            names = self._clusters.accounts(value)
            bad = self._store.execute("HGET", cluster_key(value), "bad")
            return Members(names[first : first + most], len(names), True, Census(len(names), abusive=int(bad or 0)))
        if meaning.kind == "name" or meaning.within is not None:
            names = self._names.found(value) if meaning.within is None else self._inside(meaning)
            return Members(names[first : first + most], len(names), False)
        return self._of_keys(meaning.keys, now, first, most)

    def _of_keys(self, keys: Sequence[str], now: float, first: int, most: int) -> Members:
        if not keys:
            return Members((), 0)
        pipe = self._store.pipeline()
        counts = [self._censuses.queue(pipe, key, now) for key in keys]
        asked = [self._censuses.queue_newest(pipe, key, min(first + most, KEEP)) for key in keys]
        self._store.run(pipe)
        censuses = [count() for count in counts]
        found: dict[str, float] = {}
        for name, at in (pair for newest in asked for pair in newest()):
            found[name] = max(at, found.get(name, at))
        names = sorted(found, key=lambda name: (-found[name], name))
        census = _together(censuses)
        return Members(names[first : first + most], census.accounts, not any(each.is_full for each in censuses), census)

    def _inside(self, meaning: Meaning) -> list[str]:
        """The newest accounts of an entity whose address lies in the network that is meant."""
        pipe = self._store.pipeline()
        newest = self._censuses.queue_newest(pipe, meaning.keys[0], _TESTED)
        self._store.run(pipe)
        names = [name for name, _ in newest()]
        signups = zip(names, self._accounts.signups(names), strict=True)
        return [name for name, signup in signups if signup is not None and _lies(name, signup, meaning.within or "")]


def _lies(user_id: str, signup: bytes, network: str) -> bool:
    """Whether an account signed up from a network."""

    def read() -> bool:
        address = parse(str((damaged.whole(signup).get("device") or {}).get("ip_address") or ""))
        return address is not None and ip_address(str(address)) in ip_network(network)

    return damaged.read("account", user_id, read, False)


def _together(found: Sequence[Census]) -> Census:
    """Several things as one; an account that has two of them counts twice."""
    if len(found) == 1:
        return found[0]
    return Census(
        sum(each.accounts for each in found),
        sum(each.limited for each in found),
        sum(each.abusive for each in found),
        sum(each.established for each in found),
        min((each.first for each in found if each.first is not None), default=None),
        max((each.last for each in found if each.last is not None), default=None),
    )
