"""The agenda of large clusters: whose mail met something, where all that their clusters met is still to be looked at.

A look at a large cluster takes seconds, so it is no part of what is done where feedback is read; what comes meanwhile
is one look more. One hash has how often a look was asked for because of each account, and an account leaves it when
that was done as often as it had been asked for. Whoever looks at a cluster has a lease of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from riskapi.store.connections import Store

#: Key of how often a look was asked for, by account. No TTL: accounts leave it when their clusters were looked at.
ASKED_KEY: Final = "risk:cl:{b}"
#: Seconds after which a cluster is looked at by another where nothing was heard of whoever looked at it.
LEASE: Final = 30
#: Seconds from the end of one look at a cluster to the next: however much feedback comes about a ring, there is time
#: for others.
REST: Final = 10


def lease_key(cluster_id: str) -> str:
    """Key of who looks at a cluster, or that somebody just did; expires after :data:`LEASE` or :data:`REST`."""
    return f"risk:cll:{cluster_id}"


class ClusterAgenda:
    """Reads and writes the agenda. Safe to share between threads. Every method raises
    :class:`riskapi.errors.StoreUnavailable`.
    """

    def __init__(self, store: Store) -> None:
        self._store, self._done = store, store.script("cluster_looked")

    def ask(self, user_ids: Sequence[str]) -> None:
        """Ask for a look at all that the clusters of these accounts met, because of what the mail of these met."""
        pipe = self._store.pipeline()
        for user_id in user_ids:
            pipe.execute_command("HINCRBY", ASKED_KEY, user_id, 1)
        self._store.run(pipe)

    def asked(self) -> dict[str, int]:
        """How often looks were asked for that were not done yet, by account."""
        return {name.decode(): int(times) for name, times in self._store.execute("HGETALL", ASKED_KEY).items()}

    def lease(self, cluster_id: str) -> bool:
        """Take a lease of a cluster; False where somebody looks at it, or did just now."""
        return bool(self._store.execute("SET", lease_key(cluster_id), "", "NX", "EX", LEASE))

    def renew(self, cluster_id: str) -> None:
        """Have a lease last from now on. Should another have taken it meanwhile, both look, which changes nothing."""
        self._store.execute("SET", lease_key(cluster_id), "", "EX", LEASE)

    def release(self, cluster_id: str) -> None:
        """Give back the lease of a cluster whose look is not done, so that another looks at once."""
        self._store.execute("DEL", lease_key(cluster_id))

    def done(self, cluster_id: str, asked: Mapping[str, int]) -> None:
        """A cluster was looked at because of these accounts, as often as this was asked for when the look began; it
        rests from now on.
        """
        pipe = self._store.pipeline()
        self._done.queue(pipe, [ASKED_KEY], [" ".join(f"{user_id} {times}" for user_id, times in asked.items())])
        pipe.execute_command("SET", lease_key(cluster_id), "", "EX", REST)
        self._store.run(pipe)
