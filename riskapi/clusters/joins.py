"""Joins: an account and all it is bound to become one cluster, and their spends are added up.

What a join concerns is read, planned here, and committed by a script that checks nothing changed in between; else it is
read and planned again.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import orjson

from riskapi.budgets.caps import Usage
from riskapi.budgets.keys import EVENTS, budget_key, cluster_key, kept, members_key
from riskapi.budgets.spends import Budgets
from riskapi.errors import StoreUnavailable
from riskapi.links.bonds import Bond, edge_of
from riskapi.links.entities import Links
from riskapi.metrics import Metrics
from riskapi.policy import Policy
from riskapi.store.connections import Store
from riskapi.store.streams import oldest
from riskapi.times import rfc3339
from signals.records import record

_DAY = 86400.0
#: Times a change is planned anew because others changed the same cluster; far more than any race measured.
TRIES = 100
#: Accounts an event or answer names at most; all are counted.
NAMED = 100


@record
class State:
    """What an account's budget says of its bonds: its cluster or ``""``, when each of its edges was to end, the edges
    it is not bound by (cut, or proved to be its own), and whether a proof, or a cut from one, keeps it out of waves.
    """

    cluster: str
    edges: Mapping[str, float]
    out: frozenset[str]
    aside: bool


@record
class _Plan:
    """A join: accounts with the cluster each is in, clusters with their versions, and edges with their ends.

    The first cluster stays. ``members`` are the accounts of the clusters that go. ``held`` are edges it relies on: who
    is already bound by the same thing. ``claims`` are edges of what somebody else holds.
    """

    accounts: dict[str, str]
    clusters: list[tuple[str, str]]
    members: list[tuple[str, str]]
    edges: list[tuple[str, str, float]]
    held: list[tuple[str, str]]
    claims: list[str]


def ban_key(edge: str) -> str:
    """Key of a reviewer's word that this entity binds nobody; it has no TTL: a person's word holds."""
    return f"risk:cx:{{b}}:{edge}"


def new_id() -> str:
    """The id of a new cluster."""
    return f"clu_{secrets.token_hex(12)}"


class Joins:
    """Plans and commits joins."""

    def __init__(
        self, store: Store, links: Links, budgets: Budgets, metrics: Metrics, *, store_clock: bool = False
    ) -> None:
        """With ``store_clock`` budgets go by the store's own time."""
        self._store, self._links, self._budgets, self._metrics = store, links, budgets, metrics
        self._store_clock = store_clock
        self._join = store.script("cluster_join")

    def join(self, user_id: str, bonds: Sequence[Bond], policy: Policy, now: float) -> Usage | None:
        """Join the account to all it is bound to; what its budget is then, None when it was joined already.

        Raises :class:`StoreUnavailable`.
        """
        full: set[str] = set()
        for _ in range(TRIES):
            plan = self._planned(user_id, bonds, policy, now, full)
            if plan is None:
                return None
            usage = self._committed(user_id, plan, bonds, policy, now)
            if usage is not None:
                return usage
        raise StoreUnavailable("a cluster changed too often to join it")

    def _planned(self, user_id: str, bonds: Sequence[Bond], policy: Policy, now: float, full: set[str]) -> _Plan | None:
        """What to join, or None when all of it is joined already. ``full`` collects things to be read in full."""
        found = self._read(user_id, bonds, policy, now, full)
        while found is None:
            found = self._read(user_id, bonds, policy, now, full)
        bonds, states = found
        mine = states[user_id]
        accounts: dict[str, str] = {user_id: mine.cluster}
        edges: list[tuple[str, str, float]] = []
        held: list[tuple[str, str]] = []
        claims: list[str] = []
        for bond in bonds:
            bound = [name for name in bond.others if bond.edge in states[name].edges]
            others = bound[:1] if bond.bound and bound else bond.others
            if not others:
                continue
            loose = [name for name in others if bond.edge not in states[name].edges]
            apart = states[others[0]].cluster != mine.cluster or not mine.cluster
            ends = mine.edges.get(bond.edge)
            if loose or apart or ends is None or ends < bond.until - _DAY:
                accounts |= {name: states[name].cluster for name in others}
                edges += [(name, bond.edge, bond.until) for name in (user_id, *loose)]
                held += [(name, bond.edge) for name in others if name not in loose]
                claims += [bond.edge] if bond.claims else []
        if not edges:
            return None
        clusters, members = self._clusters(accounts)
        return _Plan(accounts, clusters, members, edges, held, claims)

    def _read(
        self, user_id: str, bonds: Sequence[Bond], policy: Policy, now: float, full: set[str]
    ) -> tuple[list[Bond], dict[str, State]] | None:
        """The bonds that hold, each with everybody it concerns, and the states of all these accounts.

        None where a thing turned out to have to be read in full, which ``full`` says then.
        """
        listed = [bond for bond in bonds if bond.key and (not bond.bound or bond.edge in full)]
        names = list(dict.fromkeys([user_id, *(name for bond in bonds for name in bond.others)]))
        pipe = self._store.pipeline()
        for bond in bonds:
            pipe.execute_command("EXISTS", ban_key(bond.edge))
        for bond in listed:
            if bond.claims and not bond.others:  # who else claims what this holder has, told by the holder's own list
                pipe.execute_command("ZADD", str(bond.key), "NX", repr(now), user_id)
                pipe.execute_command("EXPIRE", str(bond.key), policy.retention.entities_days * int(_DAY))
            self._links.queue_accounts(pipe, str(bond.key))
        self._queue_states(pipe, names)
        replies = iter(self._store.run(pipe))
        banned = [bool(next(replies)) for _ in bonds]
        sharing: dict[str, list[str]] = {}
        for bond in listed:
            if bond.claims and not bond.others:
                next(replies)
                next(replies)
            sharing[bond.edge] = self._links.names(next(replies))
        states = {name: _state(next(replies)) for name in names}
        more = [name for found in sharing.values() for name in found if name not in states]
        states |= self.states(list(dict.fromkeys(more)))
        mine, kept = states[user_id], []
        for bond, ban in zip(bonds, banned, strict=True):
            if bond.wave:
                kept += _waves(user_id, bond, states, self._links)
                continue
            if ban and bond.key:  # the thing was forgotten since, and comes back without the mark
                self._links.cut(None, [bond.key], True)
            if ban or bond.edge in mine.out:
                continue
            others = [
                name
                for name in sharing.get(bond.edge, bond.others)
                if name != user_id and name not in bond.apart and bond.edge not in states[name].out
            ]
            if bond.bound and bond.edge not in full and not any(bond.edge in states[name].edges for name in others):
                full.add(bond.edge)  # those named are about to join themselves: whoever was there before them is it
                return None
            kept.append(_with(bond, others))
        return kept, states

    def states(self, names: Collection[str]) -> dict[str, State]:
        """What binds each of these accounts."""
        pipe = self._store.pipeline()
        self._queue_states(pipe, names)
        return {name: _state(reply) for name, reply in zip(names, self._store.run(pipe), strict=True)}

    @staticmethod
    def _queue_states(pipe: Any, names: Collection[str]) -> None:
        for name in names:
            pipe.execute_command("HGETALL", budget_key(name))

    def _clusters(self, accounts: Mapping[str, str]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        """The clusters concerned with their versions, the largest first, and all accounts of the others."""
        ids = list(dict.fromkeys(cluster for cluster in accounts.values() if cluster))
        pipe = self._store.pipeline()
        for each in ids:
            pipe.execute_command("SMEMBERS", members_key(each))
            pipe.execute_command("HGET", cluster_key(each), "version")
        replies = self._store.run(pipe)
        members = {each: [name.decode() for name in replies[2 * at]] for at, each in enumerate(ids)}
        versions = {each: (replies[2 * at + 1] or b"0").decode() for at, each in enumerate(ids)}
        ids.sort(key=lambda each: -len(members[each]))
        gone = [(name, each) for each in ids[1:] for name in members[each] if name not in accounts]
        return [(each, versions[each]) for each in ids] or [(new_id(), "0")], gone

    def _committed(self, user_id: str, plan: _Plan, bonds: Sequence[Bond], policy: Policy, now: float) -> Usage | None:
        """Commit a join; None when something changed since it was planned. Else the account's usage after it."""
        into, absorbed = plan.clusters[0][0], [each for each, _ in plan.clusters[1:]]
        names = [*plan.accounts, *(name for name, _ in plan.members)]
        place = {name: at for at, name in enumerate(names, 1)}
        event = {
            "cluster_id": into,
            "at": rfc3339(now),
            "change": "merged" if absorbed else "joined",
            "merged": absorbed,
            "user_ids": [name for name, cluster in plan.accounts.items() if cluster != into][:NAMED],
        }
        keys = [budget_key(name) for name in names]
        for each, _ in plan.clusters:
            keys += (cluster_key(each), members_key(each))
        keys += dict.fromkeys(ban_key(entity) for _, entity, _ in plan.edges)
        arguments = {
            "now": "" if self._store_clock else now,
            "ttl": kept(policy),
            "oldest": oldest(policy.retention.decisions_days),
            "accounts": list(plan.accounts.items()),
            "members": plan.members,
            "clusters": plan.clusters,
            "edges": [(place[name], entity, until) for name, entity, until in plan.edges],
            "held": [(place[name], entity) for name, entity in plan.held],
            "claims": list(dict.fromkeys(plan.claims)),
            "event": orjson.dumps(event).decode(),
        }
        marked = [bond.key for bond in bonds if bond.key]
        pipe = self._store.pipeline()
        # Before, so that no edge is without the mark by which it is let go; after, in case it was let go meanwhile.
        self._links.queue_bind_mark(pipe, [key for key in marked if key], True)
        self._join.queue(pipe, [*keys, EVENTS], [orjson.dumps(arguments)])
        self._links.queue_bind_mark(pipe, [key for key in marked if key], True)
        self._budgets.queue_read(pipe, user_id, now, into)
        replies = self._store.run(pipe)
        joined, read = next(reply for reply in replies if isinstance(reply, list)), replies[-1]
        if joined[0] == b"again":
            return None
        self._metrics.cluster("merged" if absorbed else "joined")
        usage = self._budgets.usage(read)
        return usage if usage.cluster == into else self._budgets.read(user_id, now)


def _state(reply: Any) -> State:
    """What binds an account, from all the fields of its budget."""
    fields = {name.decode(): value for name, value in reply.items()}
    out = frozenset(name[2:] for name in fields if name.startswith(("x:", "p:")))
    return State(
        fields.get("cluster", b"").decode(),
        {name[2:]: float(value) for name, value in fields.items() if name.startswith("b:")},
        out,
        "proof" in fields or any(edge.startswith("w:") for edge in out),
    )


def _with(bond: Bond, others: Sequence[str]) -> Bond:
    return Bond(bond.edge, bond.key, tuple(others), bond.until, bond.apart, bond.claims, bond.bound, bond.wave)


def _waves(user_id: str, bond: Bond, states: Mapping[str, State], links: Links) -> list[Bond]:
    """The waves that an account joins with those it came with: theirs, or one named after the first of them.

    An account that gave proof is in no wave, nor is one that was cut out of it.
    """
    if states[user_id].aside:
        return []
    groups: dict[str, list[str]] = {}
    for name in bond.others:
        state = states[name]
        if name != user_id and not state.aside:
            # Of several waves the same one, in whatever order the store tells them.
            groups.setdefault(min((edge for edge in state.edges if edge.startswith("w:")), default=""), []).append(name)
    loose = groups.pop("", [])
    if loose:
        edge = next(iter(groups), None) or edge_of(links.entity_key("wave", loose[-1]))
        groups.setdefault(edge, []).extend(loose)
    return [Bond(edge, None, tuple(names), bond.until, wave=True) for edge, names in groups.items()]
