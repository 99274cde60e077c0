"""Labels: what an account turned out to be. Reversible; the latest stands, all are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, cast

from typing_extensions import TypedDict

from riskapi.accounts.accounts import Accounts, Standing
from riskapi.accounts.history import LabelEntry, LabelName, LabelSource, label_event
from riskapi.accounts.reach import ARROWS, Reach, Reaches, ReachView
from riskapi.accounts.spreads import KeptSpread, Spread, Spreads, SpreadState, spread_id
from riskapi.accounts.tiers import Tiers, by_reviewer
from riskapi.clusters.clusters import Clusters
from riskapi.contract import Tier
from riskapi.errors import Problem, StoreUnavailable
from riskapi.links.entities import Links
from riskapi.links.sites import Sites
from riskapi.policy.active import ActiveBasis
from riskapi.policy.tables import Spread as SpreadRules
from riskapi.store.connections import Store
from riskapi.store.pipelines import Pipeline, ReplyReader
from riskapi.times import DAY, instant, rfc3339

#: Sources that are somebody who looked at the account.
PEOPLE = frozenset({"manual_review", "appeal"})
#: Label → the tier that the word of such a person puts an account in.
_TIERS: Mapping[LabelName, Tier] = {"abuse": "limit", "legitimate": "allow"}

#: What can be done with a spread, and the state that it is in then.
SpreadAction = Literal["undo", "apply", "end"]
_STATES: Mapping[SpreadAction, SpreadState] = {"undo": "undone", "apply": "live", "end": "ended"}
#: Times a spread is read anew because the account was labelled anew meanwhile; far more than any race measured.
_TRIES = 20


class Labelled(TypedDict):
    """The account's labels, the one that stands first named. ``spread`` is what ``abuse`` means for others.

    With ``dry_run`` nothing is changed: label and tier are as they would be, and ``would_touch`` says who is decided
    again because of it.
    """

    user_id: str
    label: LabelName
    tier: Tier
    labels: list[LabelEntry]
    spread: KeptSpread | None
    would_touch: ReachView | None
    dry_run: bool


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
    ) -> None:
        self._store, self._accounts, self._tiers = store, accounts, tiers
        self._spreads, self._reaches = Spreads(store), Reaches(store, links, clusters)
        self._links, self._sites = links, Sites(store)
        self._clusters = clusters
        self._active = active

    def add(
        self,
        user_id: str,
        label: LabelName,
        source: LabelSource,
        note: str | None,
        actor: str,
        now: float,
        *,
        unlabelled: bool = False,
    ) -> Labelled:
        """Label an account at Unix time ``now``; returns its labels and tier. With ``unlabelled`` only where none
        stands but ``unknown``. Raises ``not_found``.

        A person's word (``manual_review``, ``appeal``) also moves the account's own tier: ``abuse`` to ``limit``,
        ``legitimate`` to ``allow``. Labels from elsewhere are felt by the next signups only.
        """
        given = entry(label, source, note, actor, now)
        event = label_event(user_id, given, now)
        standing = self._accounts.add_label(user_id, given, event, self._active.policy, unlabelled=unlabelled)
        tier = _TIERS.get(label) if source in PEOPLE else None
        if tier is not None:
            history = by_reviewer(tier, note or f"labelled {label}", actor, now, self._active.policy)
            standing = self._tiers.change(user_id, history, now, self._active.policy)
        self.mark_latest(user_id, standing)
        spread = self._spreads.of(user_id) if label == "abuse" else None
        return {
            "user_id": user_id,
            "label": label,
            "tier": cast("Tier", standing.tier),
            "labels": self._accounts.labels(user_id),
            "spread": None if spread is None else spread.view(),
            "would_touch": None,
            "dry_run": False,
        }

    def preview(self, user_id: str, label: LabelName, source: LabelSource, now: float) -> Labelled:
        """What :meth:`add` would answer at Unix time ``now``, and whom it would touch. Raises ``not_found``."""
        standing, spread = self._accounts.standing(user_id), self._spreads.of(user_id)
        tier = _TIERS.get(label) if source in PEOPLE else None
        return {
            "user_id": user_id,
            "label": label,
            "tier": tier or cast("Tier", standing.tier),
            "labels": self._accounts.labels(user_id),
            "spread": None if spread is None else spread.view(),
            "would_touch": self._reaches.of(user_id, standing.entities, now).view(),
            "dry_run": True,
        }

    def reach(self, user_id: str, now: float) -> ReachView:
        """Whom abuse of an account touches at Unix time ``now``. Raises ``not_found``."""
        return self._reaches.of(user_id, self._accounts.standing(user_id).entities, now).view()

    def spread(self, user_id: str, action: SpreadAction, actor: str | None, now: float) -> KeptSpread:
        """Undo the spread of an account's label, apply one that is not live, or end one, at Unix time ``now``.

        Everybody whom it touched is decided again by the worker. The same again changes nothing. Raises ``not_found``
        for an account without one, and :class:`riskapi.errors.StoreUnavailable`.
        """
        state = _STATES[action]
        for _ in range(_TRIES):
            standing = self._begun(user_id)
            found = self._spreads.of(user_id)
            if found is None:
                raise Problem("not_found", "This account is not labelled abuse.")
            if found.state == state:
                self.mark_latest(user_id, standing)
                return found.view()
            self._spreads.change(user_id, found, state, actor, now, self._active.policy)
        raise StoreUnavailable("an account was labelled too often to change what that means for others")

    def _begun(self, user_id: str) -> Standing:
        """Begin the spread of an account that is labelled abusive, unless somebody did; where the account stands then.

        It is made of the label alone, so whoever comes first writes the same.
        """
        standing, rules = self._accounts.standing(user_id), self._active.policy.feedback.spread
        if standing.label != "abuse" or standing.spread:
            return standing
        rows = self._accounts.labels(user_id)
        at, by = (instant(rows[-1]["at"]).timestamp(), rows[-1]["actor"]) if rows else (0.0, "?")
        reach = self._reaches.of(user_id, standing.entities, at)
        ends = at + rules.days * DAY if rules.days and rows else None
        spread = Spread(
            spread_id(user_id, at, by),
            _begins(rules, reach),
            by,
            at,
            at,
            None,
            len(reach.rows),
            reach.established,
            ends,
        )
        self._spreads.begin(user_id, spread, self._active.policy)
        return self._accounts.standing(user_id)

    def mark_latest(self, user_id: str, standing: Standing) -> None:
        """Mark all the account touched, and its cluster, with its standing, until no later change is left unmarked.

        Two changes may mark in the wrong order; whoever marks last reads the revision again and repeats.
        """
        while True:
            if standing.label == "abuse" and not standing.spread:  # or it was not read
                standing = self._begun(user_id)
            self._clusters.note_label(user_id, self._active.policy, abusive=_is_felt(standing))
            latest = self.mark(user_id, standing)
            if latest.revision == standing.revision:
                return
            standing = latest

    def mark(self, user_id: str, standing: Standing) -> Standing:
        """Mark what an account touched, and linked to; returns where it stands by then."""
        sites, pipe = self._sites.of(user_id), self._store.pipeline()
        later = self.queue_mark(pipe, user_id, standing, sites)
        self._store.run(pipe)
        return later()

    def queue_mark(
        self, pipe: Pipeline, user_id: str, standing: Standing, sites: Sequence[str] = ()
    ) -> ReplyReader[Standing]:
        """As :meth:`mark`, in a pipeline, with the keys of the ``sites`` that the account's mail links to: to be read
        is where the account stands by then.
        """
        abusive, felt = standing.label == "abuse", _is_felt(standing)
        arrows = [key for name, key in standing.entities.items() if name.partition(":")[0] in ARROWS]
        others = [*(key for key in standing.entities.values() if key not in arrows), *sites]
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


def _begins(rules: SpreadRules, reach: Reach) -> SpreadState:
    """In what state a spread begins that touches so many."""
    return rules.mode if rules.mode != "live" else "held" if len(reach.rows) > rules.max_accounts else "live"


def _is_felt(standing: Standing) -> bool:
    """Whether what an account is labelled is held against others."""
    return standing.label == "abuse" and standing.spread == "live"
