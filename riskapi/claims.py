"""Claims: accounts that claim what somebody else holds are bound through the holder, as long as they claim it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from riskapi.bonds import edge_of, entity_of
from riskapi.clusters import Clusters
from riskapi.links import Links
from riskapi.policy import Policy
from riskapi.store.connections import Store


class Claims:
    """Takes claims back. Safe to repeat."""

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
        edges |= {edge for edge in self._clusters.edges(*names) if edge.startswith("h:")}
        if not edges:
            return
        pipe = self._store.pipeline()
        for edge in edges:
            pipe.execute_command("ZREM", entity_of(edge), *names)
        self._store.run(pipe)
        self._clusters.loosen(names, edges, policy, now, reason=reason, actor=actor)
