"""Claims: accounts that use what somebody else holds are bound to each other, and never to the holder."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from riskapi.clusters.clusters import Clusters
from riskapi.links.bonds import edge_of, entity_of
from riskapi.links.entities import Links
from riskapi.policy import Policy
from riskapi.store.connections import Store
from signals.facts import Entity


class Claims:
    """Keeps those who claim things apart from those who hold them. Each method is safe to repeat."""

    def __init__(self, store: Store, links: Links, clusters: Clusters) -> None:
        self._store, self._links, self._clusters = store, links, clusters

    def drop(
        self,
        names: Collection[str],
        keys: Sequence[str],
        policy: Policy,
        now: float,
        reason: str,
        actor: str | None = None,
    ) -> None:
        """Note that these accounts claim these things no longer: a person cut them, or they turned out to be their own.

        They are bound through no holder then, until they are looked at again: by what else they claim they are bound
        anew. Raises :class:`StoreUnavailable`.
        """
        pipe = self._store.pipeline()
        for key in keys:
            self._links.queue_holders(pipe, key)
        holders = {name for reply in self._store.run(pipe) for name in self._links.holders(reply, now)}
        edges = {edge_of(self._links.entity_key("holder", name)) for name in holders}
        bound = [edge for state in self._clusters.states(names).values() for edge in state.edges]
        edges |= {edge for edge in bound if edge.startswith("h:")}
        if not edges:
            return
        pipe = self._store.pipeline()
        self._links.queue_leave(pipe, names, [entity_of(edge) for edge in edges])
        self._store.run(pipe)
        self._clusters.splits.loosen(names, edges, policy, now, reason=reason, actor=actor)

    def release(self, user_id: str, entities: Collection[Entity], policy: Policy, now: float) -> None:
        """Let go of an account that holds things by which it was bound while it did not: before it proved them, or
        while it was wrongly labelled. Customers who have used a thing for long stay bound by it to each other, and not
        to those who claim it.
        """
        held = [each for each in entities if each.bound and each.standing in ("proved", "held")]
        keys = [each.key for each in held if each.standing == "proved" or each.sole or self._is_claimed(user_id, each)]
        if keys:
            edges = [edge_of(key) for key in keys]
            self._clusters.splits.loosen([user_id], edges, policy, now, reason="held")
            for key in keys:
                self._clusters.note_claimed(key)

    def _is_claimed(self, user_id: str, held: Entity) -> bool:
        """Whether somebody who does not hold a thing is bound by it to an account that does."""
        edge, others = edge_of(held.key), [name for name in held.recent.names if name not in held.holders]
        mine, *states = self._clusters.states([user_id, *others]).values()
        return edge in mine.edges and any(edge in each.edges and each.cluster == mine.cluster for each in states)
