"""Clusters: accounts that belong together, always explainable as the list of what binds them.

An account is in a cluster through edges: things (entities of :mod:`riskapi.links.entities`) it shares with others and
that bind (:mod:`riskapi.links.bonds`), and waves it came in. Edges are fields of the account's budget, and end when
their evidence has decayed; a cluster knows its accounts, its things, and the sum of what its accounts spent. A change
is read, planned here and committed by a script that checks nothing changed in between; else it is read again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, cast

import orjson
from pydantic import Field
from typing_extensions import TypedDict

from riskapi.budgets.caps import Usage
from riskapi.budgets.keys import EVENTS, budget_key, cluster_key, kept, members_key
from riskapi.budgets.spends import Budgets
from riskapi.clusters.joins import NAMED, TRIES, Joins, State, new_id
from riskapi.clusters.partition import groups
from riskapi.errors import Problem, StoreUnavailable
from riskapi.links.bonds import bonds, edge_of
from riskapi.links.entities import Links
from riskapi.links.evidence import Edge, binds
from riskapi.links.hubs import Hubs
from riskapi.links.waves import Match
from riskapi.metrics import Metrics
from riskapi.policy import Policy
from riskapi.policy.tables import Kind
from riskapi.store.connections import Store
from riskapi.store.streams import oldest
from riskapi.times import rfc3339
from signals.facts import Entity
from signals.records import record

#: Later than any edge ends.
_NEVER = 1e15
Cut = Callable[[str, str], bool]


@record
class Thing:
    """One thing that binds accounts, until the Unix time ``ends``. ``claims``: it is somebody else's."""

    edge: str
    ends: float
    user_ids: list[str]
    claims: bool = False


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
        self._store, self._links, self._metrics = store, links, metrics
        self._joins = Joins(store, links, budgets, metrics, store_clock=store_clock)
        self._hubs = Hubs(store, links)
        self._store_clock = store_clock
        self._split = store.script("cluster_split")
        self._label = store.script("budget_label")
        self._aside = store.script("budget_prove")

    def settle(
        self,
        user_id: str,
        entities: Collection[Entity],
        policy: Policy,
        now: float,
        *,
        matches: Sequence[Match] = (),
        whole: bool = True,
    ) -> Usage | None:
        """Join the account to all it is bound to by these entities and those it came with; let go what binds no more.

        ``whole`` is false for entities whose weight was lessened by what they came with: they do not prove that others
        are bound no more. Returns the account's usage after a change, None where nothing changed. What turned into a
        hub binds nobody new; who is bound by it stays so until that has decayed. Raises :class:`StoreUnavailable`.
        """
        if policy.clusters.mode == "off":
            return None
        found = [entity for entity in entities if not self._is_hub(entity, policy, now)]
        for entity in entities:
            # A number that turned out to be a switchboard is shared with nobody else, and weighs nothing.
            faded = entity.hub or (whole and entity.standing not in ("proved", "held"))
            if entity.bound and faded and entity.strength != "strong" and not binds(entity, policy):
                self.let_go(entity.key, policy, now, "hub")
            if entity.kind == "phone" and entity.strength == "medium" and entity.last_seen is not None:
                # Strangers cannot tell that it is a switchboard: who can is not bound to them.
                self._aside.call([budget_key(user_id)], ["1", 0, kept(policy), edge_of(entity.key)])
        made = bonds(found, matches, policy, now, self._links.entity_key)
        return self._joins.join(user_id, made, policy, now) if made else None

    def _is_hub(self, entity: Entity, policy: Policy, now: float) -> bool:
        return binds(entity, policy) and self._hubs.is_due(entity, policy, now) and self._hubs.look(entity, policy, now)

    def let_go(self, key: str, policy: Policy, now: float, reason: str, actor: str | None = None) -> None:
        """Let an entity bind nobody: take its edges out of every cluster. Raises :class:`StoreUnavailable`."""
        edge = edge_of(key)
        for _ in range(TRIES):
            # Before the look: whoever is bound after it marks the entity again.
            self._links.bind_mark([key], False)
            clusters = self.bound_by(self._links.accounts(key), [edge])
            if not clusters:
                return
            for cluster in clusters:
                self.part(cluster, policy, now, lambda _, found: found == edge, reason=reason, actor=actor)
        raise StoreUnavailable("a cluster changed too often to take it apart")

    def bound_by(self, names: Collection[str], edges: Collection[str]) -> set[str]:
        """The clusters in which any of these edges bind any of these accounts."""
        states = self.states(names).values()
        return {state.cluster for state in states if not state.edges.keys().isdisjoint(edges)} - {""}

    def loosen(self, names: Collection[str], edges: Collection[str], policy: Policy, now: float, **how: Any) -> None:
        """Take these edges of these accounts away, whichever clusters they are in by now; ``how`` as for :meth:`part`.

        A cluster that was merged into another meanwhile has nothing to take away any more.
        """
        for _ in range(TRIES):
            clusters = self.bound_by(names, edges)
            if not clusters:
                return
            for cluster in clusters:
                self.part(cluster, policy, now, lambda name, found: name in names and found in edges, **how)
        raise StoreUnavailable("a cluster changed too often to take it apart")

    def part(
        self,
        cluster_id: str,
        policy: Policy,
        now: float,
        cut: Cut,
        *,
        reason: str,
        actor: str | None = None,
        ban: bool = False,
        with_: Iterable[str] = (),
    ) -> None:
        """Take away the edges for which ``cut(user_id, edge)``, and those that ended; what hung on them leaves.

        With ``ban`` the edges that were cut never come back. ``with_`` are accounts known to be in the cluster.
        """
        for _ in range(TRIES):
            fields, edges = self._edges(cluster_id, with_)
            ends = {name[2:]: float(value) for name, value in fields.items() if name.startswith("e:")}
            names = list(edges)
            place = {name: at for at, name in enumerate(names, 1)}
            given = [(name, edge) for name in names for edge in edges[name] if cut(name, edge)]
            ended = [(name, edge) for name in names for edge in edges[name] if ends.get(edge, 0.0) <= now]
            gone = {*given, *ended}
            holders = Counter(edge for name in names for edge in edges[name] if (name, edge) not in gone)
            # What only one account is left with binds nobody.
            gone |= {(name, edge) for name in names for edge in edges[name] if holders[edge] == 1} if gone else set()
            left = {name: [edge for edge in edges[name] if (name, edge) not in gone] for name in names}
            parts = [group for group in groups(left) if len(group) > 1]
            # The first group keeps the id, and a cluster nobody is left in is gone.
            ids = [cluster_id, *(new_id() for _ in parts[1:])][: len(parts)]
            claims = {name[2:] for name in fields if name.startswith("c:")}
            described = [_group(each, group, left, ends, claims, place) for each, group in zip(ids, parts, strict=True)]
            grouped = {name for group in parts for name in group}
            arguments = {
                "now": "" if self._store_clock else now,
                "ttl": kept(policy),
                "oldest": oldest(policy.retention.decisions_days),
                "version": fields.get("version", ""),
                "accounts": names,
                "groups": described,
                "alone": [place[name] for name in names if name not in grouped],
                "cut": [(place[name], edge) for name, edge in gone],
                "banned": [(place[name], edge) for name, edge in given] if ban else [],
                "event": orjson.dumps(
                    {
                        "cluster_id": cluster_id,
                        "at": rfc3339(now),
                        "change": "split",
                        "into": ids,
                        "user_ids": [name for name in names if name not in grouped][:NAMED],
                        "reason": reason,
                        "actor": actor,
                    }
                ).decode()
                if gone
                else None,
            }
            keys = [cluster_key(cluster_id), members_key(cluster_id), *(budget_key(name) for name in names)]
            for each in ids[1:]:
                keys += (cluster_key(each), members_key(each))
            if self._split.call([*keys, EVENTS], [orjson.dumps(arguments)])[0] == b"split":
                if gone:
                    self._metrics.cluster("split")
                return
        raise StoreUnavailable("a cluster changed too often to take it apart")

    def _edges(self, cluster_id: str, with_: Iterable[str]) -> tuple[dict[str, str], dict[str, list[str]]]:
        """The fields of a cluster, and the edges of each of its accounts."""
        pipe = self._store.pipeline()
        pipe.execute_command("HGETALL", cluster_key(cluster_id))
        pipe.execute_command("SMEMBERS", members_key(cluster_id))
        fields, members = self._store.run(pipe)
        names = sorted({name.decode() for name in members} | set(with_))
        states = self.states(names)
        edges = {name: list(states[name].edges) for name in names if states[name].cluster == cluster_id}
        return {name.decode(): value.decode("latin-1") for name, value in fields.items()}, edges

    def renew(self, cluster_id: str, user_id: str, policy: Policy, now: float) -> None:
        """Take away what ended, where anything did; for a cluster that is gone, let its account go."""
        due = self._store.execute("HGET", cluster_key(cluster_id), "due")
        if due is None or float(due) <= now:
            self.part(cluster_id, policy, now, lambda *_: False, reason="decayed", with_=[user_id])

    def leave(self, user_id: str, policy: Policy, now: float, *, keys: Collection[str] | None = None) -> None:
        """Take an account out of its cluster, or only what binds it through ``keys``."""
        edges = self.edges(user_id) if keys is None else [edge_of(key) for key in keys]
        self.loosen([user_id], edges, policy, now, reason="left")

    def edges(self, user_id: str) -> list[str]:
        """What binds an account."""
        return list(self.states([user_id])[user_id].edges)

    def states(self, names: Collection[str]) -> dict[str, State]:
        """What binds each of these accounts, and the cluster each is in."""
        return self._joins.states(names)

    def note_label(self, user_id: str, policy: Policy, *, abusive: bool) -> None:
        """Let those who share a budget with an account be told whether it is labelled abusive. Safe to repeat."""
        for _ in range(TRIES):
            cluster, budget = self.of(user_id), budget_key(user_id)
            keys = [budget, cluster_key(cluster) if cluster else budget]
            if self._label.call(keys, [cluster, int(abusive), kept(policy)])[0] == b"noted":
                return
        raise StoreUnavailable("a cluster changed too often to note a label")

    def of(self, user_id: str) -> str:
        """The cluster of an account, or ``""``."""
        found = self._store.execute("HGET", budget_key(user_id), "cluster")
        return found.decode() if found else ""

    def accounts(self, cluster_id: str) -> list[str]:
        """The accounts of a cluster, by name."""
        return sorted(name.decode() for name in self._store.execute("SMEMBERS", members_key(cluster_id)))

    def company(self, user_id: str, keys: Collection[str], most: int) -> list[str]:
        """The other accounts that share a budget with one, or something of the entities ``keys`` that people do not
        share by chance: at most ``most``, its cluster first.
        """
        cluster = self.of(user_id)
        names = dict.fromkeys(self.accounts(cluster) if cluster else ())
        for key in keys:
            if self._links.kind_of(key) in ("mailbox", "phone", "device", "payment"):
                names.update(dict.fromkeys(self._links.accounts(key)))
        names.pop(user_id, None)
        return list(names)[:most]

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
        fields, edges = self._edges(cluster_id, ())
        ends = {name[2:]: float(value) for name, value in fields.items() if name.startswith("e:")}
        found: dict[str, list[str]] = {}
        for name, held in edges.items():
            for edge in held:
                if ends.get(edge, 0.0) > now:
                    found.setdefault(edge, []).append(name)
        rows = [Thing(edge, ends[edge], names, f"c:{edge}" in fields) for edge, names in found.items()]
        return list(edges), sorted(rows, key=lambda thing: -len(thing.user_ids))


def standing_of(edge: str, *, claims: bool) -> Literal["proved", "claimed", "wave"]:
    """How the accounts that an edge binds stand to the thing: what is seen is as good as proved."""
    if edge.startswith("w:"):
        return "wave"
    return "proved" if not claims and (edge[0].isupper() or edge[0] in "dt") else "claimed"


def _group(
    cluster_id: str,
    names: Sequence[str],
    edges: Mapping[str, Sequence[str]],
    ends: Mapping[str, float],
    claims: Collection[str],
    place: Mapping[str, int],
) -> dict[str, Any]:
    entities = {edge: ends[edge] for name in names for edge in edges[name]}
    return {
        "id": cluster_id,
        "accounts": [place[name] for name in names],
        "entities": entities,
        "claims": [edge for edge in entities if edge in claims],
        "due": min(entities.values(), default=_NEVER),
    }
