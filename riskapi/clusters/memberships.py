"""Who is in a cluster, and what binds them there: all that is read of clusters, by accounts, things and groups."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from typing import Annotated, Literal, cast

from pydantic import Field
from typing_extensions import TypedDict

from riskapi.budgets.keys import budget_key, cluster_key, members_key
from riskapi.clusters.joins import NAMED
from riskapi.clusters.neighbours import Group, Neighbours, Thing, groups, neighbours, standing_of
from riskapi.errors import Problem
from riskapi.links.entities import Links
from riskapi.links.linkage import Edge
from riskapi.policy.tables import Kind
from riskapi.store.connections import Store
from riskapi.store.pipelines import as_it_is
from riskapi.times import rfc3339
from signals.records import record

#: Kinds of entities that people do not share by chance.
_OWN = frozenset({"mailbox", "phone", "device", "payment"})


@record
class State:
    """What binds an account: its cluster or ``""``, and its edges."""

    cluster: str
    edges: frozenset[str]


class Cluster(TypedDict):
    """Accounts that share a budget, and what binds them. At most 100 accounts and edges are named; all are counted."""

    cluster_id: str
    size: Annotated[int, Field(ge=1)]
    user_ids: list[str]
    edges: list[Edge]


class Memberships:
    """Reads which accounts are in which cluster, and what binds them. Every method may raise
    :class:`riskapi.errors.StoreUnavailable`.
    """

    def __init__(self, store: Store, links: Links) -> None:
        self._store, self._links = store, links

    def of(self, user_id: str) -> str:
        """The cluster of an account, or ``""``."""
        return _named(self._store.execute("HGET", budget_key(user_id), "cluster"))

    def by_cluster(self, user_ids: Collection[str]) -> dict[str, list[str]]:
        """Some accounts by the cluster that each is in, ``""`` for those that are in none; one trip."""
        pipe, found = self._store.pipeline(), dict[str, list[str]]()
        asked = {name: pipe.ask("HGET", budget_key(name), "cluster", read=_named) for name in user_ids}
        if asked:
            self._store.run(pipe)
        for user_id, cluster in asked.items():
            found.setdefault(cluster(), []).append(user_id)
        return found

    def accounts(self, cluster_id: str) -> list[str]:
        """The accounts of a cluster, by name."""
        return sorted(name.decode() for name in self._store.execute("SMEMBERS", members_key(cluster_id)))

    def size(self, cluster_id: str) -> int:
        """How many accounts a cluster has."""
        return int(self._store.execute("SCARD", members_key(cluster_id)))

    def some(self, cluster_id: str, most: int) -> list[str]:
        """The accounts of a cluster, by name; of one that has more than ``most`` about as many, mostly the same ones.
        Reading all of 20,000 takes the store some milliseconds, and this process some more.
        """
        if self.size(cluster_id) <= most:
            return self.accounts(cluster_id)
        found = self._store.execute("SSCAN", members_key(cluster_id), 0, "COUNT", max(most, 1))[1]
        return [name.decode() for name in found]

    def company(self, things: Mapping[str, Collection[str]], most: int) -> dict[str, list[str]]:
        """Who else is near some accounts, by the cluster that each of these is in.

        ``things`` has the accounts, with the keys of the entities of each. Near are those who share its budget, and
        then those who share an entity with it that people do not share by chance: at most ``most`` for each. What many
        of a cluster share is read once.
        """
        keys = {key for each in things.values() for key in each}
        named = {key: self._links.accounts(key) for key in keys if self._links.kind_of(key) in _OWN}
        found: dict[str, list[str]] = {}
        for cluster, user_ids in self.by_cluster(things).items():
            within, names = self.some(cluster, most) if cluster else [], dict[str, None]()
            for user_id in user_ids:
                linked = dict.fromkeys([*within, *(name for key in things[user_id] for name in named.get(key, ()))])
                linked.pop(user_id, None)
                names.update(dict.fromkeys(islice(linked, most)))
            found[cluster] = list(names)
        return found

    def edges(self, user_id: str) -> list[str]:
        """What binds an account."""
        return sorted(self.states([user_id])[user_id].edges)

    def states(self, names: Collection[str]) -> dict[str, State]:
        """What binds each of these accounts, and the cluster each is in."""
        pipe = self._store.pipeline()
        found = {name: pipe.ask("HGETALL", budget_key(name), read=_state) for name in names}
        if found:
            self._store.run(pipe)
        return {name: state() for name, state in found.items()}

    def things(self, cluster_id: str, now: float) -> tuple[list[str], list[Thing]]:
        """The accounts of a cluster, and the things that bind them at Unix time ``now``, the most shared first."""
        pipe = self._store.pipeline()
        asked = pipe.ask("HGETALL", cluster_key(cluster_id), read=as_it_is)
        members = pipe.ask("SMEMBERS", members_key(cluster_id), read=as_it_is)
        self._store.run(pipe)
        fields = asked()
        ends = {name[2:].decode(): float(value) for name, value in fields.items() if name.startswith(b"e:")}
        states = self.states(sorted(name.decode() for name in members()))
        names = [name for name, state in states.items() if state.cluster == cluster_id]
        found: dict[str, list[str]] = {}
        for name in names:
            for edge in states[name].edges:
                if ends.get(edge, 0.0) > now:
                    found.setdefault(edge, []).append(name)
        rows = [Thing(edge, ends[edge], sharing, b"c:" + edge.encode() in fields) for edge, sharing in found.items()]
        return names, sorted(rows, key=lambda thing: -len(thing.user_ids))

    def neighbours(self, cluster_id: str, user_id: str, now: float) -> Neighbours:
        """The accounts of a cluster that something still binds to one of them at Unix time ``now``, itself included,
        and whether what was seen or proved does: neither waves nor what somebody only claims.
        """
        names, things = self.things(cluster_id, now) if cluster_id else ([], [])
        return neighbours(names, things, user_id)

    def groups(self, cluster_id: str, user_ids: Sequence[str], now: float) -> list[Group]:
        """The groups, within a cluster, that some accounts are in at Unix time ``now``."""
        return groups(self.things(cluster_id, now)[1] if cluster_id else [], user_ids)

    def beside(self, cluster_id: str, user_id: str, names: Sequence[str], now: float) -> Neighbours:
        """Those of some accounts of a cluster that something binds to one directly at Unix time ``now``, and whether
        what was seen or proved does: the quick part of :meth:`neighbours`.
        """
        pipe = self._store.pipeline()
        asked = pipe.ask("HGETALL", cluster_key(cluster_id), read=as_it_is)
        states = {name: pipe.ask("HGETALL", budget_key(name), read=_state) for name in dict.fromkeys([user_id, *names])}
        self._store.run(pipe)
        fields, mine = asked(), states[user_id]()
        ends = {edge: float(fields.get(b"e:" + edge.encode(), 0)) for edge in mine.edges}
        lasting = {edge for edge in mine.edges if ends[edge] > now}
        seen = {edge for edge in lasting if standing_of(edge, claims=b"c:" + edge.encode() in fields) == "proved"}
        found = {name: lasting & state().edges for name, state in states.items() if state().cluster == cluster_id}
        bound = {name: not seen.isdisjoint(edges) for name, edges in found.items() if edges and name != user_id}
        return Neighbours(bound, min((ends[edge] for name in bound for edge in found[name]), default=None))

    def view(self, cluster_id: str, now: float) -> Cluster:
        """A cluster as the list of its edges. Raises ``not_found``."""
        names, things = self.things(cluster_id, now)
        if not names:
            raise Problem("not_found", "No cluster has this id.")
        return {
            "cluster_id": cluster_id,
            "size": len(names),
            "user_ids": names[:NAMED],
            "edges": self.rows(things),
        }

    def rows(self, things: Sequence[Thing]) -> list[Edge]:
        """The things that bind a cluster, as an answer shows them."""
        return [
            {
                "edge": thing.edge,
                "kind": self.kind_of(thing.edge),
                "standing": standing_of(thing.edge, claims=thing.claims),
                "accounts": len(thing.user_ids),
                "user_ids": thing.user_ids[:NAMED],
                "ends_at": rfc3339(thing.ends),
            }
            for thing in things[:NAMED]
        ]

    def kind_of(self, edge: str) -> Kind | Literal["holder", "wave"]:
        """The kind of thing an edge is: what is shared, its holder (of claimants), or a wave."""
        return cast("Kind", self._links.kind_of(edge))


def _named(cluster: bytes | None) -> str:
    return cluster.decode() if cluster else ""


def _state(fields: dict[bytes, bytes]) -> State:
    """What binds an account, from all the fields of its budget."""
    edges = frozenset(name[2:].decode() for name in fields if name.startswith(b"b:"))
    return State(fields.get(b"cluster", b"").decode(), edges)
