"""Labels: what an account turned out to be. Reversible; the latest stands, all are kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

import orjson
from typing_extensions import TypedDict

from riskapi.accounts.accounts import Accounts, Standing
from riskapi.accounts.history import LabelEntry, LabelName, LabelSource
from riskapi.accounts.spreads import KeptSpread, Spreads
from riskapi.accounts.tiers import Tiers, by_reviewer
from riskapi.clusters.clusters import Clusters
from riskapi.contract import Tier
from riskapi.links.entities import Links
from riskapi.policy.active import ActiveBasis
from riskapi.store.connections import Pipeline, Reply, Store
from riskapi.times import rfc3339

#: Sources that are somebody who looked at the account.
PEOPLE = frozenset({"manual_review", "appeal"})
#: Label → the tier that the word of such a person puts an account in.
_TIERS: Mapping[LabelName, Tier] = {"abuse": "limit", "legitimate": "allow"}


#: What abuse is held against others by. Places, mail domains and the make of addresses are reputation, which moves with
#: every label, whatever becomes of the spread.
ARROWS = frozenset({"mailbox", "phone", "device", "payment"})


class Labelled(TypedDict):
    """The account's labels, the one that stands first named. ``spread`` is what ``abuse`` means for others."""

    user_id: str
    label: LabelName
    tier: Tier
    labels: list[LabelEntry]
    spread: KeptSpread | None


def entry(label: LabelName, source: LabelSource, note: str | None, actor: str, now: float) -> LabelEntry:
    """One label as an account keeps it."""
    return {"label": label, "source": source, "note": note, "actor": actor, "at": rfc3339(now)}


class Labels:
    """Adds labels and lets the next signups feel them through links and reputation."""

    def __init__(
        self,
        store: Store,
        accounts: Accounts,
        tiers: Tiers,
        links: Links,
        clusters: Clusters,
        active: ActiveBasis,
        spreads: Spreads,
        begin: Callable[[str], Standing],
    ) -> None:
        """``begin`` begins the spread of an account that is labelled abusive, and gives where it stands then."""
        self._store, self._accounts, self._tiers = store, accounts, tiers
        self._spreads, self._begin = spreads, begin
        self._links = links
        self._clusters = clusters
        self._active = active

    def add(
        self, user_id: str, label: LabelName, source: LabelSource, note: str | None, actor: str, now: float
    ) -> Labelled:
        """Label an account at Unix time ``now``; returns its labels and tier. Raises ``not_found``.

        A person's word (``manual_review``, ``appeal``) also moves the account's own tier: ``abuse`` to ``limit``,
        ``legitimate`` to ``allow``. Labels from elsewhere are felt by the next signups only.
        """
        given = entry(label, source, note, actor, now)
        event = orjson.dumps({"user_id": user_id, **given, "at": now})
        standing = self._accounts.add_label(user_id, given, event, self._active.policy)
        tier = _TIERS.get(label) if source in PEOPLE else None
        if tier is not None:
            history = by_reviewer(tier, note or f"labelled {label}", actor, now, self._active.policy)
            standing = self._tiers.change(user_id, history, now, self._active.policy)
        self.settle(user_id, standing)
        spread = self._spreads.of(user_id) if label == "abuse" else None
        return {
            "user_id": user_id,
            "label": label,
            "tier": cast("Tier", standing.tier),
            "labels": self._accounts.labels(user_id),
            "spread": None if spread is None else spread.view(),
        }

    def settle(self, user_id: str, standing: Standing) -> None:
        """Mark all the account touched, and its cluster, with its standing, until no later change is left unmarked.

        Two changes may mark in the wrong order; whoever marks last reads the revision again and repeats.
        """
        while True:
            if standing.label == "abuse" and not standing.spread:
                standing = self._begin(user_id)
            self._clusters.note_label(user_id, self._active.policy, abusive=_is_felt(standing))
            latest = self.mark(user_id, standing)
            if latest.revision == standing.revision:
                return
            standing = latest

    def mark(self, user_id: str, standing: Standing) -> Standing:
        """Mark what an account touched; returns where it stands by then."""
        pipe = self._store.pipeline()
        later = self.queue_mark(pipe, user_id, standing)
        self._store.run(pipe)
        return later()

    def queue_mark(self, pipe: Pipeline, user_id: str, standing: Standing) -> Reply[Standing]:
        """As :meth:`mark`, in a pipeline: to be read is where the account stands by then."""
        abusive, felt = standing.label == "abuse", _is_felt(standing)
        arrows = [key for name, key in standing.entities.items() if name.partition(":")[0] in ARROWS]
        others = [key for key in standing.entities.values() if key not in arrows]
        groups = [(arrows, felt), (others, abusive)] if felt != abusive else [([*arrows, *others], abusive)]
        for keys, marked in groups:
            self._links.queue_mark(
                pipe,
                user_id,
                keys,
                abusive=marked,
                limited=standing.tier == "limit",
                established=None if abusive else standing.established,
            )
        return self._accounts.queue_standing(pipe, user_id)


def _is_felt(standing: Standing) -> bool:
    """Whether what an account is labelled is held against others."""
    return standing.label == "abuse" and standing.spread == "live"
