"""What accounts are called where others are written down with what they had to do with them."""

from __future__ import annotations

from collections.abc import Mapping

from riskapi.budgets.keys import members_key
from riskapi.links.entities import Links
from riskapi.store.connections import Store

#: Clusters of so many accounts are kept: theirs are asked for again and again while what happened to it is dealt with.
_LARGE = 100
#: Accounts that are kept at most, those of all clusters together: some 20 MB.
_MOST = 100_000
#: Of a cluster's accounts, one in this many may have changed before they are read anew.
_OF = 50


class Aliases:
    """Tells aliases and whose they are. Safe to share between threads."""

    def __init__(self, store: Store, links: Links) -> None:
        self._store, self._links = store, links
        self._kept: dict[str, Mapping[str, str]] = {}

    def of(self, user_id: str) -> str:
        """The alias of an account: a keyed HMAC, so that records of others hold nothing of it once it is erased."""
        return self._links.mac("holder", user_id)

    def accounts(self, cluster_id: str) -> Mapping[str, str]:
        """The accounts of a cluster by alias. In a large cluster, accounts that came or went just now may be missing,
        or still be named: reading and naming all of 5,000 takes 20 ms, and a hundred of its accounts may be looked at
        in a row. Raises :class:`riskapi.errors.StoreUnavailable`.
        """
        key, kept = members_key(cluster_id), self._kept.get(cluster_id, {})
        size = self._store.execute("SCARD", key)
        if not kept or abs(size - len(kept)) > len(kept) // _OF:
            names = [name.decode() for name in self._store.execute("SMEMBERS", key)]
            kept = {self.of(name): name for name in names}
            if size >= _LARGE:
                self._keep(cluster_id, kept)
        return kept

    def _keep(self, cluster_id: str, accounts: Mapping[str, str]) -> None:
        if sum(map(len, list(self._kept.values()))) + len(accounts) > _MOST:
            self._kept.clear()
        self._kept[cluster_id] = accounts
