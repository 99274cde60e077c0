"""The agenda of large clusters: whose mail met something, where all that their clusters met is still to be looked at.

A look at a large cluster takes seconds, so it is no part of what is done where feedback is read. One hash has what was
asked for: because of which account, on which day and when last, since triggers count days. Each leaves it when that was
looked at, unless it was asked for again since. Whoever looks at a cluster has a lease of it.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final

from riskapi.store.connections import Store
from riskapi.times import DAY
from signals.records import record

#: Key of what was asked for: when last, and a token, by ``<user_id> <days since 1970>``. No TTL: each leaves it when it
#: was looked at.
ASKED_KEY: Final = "risk:cl:{b}"
#: Seconds after which a cluster is looked at by another where nothing was heard of whoever looked at it.
LEASE: Final = 30
#: Seconds from the end of one look at a cluster to the next: however much feedback comes about a ring, there is time
#: for others.
REST: Final = 10


def lease_key(cluster_id: str) -> str:
    """Key of who looks at a cluster, or that somebody just did; expires after :data:`LEASE` or :data:`REST`,
    or, where a look failed, after an hour at most.
    """
    return f"risk:cll:{cluster_id}"


@record
class Ask:
    """A look at all that the cluster of an account met by Unix time ``at``. ``kept`` is what the hash has of it."""

    user_id: str
    at: float
    kept: str


class ClusterAgenda:
    """Reads and writes the agenda. Safe to share between threads. Every method raises
    :class:`riskapi.errors.StoreUnavailable`.
    """

    def __init__(self, store: Store) -> None:
        self._store, self._done = store, store.script("cluster_looked")

    def ask(self, user_ids: Sequence[str], now: float) -> None:
        """Ask for a look at all that the clusters of these accounts met by Unix time ``now``."""
        kept = f"{now!r} {secrets.token_hex(4)}"
        fields = [part for user_id in user_ids for part in (_field(user_id, now), kept)]
        self._store.execute("HSET", ASKED_KEY, *fields)

    def asked(self) -> list[Ask]:
        """What was asked for and not done yet, the first first."""
        rows: dict[bytes, bytes] = self._store.execute("HGETALL", ASKED_KEY)
        asks = [
            Ask(field.decode().partition(" ")[0], float(kept.partition(b" ")[0]), kept.decode())
            for field, kept in rows.items()
        ]
        return sorted(asks, key=lambda ask: ask.at)

    def lease(self, cluster_id: str) -> bool:
        """Take a lease of a cluster; False where somebody looks at it, or did just now."""
        return bool(self._store.execute("SET", lease_key(cluster_id), "", "NX", "EX", LEASE))

    def renew(self, cluster_id: str, seconds: int = LEASE) -> None:
        """Have a lease last for some seconds from now on. Should another have taken it meanwhile, both look, which
        changes nothing.
        """
        self._store.execute("SET", lease_key(cluster_id), "", "EX", seconds)

    def release(self, cluster_id: str) -> None:
        """Give back the lease of a cluster whose look is not done, so that another looks at once."""
        self._store.execute("DEL", lease_key(cluster_id))

    def done(self, cluster_id: str, asks: Sequence[Ask]) -> None:
        """A cluster was looked at because of these, unless they were asked for again since; it rests from now on."""
        pipe = self._store.pipeline()
        if asks:
            args = [part for ask in asks for part in (_field(ask.user_id, ask.at), ask.kept)]
            self._done.queue(pipe, [ASKED_KEY], args)
        pipe.execute_command("SET", lease_key(cluster_id), "", "EX", REST)
        self._store.run(pipe)

    def forget(self, user_id: str) -> None:
        """Ask for nothing more because of an account."""
        fields = [name for name in self._store.execute("HKEYS", ASKED_KEY) if name.startswith(f"{user_id} ".encode())]
        if fields:
            self._store.execute("HDEL", ASKED_KEY, *fields)


def _field(user_id: str, at: float) -> str:
    """What the hash calls an ask by; no user_id has a blank."""
    return f"{user_id} {int(at // DAY)}"
