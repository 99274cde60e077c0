"""Joins: an account and all it is bound to become one cluster, and their spends are added up.

Who shares what, and what binds whom, is read, planned and written by one script, in one trip; what it makes of the
bonds is ``store/lua/parts/joins.lua``.
"""

from __future__ import annotations

import secrets
import struct
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Literal

from riskapi.budgets.budgets import Budgets
from riskapi.budgets.caps import Usage
from riskapi.budgets.keys import EVENTS, budget_key, cluster_key, kept, members_key
from riskapi.links.bonds import Bond
from riskapi.links.entities import Links
from riskapi.links.touches import KEEP
from riskapi.metrics import Metrics
from riskapi.policy import Policy
from riskapi.store.connections import Store
from riskapi.store.pipelines import Pipeline, as_it_is
from riskapi.store.redis_socket import Argument
from riskapi.store.streams import oldest
from riskapi.times import DAY, rfc3339
from signals.records import record

#: Accounts an event or answer names at most; all are counted.
NAMED = 100


@record
class Joined:
    """What an account's budget is once it is bound to others, and whether that changed anything: it ``joined`` a
    cluster, or is bound there by more than before, or clusters were ``merged`` by it.
    """

    usage: Usage
    change: Literal["", "joined", "merged"]


def ban_key(edge: str) -> str:
    """Key of a reviewer's word that this entity binds nobody; it has no TTL: a person's word holds."""
    return f"risk:cx:{{b}}:{edge}"


#: What every join is told where to find.
_KEYS = (budget_key(""), cluster_key(""), members_key(""), ban_key(""), EVENTS)


class Joins:
    """Joins accounts."""

    def __init__(
        self, store: Store, links: Links, budgets: Budgets, metrics: Metrics, *, store_clock: bool = False
    ) -> None:
        """With ``store_clock`` budgets go by the store's own time."""
        self._store, self._links, self._budgets, self._metrics = store, links, budgets, metrics
        self._store_clock = store_clock
        self._join = store.script("cluster_join")
        self._wave_key = cache(lambda: links.entity_key("wave", ""))

    def join(
        self,
        user_id: str,
        bonds: Sequence[Bond],
        policy: Policy,
        now: float,
        *,
        due: Collection[str] = (),
        pipe: Pipeline | None = None,
    ) -> Joined:
        """Join the account to all it is bound to, in one trip, together with what is in the pipeline.

        ``due`` are edges of things that a worker has to check for being hubs: if they are, it lets go again those who
        were bound meanwhile. On a cluster of nodes things lie elsewhere than budgets: who shares one that
        binds nobody yet takes a trip more. Raises :class:`StoreUnavailable`.
        """
        sharing: dict[str, list[str]] = {}
        if self._store.is_cluster:
            sharing = self._sharing(user_id, [bond for bond in bonds if not bond.bound], policy, now)
        while True:
            found = self._trip(user_id, bonds, sharing, policy, now, due, pipe)
            if isinstance(found, Joined):
                return found
            pipe = None
            # Each thing is asked for once.
            sharing |= self._sharing(user_id, [bond for bond in bonds if bond.edge in found], policy, now)

    def _trip(
        self,
        user_id: str,
        bonds: Sequence[Bond],
        sharing: Mapping[str, Sequence[str]],
        policy: Policy,
        now: float,
        due: Collection[str],
        pipe: Pipeline | None,
    ) -> Joined | set[str]:
        """Join; or the edges of things of which it has to be known first who shares them: see :meth:`_sharing`."""
        pipe = self._store.pipeline() if pipe is None else pipe
        own = not self._store.is_cluster
        marked = [] if own else [bond.key for bond in bonds if bond.key and not _is_list(bond)]
        if marked:  # before, so that no edge is without the mark by which it is let go
            self._links.queue_bind_mark(pipe, marked, True)
        things = list(dict.fromkeys([bond.key for bond in bonds if bond.key])) if own else []
        place = {key: number for number, key in enumerate(things, len(_KEYS) + 1)}
        numbers = [
            -1.0 if self._store_clock else now,
            kept(policy),
            policy.retention.entities_days * DAY,
            KEEP,
            NAMED,
        ]
        texts: list[str] = []
        for bond in bonds:
            numbers += (bond.until, place.get(bond.key or "", 0))
            texts += (_told(bond, bond.edge in sharing, due), " ".join(sharing.get(bond.edge, bond.others)))
        args: list[Argument] = [
            user_id,
            f"clu_{secrets.token_hex(12)}",
            rfc3339(now),
            oldest(policy.retention.decisions_days),
            struct.pack(f"<{len(numbers)}d", *numbers),
            self._wave_key(),
            *texts,
        ]
        told = self._join.ask(pipe, [*_KEYS, *things], args, read=as_it_is)
        if marked:  # after, in case it was let go meanwhile
            self._links.queue_bind_mark(pipe, marked, True)
        self._store.run(pipe)
        change, *found = told()
        if change == b"whole":
            return {edge.decode() for edge in found}
        joined = Joined(self._budgets.usage(found[0]), change.decode())
        if joined.change:
            self._metrics.cluster(joined.change)
        return joined

    def _sharing(self, user_id: str, bonds: Sequence[Bond], policy: Policy, now: float) -> dict[str, list[str]]:
        """Who shares the things of these bonds, by edge, in one trip; the account is put on the lists of claimants."""
        pipe, found = self._store.pipeline(), {}
        for bond in bonds:
            if bond.key is None:
                continue
            if _is_list(bond):
                self._links.queue_renew(pipe, user_id, [bond.key], now, policy)
            found[bond.edge] = self._links.queue_accounts(pipe, bond.key)
        if found:
            self._store.run(pipe)
        return {edge: names() for edge, names in found.items()}


def _told(bond: Bond, whole: bool, due: Collection[str]) -> str:
    """A bond as the script takes it, without its end and the others: letters of what it is, its edge, those apart."""
    if bond.wave:
        return "w"
    letters = "".join(
        [
            "b" if bond.bound else "",
            "c" if bond.claims else "",
            "l" if _is_list(bond) else "",
            "a" if whole else "",
            "d" if bond.edge in due else "",
        ]
    )
    return " ".join((letters or "-", bond.edge, *bond.apart))


def _is_list(bond: Bond) -> bool:
    """Whether a bond's key is the list of who claims what a holder has: nobody is named of those."""
    return bond.claims and not bond.others
