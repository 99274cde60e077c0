"""Clusters: accounts that belong together, always explainable as the list of what binds them.

An account is in a cluster through edges: things (entities of :mod:`riskapi.links.entities`) it shares with others and
that bind (:mod:`riskapi.links.bonds`), and waves it came in. Edges are fields of the account's budget, and end when
their evidence has decayed; a cluster knows its accounts, its things, and the sum of what its accounts spent. Each
change (:mod:`riskapi.clusters.joins`, :mod:`riskapi.clusters.splits`) is read, planned and written in one step.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from riskapi.budgets.budgets import Budgets
from riskapi.budgets.caps import Usage
from riskapi.budgets.keys import budget_key, cluster_key, kept
from riskapi.clusters.aliases import Aliases
from riskapi.clusters.joins import Joined, Joins
from riskapi.clusters.memberships import Memberships
from riskapi.clusters.splits import Splits
from riskapi.errors import StoreUnavailable
from riskapi.links.bonds import Bond, bonds, edge_of
from riskapi.links.entities import Links
from riskapi.links.hubs import Hubs
from riskapi.links.linkage import binds
from riskapi.links.touches import KEEP
from riskapi.links.waves import Match
from riskapi.metrics import Metrics
from riskapi.policy import Policy
from riskapi.store.connections import Store
from riskapi.store.pipelines import Pipeline
from signals.facts import Entity

#: Times a label is noted anew because the account moved to another cluster; far more than any race measured.
_TRIES = 100


class Clusters(Memberships):
    """Joins accounts to clusters and takes clusters apart, and reads them as any :class:`Memberships`."""

    def __init__(
        self, store: Store, links: Links, budgets: Budgets, metrics: Metrics, *, store_clock: bool = False
    ) -> None:
        """With ``store_clock`` budgets go by the store's own time."""
        super().__init__(store, links)
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

    def note_label(self, user_id: str, policy: Policy, *, abusive: bool) -> None:
        """Let those who share a budget with an account be told whether it is labelled abusive. Safe to repeat."""
        for _ in range(_TRIES):
            cluster, budget = self.of(user_id), budget_key(user_id)
            keys = [budget, cluster_key(cluster) if cluster else budget]
            if self._label.call(keys, [cluster, int(abusive), kept(policy)])[0] == b"noted":
                return
        raise StoreUnavailable("a cluster changed too often to note a label")
