"""Cuts: a person's word that accounts do not belong together. It holds for good, and can be taken back.

A cut is between an account and the things that bind it, or between a thing and everybody. It is kept in three places:
where edges are, so that the account, or anybody, is not bound by them again; with the things, so that counts and rules
leave the pair out; and in a record, so that it can be found and undone. Accounts that were bound are decided again.
"""

from __future__ import annotations

import secrets
from typing import Any, cast

import orjson
from typing_extensions import TypedDict

from riskapi.accounts.agenda import Agenda
from riskapi.budgets.keys import budget_key
from riskapi.clusters.claims import Claims
from riskapi.clusters.clusters import Clusters
from riskapi.clusters.joins import ban_key
from riskapi.contract import Instant
from riskapi.errors import Problem
from riskapi.links.bonds import entity_of
from riskapi.links.entities import Links
from riskapi.policy.active import ActiveBasis
from riskapi.store.connections import Store
from riskapi.times import rfc3339


def cut_key(cut_id: str) -> str:
    """Key of a cut. No TTL: a person's word holds."""
    return f"risk:ct:{{b}}:{cut_id}"


class Cut(TypedDict):
    """What was cut, and the cluster each of its accounts is in now. `cut_id` is what it can be undone by."""

    cluster_id: str
    cut_id: str
    accounts: dict[str, str | None]


class WrittenCut(TypedDict):
    """A cut: between an account and what bound it, or between a thing (an edge) and everybody (`user_id` is null)."""

    cut_id: str
    cluster_id: str
    user_id: str | None
    edges: list[str]
    at: Instant
    actor: str
    reason: str
    undone_at: Instant | None
    undone_by: str | None


class Cuts:
    """Makes cuts and takes them back."""

    def __init__(
        self, store: Store, links: Links, clusters: Clusters, claims: Claims, agenda: Agenda, active: ActiveBasis
    ) -> None:
        self._store, self._links, self._clusters, self._claims = store, links, clusters, claims
        self._agenda, self._active = agenda, active

    def cut(self, cluster_id: str, user_id: str | None, edge: str | None, reason: str, actor: str, now: float) -> Cut:
        """Say that an account, or a thing, binds nobody in a cluster; for good.

        Returns the cut's id and the cluster that each account is in afterwards. Raises ``not_found`` for what is not
        part of the cluster.
        """
        policy = self._active.policy
        names, things = self._clusters.things(cluster_id, now)
        edges = [thing.edge for thing in things if user_id in thing.user_ids] if edge is None else [edge]
        known = {thing.edge for thing in things}
        if not edges or not known.issuperset(edges):
            raise Problem("not_found", "The cluster has no such account or edge.")
        cut_id = f"cut_{secrets.token_hex(10)}"
        told: dict[str, Any] = {"cut_id": cut_id, "user_id": user_id, "edges": edges, "at": rfc3339(now)}
        told |= {"actor": actor, "reason": reason, "cluster_id": cluster_id, "undone_at": None, "undone_by": None}
        keys, wave = _things(edges), edge is not None and edge.startswith("w:")
        if wave:  # nobody is told of one but by its edges
            told["apart"] = names = next(thing.user_ids for thing in things if thing.edge == edge)
        self._store.execute("SET", cut_key(cut_id), orjson.dumps(told))
        if user_id is not None or wave:
            apart = names if user_id is None else [user_id]
            self._clusters.splits.loosen(apart, edges, policy, now, reason=reason, actor=actor, ban=True)
        else:
            for each in edges:
                self._store.execute("SET", ban_key(each), orjson.dumps(told))
            # Nobody is bound by it from now on; those who were until now are among these.
            apart = names = sorted({*names, *self._sharing(edges)})
            self._clusters.splits.loosen(names, edges, policy, now, reason=reason, actor=actor)
        if not wave:
            self._claims.drop(apart, keys, policy, now, reason, actor)
        self._links.cut(user_id, keys, True)
        self._decide(names, now)
        accounts = {name: self._clusters.of(name) or None for name in names}
        return {"cluster_id": cluster_id, "cut_id": cut_id, "accounts": accounts}

    def undo(self, cut_id: str, actor: str, now: float) -> WrittenCut:
        """Take a cut back: who shares the things may be bound by them again, from when they are next looked at.

        Raises ``not_found``. Safe to repeat.
        """
        told = self._load(cut_id)
        edges, user_id = told["edges"], told["user_id"]
        apart: list[str] = told.get("apart", [user_id] if user_id is not None else [])
        if told["undone_at"] is None:  # what was cut anew since stays cut
            for name in apart:
                self._store.execute("HDEL", budget_key(name), *[f"x:{each}" for each in edges])
            if not apart:
                self._store.execute("DEL", *[ban_key(each) for each in edges])
            self._links.cut(user_id, _things(edges), False)
            told |= {"undone_at": rfc3339(now), "undone_by": actor}
            self._store.execute("SET", cut_key(cut_id), orjson.dumps(told))
        self._decide(list(dict.fromkeys([*apart, *self._sharing(edges)])), now)
        return _told(told)

    def get(self, cut_id: str) -> WrittenCut:
        """A cut as it was written down. Raises ``not_found``."""
        return _told(self._load(cut_id))

    def _load(self, cut_id: str) -> dict[str, Any]:
        found = self._store.execute("GET", cut_key(cut_id))
        if found is None:
            raise Problem("not_found", "No cut has this id.")
        told: dict[str, Any] = orjson.loads(found)
        return told

    def _sharing(self, edges: list[str]) -> list[str]:
        """All accounts that share what these edges are, waves left out."""
        return [name for edge in edges for name in self._links.accounts(entity_of(edge))]

    def _decide(self, names: list[str], now: float) -> None:
        """Have these accounts decided again: what others did counts for them no more, or counts again."""
        self._agenda.add(names, now, "cut")


def _things(edges: list[str]) -> list[str]:
    """The keys of the things among edges: a wave is not a thing, and what somebody holds is left out."""
    return [entity_of(edge) for edge in edges if edge[0] not in "hw"]


def _told(cut: dict[str, Any]) -> WrittenCut:
    """A cut as an answer shows it: who was in a wave is told by the answer to the cut itself."""
    return cast("WrittenCut", {name: value for name, value in cut.items() if name != "apart"})
