"""Labels: what an account turned out to be. Reversible; the latest stands, all are kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import orjson
from typing_extensions import TypedDict

from riskapi.accounts.accounts import Accounts, Standing
from riskapi.accounts.history import LabelEntry, LabelName, LabelSource
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


class Labelled(TypedDict):
    """The account's labels, the one that stands first named."""

    user_id: str
    label: LabelName
    tier: Tier
    labels: list[LabelEntry]


def entry(label: LabelName, source: LabelSource, note: str | None, actor: str, now: float) -> LabelEntry:
    """One label as an account keeps it."""
    return {"label": label, "source": source, "note": note, "actor": actor, "at": rfc3339(now)}


class Labels:
    """Adds labels and lets the next signups feel them through links and reputation."""

    def __init__(
        self, store: Store, accounts: Accounts, tiers: Tiers, links: Links, clusters: Clusters, active: ActiveBasis
    ) -> None:
        self._store, self._accounts, self._tiers = store, accounts, tiers
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
        self.mark_latest(user_id, standing)
        return {
            "user_id": user_id,
            "label": label,
            "tier": cast("Tier", standing.tier),
            "labels": self._accounts.labels(user_id),
        }

    def mark_latest(self, user_id: str, standing: Standing) -> None:
        """Mark all the account touched, and its cluster, with its standing, until no later change is left unmarked.

        Two changes may mark in the wrong order; whoever marks last reads the revision again and repeats.
        """
        while True:
            self._clusters.note_label(user_id, self._active.policy, abusive=standing.label == "abuse")
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
        abusive = standing.label == "abuse"
        self._links.queue_mark(
            pipe,
            user_id,
            list(standing.entities.values()),
            abusive=abusive,
            limited=standing.tier == "limit",
            established=None if abusive else standing.established,
        )
        return self._accounts.queue_standing(pipe, user_id)
