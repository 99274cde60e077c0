"""Proofs: that a mailbox or number is an account's own, that it has a card or a domain. What is proved is held.

A proof lets go of those who only claim the thing, and takes the account out of waves (a number, a card, a domain: a
mailbox costs nothing).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from riskapi.budgets.keys import budget_key, kept
from riskapi.clusters.claims import Claims
from riskapi.clusters.clusters import Clusters
from riskapi.links.bonds import edge_of
from riskapi.links.entities import Links
from riskapi.links.kinds import Touch
from riskapi.policy import Policy
from riskapi.store.connections import Store
from signals.facts import Entity


class Proofs:
    """Notes proofs. Safe to repeat."""

    def __init__(self, store: Store, links: Links, clusters: Clusters, claims: Claims) -> None:
        self._store, self._links, self._clusters, self._claims = store, links, clusters, claims
        self._prove = store.script("budget_prove")

    def queue(self, pipe: Any, touch: Touch, policy: Policy) -> None:
        """Note in a pipeline what a signup proved, before anybody can be bound by it."""
        things = [edge_of(touch.keys[kind]) for kind in sorted(touch.proved) if kind in touch.keys]
        aside = keeps_aside(touch)
        if things or aside:
            self._prove.queue(pipe, [budget_key(touch.user_id)], ["1", int(aside), kept(policy), *things])

    def give(self, user_id: str, keys: Sequence[str], at: float, policy: Policy, now: float, *, aside: bool) -> None:
        """Note that an account proved at Unix time ``at`` that entities are its own, and let go of those who only claim
        them.

        ``aside``: the proof also takes it out of waves. Raises :class:`StoreUnavailable`.
        """
        edges = [edge_of(key) for key in keys]
        if keys:
            self._claims.drop([user_id], keys, policy, now, "proved")
        self._links.prove(user_id, keys, at)
        self._prove.call([budget_key(user_id)], ["1", int(aside), kept(policy), *edges])
        if aside:
            edges += [edge for edge in self._clusters.edges(user_id) if edge.startswith("w:")]
        self._clusters.splits.loosen([user_id], edges, policy, now, reason="proved")
        for key in keys:
            self._clusters.note_claimed(key)

    def share(self, user_id: str, voucher: str, entities: Iterable[Entity], policy: Policy, now: float) -> None:
        """Let an account hold what an established customer holds that vouches for it, so that nobody who claims it is
        bound to either. What both hold already stays as it is.
        """
        keys = held_by(voucher, entities)
        if not keys:
            return
        pipe, names = self._store.pipeline(), (voucher, user_id)
        fields = [f"p:{edge_of(key)}" for key in keys]
        known = [pipe.ask("HMGET", budget_key(name), *fields, read=list) for name in names]
        self._store.run(pipe)
        keys = [key for key, *proofs in zip(keys, *[found() for found in known], strict=True) if None in proofs]
        for name in names if keys else ():
            self.give(name, keys, now, policy, now, aside=False)

    def take(self, user_id: str, keys: Sequence[str], at: float, policy: Policy) -> None:
        """Take a proof back: the account does no longer hold the entities."""
        self._links.prove(user_id, keys, at, proved=False)
        self._prove.call([budget_key(user_id)], ["0", 0, kept(policy), *map(edge_of, keys)])


def keeps_aside(touch: Touch) -> bool:
    """Whether a signup came with proof that no wave has: a confirmed number or a card."""
    return "phone" in touch.proved or "payment" in touch.keys


def held_by(voucher: str, entities: Iterable[Entity]) -> list[str]:
    """The keys of what one who vouches for an account holds of what that uses."""
    return [entity.key for entity in entities if voucher in entity.holders]
