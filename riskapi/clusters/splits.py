"""Splits: edges are taken away, and clusters are divided into the groups that are still bound.

One script reads the clusters concerned, plans and writes; what it makes of the edges that are left is
``store/lua/parts/splits.lua``.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from typing import Any

import orjson

from riskapi.budgets.keys import EVENTS, budget_key, cluster_key, kept, members_key
from riskapi.clusters.joins import NAMED
from riskapi.links.bonds import edge_of, proved_edge
from riskapi.links.entities import Links
from riskapi.links.touches import KEEP
from riskapi.metrics import Metrics
from riskapi.policy import Policy
from riskapi.store.connections import Store
from riskapi.store.pipelines import Pipeline, ReplyReader
from riskapi.store.streams import oldest
from riskapi.times import rfc3339


class Splits:
    """Takes edges away. Each method is safe to repeat, and raises :class:`StoreUnavailable`."""

    def __init__(self, store: Store, links: Links, metrics: Metrics, *, store_clock: bool = False) -> None:
        """With ``store_clock`` budgets go by the store's own time."""
        self._store, self._links, self._metrics = store, links, metrics
        self._store_clock = store_clock
        self._loosen = store.script("cluster_loosen")

    def loosen(
        self,
        names: Collection[str],
        edges: Collection[str],
        policy: Policy,
        now: float,
        *,
        reason: str,
        actor: str | None = None,
        ban: bool = False,
    ) -> None:
        """Take these edges of these accounts away, whichever clusters they are in; with ``ban`` they never come back.
        What ended in these clusters goes, too.
        """
        if names and edges:
            self._run(policy, now, names=list(names), edges=list(edges), reason=reason, actor=actor, ban=ban)

    def queue_loosen(
        self, pipe: Pipeline, names: Collection[str], edges: Collection[str], policy: Policy, now: float, *, reason: str
    ) -> ReplyReader[int]:
        """As :meth:`loosen`, in a pipeline: tells how many clusters lost edges."""
        return self._queue(pipe, policy, now, None, names=list(names), edges=list(edges), reason=reason)

    def queue_let_go(self, pipe: Pipeline, key: str, policy: Policy, now: float) -> ReplyReader[int]:
        """Let a thing bind nobody, in a pipeline: take its edges out of every cluster. Tells how many lost any.

        On a cluster of nodes the thing lies elsewhere: reading who shares it takes a trip more.
        """
        thing: str | None = key
        names: list[str] = []
        if self._store.is_cluster:
            before = self._store.pipeline()
            # Before the look: whoever is bound after it marks the thing again.
            self._links.queue_bind_mark(before, [key], False)
            sharing = self._links.queue_accounts(before, key)
            self._store.run(before)
            thing, names = None, sharing()
        return self._queue(pipe, policy, now, thing, names=names, edges=[edge_of(key)], all=True, reason="hub")

    def count(self, lost: int) -> None:
        """Count clusters that lost edges."""
        for _ in range(lost):
            self._metrics.cluster("split")

    def renew(self, user_id: str, policy: Policy, now: float) -> None:
        """Take away what ended in the cluster of an account, where anything did; of a cluster that is gone, let the
        account go.
        """
        self._run(policy, now, names=[user_id], ended=True, reason="decayed")

    def looked(self, key: str, policy: Policy, now: float, *, hub: bool) -> None:
        """Let go of those whom a thing binds only until somebody looked at it, if that found a ``hub``; else keep
        them.
        """
        edge = edge_of(key)
        names = self._links.accounts(key)
        self._run(policy, now, names=names, edges=[edge, proved_edge(edge)], looked=True, hub=hub, reason="hub")

    def _run(self, policy: Policy, now: float, **asked: Any) -> None:
        pipe = self._store.pipeline()
        lost = self._queue(pipe, policy, now, None, **asked)
        self._store.run(pipe)
        self.count(lost())

    def _queue(self, pipe: Pipeline, policy: Policy, now: float, thing: str | None, **asked: Any) -> ReplyReader[int]:
        given = {
            "now": "" if self._store_clock else now,
            "at": rfc3339(now),
            "ttl": kept(policy),
            "oldest": oldest(policy.retention.decisions_days),
            "names": [],
            "edges": [],
            "id": f"clu_{secrets.token_hex(10)}",
            "keep": KEEP,
            "named": NAMED,
            **{name: value for name, value in asked.items() if value},
        }
        keys = [budget_key(""), cluster_key(""), members_key(""), EVENTS]
        return self._loosen.ask(pipe, [*keys, thing] if thing else keys, [orjson.dumps(given)], read=int)
