"""Joins: an account and all it is bound to become one cluster, and their spends are added up.

What a join concerns is read, planned here, and committed by a script that checks nothing changed in between; else it is
read and planned again.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Sequence

import orjson

from riskapi.budgets import EVENTS, budget_key, cluster_key, kept, members_key
from riskapi.errors import StoreUnavailable
from riskapi.instants import rfc3339
from riskapi.links import Links
from riskapi.metrics import Metrics
from riskapi.outbox import oldest
from riskapi.policy import Policy
from riskapi.store.connections import Store
from signals.facts import Entity
from signals.records import record

_DAY = 86400.0
#: Times a change is planned anew because others changed the same cluster; far more than any race measured.
TRIES = 100
#: Accounts an event or answer names at most; all are counted.
NAMED = 100


@record
class _Plan:
    """A join: accounts with the cluster each is in, clusters (the one that stays first) with their versions, edges.

    ``held`` are edges it relies on: who is already bound by the same thing.
    """

    accounts: dict[str, str]
    clusters: list[tuple[str, str]]
    edges: list[tuple[str, str, float]]
    held: list[tuple[str, str]]


def edge_of(key: str) -> str:
    """How an entity is called among the edges: its key without the prefix."""
    return key.removeprefix("risk:e:")


def binds(entity: Entity, policy: Policy) -> bool:
    """Whether sharing this thing makes accounts belong together."""
    return not entity.hub and entity.weight >= policy.links.bind_weight and entity.accounts > 1


def ends_at(entity: Entity, policy: Policy, now: float) -> float:
    """When the evidence, used just now, will have decayed below ``links.bind_weight``, as a Unix time."""
    half_life = policy.links.half_life_days * _DAY
    fresh = entity.weight * 2.0 ** (max(now - (entity.last_seen or now), 0.0) / half_life)
    return now + half_life * math.log2(fresh / policy.links.bind_weight)


def ban_key(edge: str) -> str:
    """Key of a reviewer's word that this entity binds nobody; it has no TTL: a person's word holds."""
    return f"risk:cx:{{b}}:{edge}"


def new_id() -> str:
    """The id of a new cluster."""
    return f"clu_{secrets.token_hex(12)}"


class Joins:
    """Plans and commits joins."""

    def __init__(self, store: Store, links: Links, metrics: Metrics, *, store_clock: bool = False) -> None:
        """With ``store_clock`` budgets go by the store's own time."""
        self._store, self._links, self._metrics, self._store_clock = store, links, metrics, store_clock
        self._join = store.script("cluster_join")

    def join(self, user_id: str, binding: Sequence[Entity], policy: Policy, now: float) -> bool:
        """Join the account to all who share these entities; False when it was joined already.

        Raises :class:`StoreUnavailable`.
        """
        full: set[str] = set()
        for _ in range(TRIES):
            plan = self._planned(user_id, binding, policy, now, full)
            if plan is None:
                return False
            # Before, so that no edge is without the mark by which it is let go; after, in case it was let go meanwhile.
            self._links.bind_mark([entity.key for entity in binding if not entity.bound], True)
            if self._committed(plan, policy, now):
                self._links.bind_mark([entity.key for entity in binding], True)
                return True
        raise StoreUnavailable("a cluster changed too often to join it")

    def _planned(
        self, user_id: str, binding: Sequence[Entity], policy: Policy, now: float, full: set[str]
    ) -> _Plan | None:
        """What to join, or None when all of it is joined already. ``full`` collects entities to be read in full."""
        pipe = self._store.pipeline()
        for entity in binding:
            pipe.execute_command("EXISTS", ban_key(edge_of(entity.key)))
        read = [entity.key for entity in binding if not entity.bound or entity.key in full]
        for key in read:
            self._links.queue_accounts(pipe, key)
        replies = self._store.run(pipe)
        banned = {entity.key for entity, found in zip(binding, replies, strict=False) if found}
        listed = {key: self._links.names(reply) for key, reply in zip(read, replies[len(binding) :], strict=True)}
        sharing = {
            entity.key: [name for name in listed.get(entity.key, list(entity.others)) if name != user_id]
            for entity in binding
            if entity.key not in banned
        }
        names = list(dict.fromkeys([user_id, *(name for found in sharing.values() for name in found)]))
        states = self.states(names, list(sharing))
        accounts: dict[str, str] = {user_id: states[user_id][0]}
        edges: list[tuple[str, str, float]] = []
        held: list[tuple[str, str]] = []
        for entity in binding:
            others = sharing.get(entity.key)
            mine = states[user_id][1].get(entity.key)
            if others is None or mine == "banned":
                continue
            others = [name for name in others if states[name][1].get(entity.key) != "banned"]
            until = ends_at(entity, policy, now)
            bound = [name for name in others if states[name][1].get(entity.key)]
            if entity.bound and entity.key not in full and not bound:
                full.add(entity.key)  # those named are about to join themselves: whoever was there before them is it
                return self._planned(user_id, binding, policy, now, full)
            if entity.bound and bound:
                others = bound[:1]
            if not others:
                continue
            loose = [name for name in others if not states[name][1].get(entity.key)]
            apart = states[others[0]][0] != states[user_id][0] or not states[user_id][0]
            if loose or apart or mine is None or float(mine) < until - _DAY:
                accounts |= {name: states[name][0] for name in others}
                edges += [(name, edge_of(entity.key), until) for name in (user_id, *loose)]
                held += [(name, edge_of(entity.key)) for name in others if name not in loose]
        if not edges:
            return None
        return self._with_clusters(accounts, edges, held)

    def states(self, names: Sequence[str], keys: Sequence[str]) -> dict[str, tuple[str, dict[str, str | None]]]:
        """For each account its cluster (or ``""``), and for each entity when its edge ends, ``banned``, or None."""
        fields = [f"{mark}:{edge_of(key)}" for key in keys for mark in "bx"]
        pipe = self._store.pipeline()
        for name in names:
            pipe.execute_command("HMGET", budget_key(name), "cluster", *fields)
        found = {}
        for name, (cluster, *values) in zip(names, self._store.run(pipe), strict=True):
            edges = {
                key: "banned" if values[2 * at + 1] else values[2 * at].decode() if values[2 * at] else None
                for at, key in enumerate(keys)
            }
            found[name] = (cluster.decode() if cluster else "", edges)
        return found

    def _with_clusters(
        self, accounts: dict[str, str], edges: list[tuple[str, str, float]], held: list[tuple[str, str]]
    ) -> _Plan:
        """The plan with the clusters concerned: the largest stays, and all accounts of the others come along."""
        ids = list(dict.fromkeys(cluster for cluster in accounts.values() if cluster))
        pipe = self._store.pipeline()
        for each in ids:
            pipe.execute_command("SCARD", members_key(each))
            pipe.execute_command("HGET", cluster_key(each), "version")
        replies = self._store.run(pipe)
        sizes = {each: replies[2 * at] for at, each in enumerate(ids)}
        versions = {each: (replies[2 * at + 1] or b"0").decode() for at, each in enumerate(ids)}
        ids.sort(key=lambda each: -sizes[each])
        pipe = self._store.pipeline()
        for each in ids[1:]:
            pipe.execute_command("SMEMBERS", members_key(each))
        listed = {
            name.decode(): each
            for each, members in zip(ids[1:], self._store.run(pipe), strict=True)
            for name in members
        }
        # Of those listed some may be forgotten: a budget that nobody uses expires by itself.
        states = self.states([*listed], ())
        accounts |= {name: each for name, each in listed.items() if states[name][0] == each}
        clusters = [(each, versions[each]) for each in ids]
        return _Plan(accounts, clusters or [(new_id(), "0")], edges, held)

    def _committed(self, plan: _Plan, policy: Policy, now: float) -> bool:
        """Commit a join; False when something changed since it was planned."""
        into, absorbed = plan.clusters[0][0], [each for each, _ in plan.clusters[1:]]
        place = {name: at for at, name in enumerate(plan.accounts, 1)}
        event = {
            "cluster_id": into,
            "at": rfc3339(now),
            "change": "merged" if absorbed else "joined",
            "merged": absorbed,
            "user_ids": [name for name, cluster in plan.accounts.items() if cluster != into][:NAMED],
        }
        keys = [budget_key(name) for name in plan.accounts]
        for each, _ in plan.clusters:
            keys += (cluster_key(each), members_key(each))
        keys += dict.fromkeys(ban_key(entity) for _, entity, _ in plan.edges)
        arguments = {
            "now": "" if self._store_clock else now,
            "ttl": kept(policy),
            "oldest": oldest(policy.retention.decisions_days),
            "accounts": list(plan.accounts.items()),
            "clusters": plan.clusters,
            "edges": [(place[name], entity, until) for name, entity, until in plan.edges],
            "held": [(place[name], entity) for name, entity in plan.held],
            "event": orjson.dumps(event).decode(),
        }
        if self._join.call([*keys, EVENTS], [orjson.dumps(arguments)])[0] == b"again":
            return False
        self._metrics.cluster("merged" if absorbed else "joined")
        return True
