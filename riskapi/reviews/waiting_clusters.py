"""In which clusters the accounts of waiting reviews are: kept in the process, read again where the stream tells."""

from __future__ import annotations

from collections.abc import Mapping, Set

from riskapi.budgets.keys import budget_key, members_key
from riskapi.clusters.joins import NAMED
from riskapi.reviews.stream_news import StreamNews
from riskapi.store.connections import Store
from riskapi.store.pipelines import as_it_is

#: Accounts asked of in one trip, so that none holds the store up.
_ASKED = 250


class WaitingClusters:
    """Reads them, for one thread at a time. Raises :class:`StoreUnavailable` while the store is away."""

    def __init__(self, store: Store) -> None:
        self._store, self._sizes = store, store.script("cluster_sizes")
        self._known: dict[str, tuple[str, int]] = {}

    def of(self, user_ids: Set[str], news: StreamNews | None) -> Mapping[str, tuple[str, int]]:
        """Cluster, ``""`` for none, and its number of accounts, of these accounts by name.

        ``news`` is what the stream of clusters says since the last call; None where nothing read before counts.
        """
        stale = self._stale(news) if news is not None and news.whole else None
        kept = {} if stale is None else {name: row for name, row in self._known.items() if name not in stale}
        if not user_ids >= kept.keys():
            kept = {name: kept[name] for name in user_ids if name in kept}
        missing = [name for name in user_ids if name not in kept]
        for at in range(0, len(missing), _ASKED):
            self._read(missing[at : at + _ASKED], kept)
        self._known = kept
        return kept

    def _stale(self, news: StreamNews) -> set[str] | None:
        """The accounts whose cluster, or its size, may be another by now; None where that can be any."""
        clusters, found = set[str](), set[str]()
        for kind, said in news.told:
            if kind != "cluster":
                continue
            names = said.get("user_ids", ())
            if len(names) >= NAMED:  # more may have come than are named
                return None
            found.update(names)
            found.add(str(said.get("user_id", "")))
            clusters.update((said["cluster_id"], *said.get("merged", ()), *said.get("into", ())))
        if clusters:
            found.update(name for name, (cluster, _) in self._known.items() if cluster in clusters)
        return found

    def _read(self, names: list[str], into: dict[str, tuple[str, int]]) -> None:
        pipe = self._store.pipeline()
        asked = self._sizes.ask(pipe, [budget_key(""), members_key("")], names, read=as_it_is)
        self._store.run(pipe)
        told = asked()
        for name, cluster, size in zip(names, told[::2], told[1::2], strict=True):
            into[name] = (cluster.decode(), max(int(size), 1)) if cluster else ("", 1)
