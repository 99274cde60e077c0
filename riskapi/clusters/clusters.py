"""Clusters: accounts that belong together, always explainable as the list of what binds them.

An account is in a cluster through edges: things (entities of :mod:`riskapi.links.entities`) it shares with others and
that bind (:mod:`riskapi.links.bonds`), and waves it came in. Edges are fields of the account's budget, and end when
their evidence has decayed; a cluster knows its accounts, its things, and the sum of what its accounts spent. Each
change (:mod:`riskapi.clusters.joins`, :mod:`riskapi.clusters.splits`) is read, planned and written in one step.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from typing import Annotated, Literal, cast

from pydantic import Field
from typing_extensions import TypedDict

from riskapi.budgets.budgets import Budgets
from riskapi.budgets.caps import Usage
from riskapi.budgets.keys import budget_key, cluster_key, kept, members_key
from riskapi.clusters.aliases import Aliases
from riskapi.clusters.joins import NAMED, Joined, Joins
from riskapi.clusters.neighbours import Group, Neighbours, Thing, groups, neighbours, standing_of
from riskapi.clusters.splits import Splits
from riskapi.errors import Problem, StoreUnavailable
from riskapi.links.bonds import Bond, bonds, edge_of
from riskapi.links.entities import Links
from riskapi.links.hubs import Hubs
from riskapi.links.linkage import Edge, binds
from riskapi.links.touches import KEEP
from riskapi.links.waves import Match
from riskapi.metrics import Metrics
from riskapi.policy import Policy
from riskapi.policy.tables import Kind
from riskapi.store.connections import Store
from riskapi.store.pipelines import Pipeline, as_it_is
from riskapi.times import rfc3339
from signals.facts import Entity
from signals.records import record

#: Times a label is noted anew because the account moved to another cluster; far more than any race measured.
_TRIES = 100
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


class Clusters:
    """Joins accounts to clusters, takes clusters apart, and explains them."""

    def __init__(
        self, store: Store, links: Links, budgets: Budgets, metrics: Metrics, *, store_clock: bool = False
    ) -> None:
        """With ``store_clock`` budgets go by the store's own time."""
        self._store, self._links = store, links
        self._joins = Joins(store, links, budgets, metrics, store_clock=store_clock)
        self.splits = Splits(store, links, metrics, store_clock=store_clock)
        self.aliases = Aliases(store, links)
        self._hubs = Hubs(store, links)
        self._label = store.script("budget_label")
        self._prove = store.script("budget_prove")
        self._claim = store.script("cluster_claim")

    def join(
        self,
        user_id: str,
        entities: Collection[Entity],
        policy: Policy,
        now: float,
        *,
        matches: Sequence[Match] = (),
        whole: bool = True,
        at: float | None = None,
    ) -> Joined | None:
        """Join the account to all it is bound to by these entities and those it came with; let go what binds no more.
        That is one trip, whatever there is to do; on a cluster of nodes it may take more.

        ``whole`` is false for entities whose weight was lessened by what they came with: they do not prove that others
        are bound no more. ``at`` is the Unix time at which they were weighed, if not now. Returns what came of it,
        None where nothing binds the account. What turned into a hub binds nobody new; who is bound by it stays so until
        that has decayed. A worker finds that out (:meth:`look`); until then the thing binds. Raises
        :class:`StoreUnavailable`.
        """
        if policy.clusters.mode == "off":
            return None
        pipe, lost = self._store.pipeline(), []
        for entity in entities:
            if not entity.bound and entity.kind != "phone":
                continue
            # A number that turned out to be a switchboard is shared with nobody else, and weighs nothing.
            if (
                entity.bound
                and entity.strength != "strong"
                and not binds(entity, policy)
                and (entity.hub or (whole and entity.standing not in ("proved", "held")))
            ):
                lost.append(self.splits.queue_let_go(pipe, entity.key, policy, now))
            if entity.kind == "phone" and entity.strength == "medium" and entity.last_seen is not None:
                # Strangers cannot tell that it is a switchboard: who can is not bound to them.
                self._prove.queue(pipe, [budget_key(user_id)], ["1", 0, kept(policy), edge_of(entity.key)])
            if entity.bound and entity.standing == "proved":  # those it binds only claim it from now on
                self._queue_claimed(pipe, entity.key)
        made, due = self._bonds(entities, matches, policy, now, at)
        joined = self._joins.join(user_id, made, policy, now, due=due, pipe=pipe) if made else None
        if joined is None and len(pipe):
            self._store.run(pipe)
        if lost:
            self.splits.count(sum(reply() for reply in lost))
        return joined

    def _bonds(
        self, entities: Collection[Entity], matches: Sequence[Match], policy: Policy, now: float, at: float | None
    ) -> tuple[list[Bond], set[str]]:
        """What binds an account, and the edges among it that may turn out to be hubs. Those who claim what somebody
        holds are bound to each other beyond that one thing only once the holder is known.
        """
        made = bonds(entities, matches, policy, now, self._links.entity_key, at)
        if not made:
            return made, set()
        due = {each.key for each in entities if binds(each, policy) and self._hubs.is_due(each, policy, now)}
        if not due:
            return made, set()
        sure = [each for each in entities if each.key not in due]
        known = {bond.edge for bond in bonds(sure, matches, policy, now, self._links.entity_key, at)}
        made = [bond for bond in made if bond.edge in known or not bond.edge.startswith("h:")]
        return made, {bond.edge for bond in made} - known

    def usage(self, user_id: str, policy: Policy, now: float) -> Usage:
        """What an account and its cluster, whichever that is, were granted; in one trip."""
        return self._joins.join(user_id, [], policy, now).usage

    def look(self, key: str, policy: Policy, now: float, *, since: float) -> None:
        """Look at Unix time ``now`` whether a thing is a hub, unless somebody did ``since`` a time, and let go of those
        who were bound by it meanwhile if it is one. Safe to repeat. Raises :class:`StoreUnavailable`.
        """
        found_at = self._hubs.found_at(key)
        hub = found_at > 0 if abs(found_at) >= since else self._hubs.look(key, policy, now)
        self.splits.looked(key, policy, now, hub=hub)

    def note_claimed(self, key: str) -> None:
        """Let those who are bound by a thing share the budget of one, because somebody holds it. Safe to repeat."""
        pipe = self._store.pipeline()
        self._queue_claimed(pipe, key)
        self._store.run(pipe)

    def _queue_claimed(self, pipe: Pipeline, key: str) -> None:
        """As :meth:`note_claimed`, in a pipeline; on a cluster of nodes it takes a trip of its own."""
        keys = [budget_key(""), cluster_key("")]
        if self._store.is_cluster:
            self._claim.queue(pipe, keys, [edge_of(key), KEEP, *self._links.accounts(key)])
        else:
            self._claim.queue(pipe, [*keys, key], [edge_of(key), KEEP])

    def leave(self, user_id: str, policy: Policy, now: float, *, keys: Collection[str] | None = None) -> None:
        """Take an account out of its cluster, or only what binds it through ``keys``."""
        edges = self.edges(user_id) if keys is None else [edge_of(key) for key in keys]
        self.splits.loosen([user_id], edges, policy, now, reason="left")

    def withdraw(self, user_id: str, keys: Sequence[str], policy: Policy, now: float) -> None:
        """Take an account out of things as if it had never touched them, and what binds it by them away; one trip."""
        pipe = self._store.pipeline()
        self._links.queue_leave(pipe, user_id, keys)
        edges = [edge_of(key) for key in keys]
        lost = self.splits.queue_loosen(pipe, [user_id], edges, policy, now, reason="left")
        self._store.run(pipe)
        self.splits.count(lost())

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

    def by_cluster(self, user_ids: Collection[str]) -> dict[str, list[str]]:
        """Some accounts by the cluster that each is in, ``""`` for those that are in none; one trip."""
        pipe, found = self._store.pipeline(), dict[str, list[str]]()
        asked = {name: pipe.ask("HGET", budget_key(name), "cluster", read=_named) for name in user_ids}
        if asked:
            self._store.run(pipe)
        for user_id, cluster in asked.items():
            found.setdefault(cluster(), []).append(user_id)
        return found

    def note_label(self, user_id: str, policy: Policy, *, abusive: bool) -> None:
        """Let those who share a budget with an account be told whether it is labelled abusive. Safe to repeat."""
        for _ in range(_TRIES):
            cluster, budget = self.of(user_id), budget_key(user_id)
            keys = [budget, cluster_key(cluster) if cluster else budget]
            if self._label.call(keys, [cluster, int(abusive), kept(policy)])[0] == b"noted":
                return
        raise StoreUnavailable("a cluster changed too often to note a label")

    def of(self, user_id: str) -> str:
        """The cluster of an account, or ``""``."""
        return _named(self._store.execute("HGET", budget_key(user_id), "cluster"))

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

    def company(self, things: Mapping[str, Collection[str]], most: int) -> dict[str, list[str]]:
        """The other accounts that share a budget with one of some, or something of its entities that people do not
        share by chance, where ``things`` has the keys of the entities of each: at most ``most`` for each, its cluster
        first; by the cluster that it is in. What many of a cluster share is read once.
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


def _named(cluster: bytes | None) -> str:
    return cluster.decode() if cluster else ""


def _state(fields: dict[bytes, bytes]) -> State:
    """What binds an account, from all the fields of its budget."""
    edges = frozenset(name[2:].decode() for name in fields if name.startswith(b"b:"))
    return State(fields.get(b"cluster", b"").decode(), edges)
