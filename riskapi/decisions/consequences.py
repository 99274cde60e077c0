"""What follows from feedback for the account that it is about: the triggers of the policy are tried on it, and what
fires is done at once, once for each trigger and its days. What follows for others is :mod:`.cluster_consequences`.

What is to be done is written before it is done, and marked when it was (:mod:`.trigger_marks`): whoever is killed in
between has it done by the worker, which reads of the same events. It reads of them while they are still being counted:
then two do the same, which changes nothing, and the first to be done tells of it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence
from dataclasses import replace

from riskapi.access.audit_log import AuditLog
from riskapi.accounts.accounts import Accounts
from riskapi.accounts.history import PUT_LATER, history_entry
from riskapi.accounts.labels import Labels
from riskapi.accounts.linked_restrictions import NEXT, LinkedRestriction
from riskapi.accounts.pauses import Pause, Pauses
from riskapi.accounts.tiers import Tiers
from riskapi.budgets.budgets import Budgets
from riskapi.clusters.clusters import Clusters
from riskapi.contract import Tier
from riskapi.decisions.cluster_consequences import ClusterConsequences
from riskapi.decisions.identifiers import Identifiers
from riskapi.decisions.mail_met import WORDS, MailMet
from riskapi.decisions.restrictor import Restrictor
from riskapi.decisions.trigger_marks import DONE, FeedbackDone, TriggerMarks, review_about
from riskapi.errors import Problem
from riskapi.feedback.counts import CountedEvents, Feedback, FeedbackAction
from riskapi.feedback.event import FeedbackEvent
from riskapi.feedback.triggers import acting, fired
from riskapi.metrics import Metrics
from riskapi.policy import Policy
from riskapi.policy.active import ActiveBasis
from riskapi.policy.tables import SEVERITY, Trigger
from riskapi.sending.holds import Holds
from riskapi.store.connections import Store

#: Types of events that no trigger looks at.
HARMLESS = frozenset({"delivered", "soft_bounce", "unsubscribe", "not_spam"})


class Consequences:
    """Counts feedback and acts on it. Safe to share between threads."""

    def __init__(
        self,
        store: Store,
        active: ActiveBasis,
        accounts: Accounts,
        tiers: Tiers,
        pauses: Pauses,
        labels: Labels,
        clusters: Clusters,
        budgets: Budgets,
        feedback: Feedback,
        holds: Holds,
        identifiers: Identifiers,
        restrictor: Restrictor,
        audit: AuditLog,
        metrics: Metrics,
    ) -> None:
        """``others`` acts on what whole clusters met."""
        self._active, self._accounts, self._tiers, self._pauses = active, accounts, tiers, pauses
        self._labels, self._budgets, self._feedback, self._holds = labels, budgets, feedback, holds
        self._identifiers, self._restrictor, self._metrics = identifiers, restrictor, metrics
        self._mail_met, self._marks = MailMet(store, budgets), TriggerMarks(store, audit, metrics)
        self.others = ClusterConsequences(
            store, active, accounts, clusters, holds, self._mail_met, self._marks, restrictor
        )

    def take(self, events: Sequence[FeedbackEvent], now: float) -> CountedEvents:
        """Count events at Unix time ``now``, and do what follows for their accounts, or say what the worker did of it
        meanwhile. Raises :class:`StoreUnavailable`; sent again, what was counted is a duplicate, and what was left to
        do is done.
        """
        users = dict.fromkeys(event.user_id for event in events if event.type not in HARMLESS)
        before = self._marks.done(users, self._active.policy)
        for event in events:
            if event.type == "not_mine":  # before it counts: who is told again of one that was not counted does it then
                with contextlib.suppress(Problem):  # no such account
                    self._identifiers.disown(event.user_id, event.recipient, event.at(now), now)
        tally = self._feedback.count(events, now)
        actions: list[FeedbackAction] = []
        for user_id in users:
            actions += self.of(user_id, now, before)
        return replace(tally, actions=[*tally.actions, *actions])

    def of(self, user_id: str, now: float, before: Collection[str] | None = None) -> list[FeedbackAction]:
        """Try the triggers on an account at Unix time ``now``, and do what fires and was not done yet.

        With ``before``, the keys of what was done when it began, also says what others did since.
        """
        policy = self._active.policy
        found = fired(policy.feedback, self._mail_met.of([user_id], now)[user_id], now)
        self._marks.note_shadows([user_id], found, now)
        done: list[FeedbackAction] = []
        for trigger in acting(found):
            with contextlib.suppress(Problem):  # erased, or expired
                action = self._done(user_id, trigger, policy, now, before)
                if action is not None:
                    done.append({"user_id": user_id, "action": action, "rule": trigger.name})
        return done

    def _done(
        self, user_id: str, trigger: Trigger, policy: Policy, now: float, before: Collection[str] | None
    ) -> FeedbackDone | None:
        """Do what a trigger says about an account, once in its days; None where it was done ``before``."""
        standing = self._accounts.standing(user_id)
        spared = standing.established is not None and trigger.of in WORDS
        tier: Tier = standing.tier  # type: ignore[assignment]
        mark = self._marks.begin(user_id, trigger, "", _wanted(trigger, tier))
        if mark.is_done:
            return None if before is None or mark.key in before else mark.action
        if standing.restricted and not spared:
            self._restrictor.own(user_id, _as_own(trigger, mark.token, now), policy, now)
        elif not spared and SEVERITY[mark.wanted] > SEVERITY[tier]:
            entry = history_entry(
                now, PUT_LATER, mark.wanted, "feedback", trigger.name, {"policy": policy.version},
                until=now + 3600 * trigger.hours if trigger.hours else None, cause="feedback",
            )  # fmt: skip
            moved = self._tiers.change(user_id, entry, now, policy)
            self._budgets.revise(user_id, moved.revision, policy)
            self._labels.mark_latest(user_id, moved)
        if trigger.action == "pause" and not spared:
            ends = now + 3600 * trigger.hours if trigger.hours else None
            revision = self._pauses.set(user_id, Pause("feedback", trigger.name, None, now, ends), policy)
            if revision is not None:
                self._budgets.revise(user_id, revision, policy)
        labels = trigger.spread and not spared and standing.label in ("", "unknown")
        if labels:
            # Whom somebody called legitimate is left to a person.
            said = f"by the trigger {trigger.name}"
            self._labels.add(user_id, "abuse", "rule", said, trigger.name, now, unlabelled=True)
        if trigger.review or spared:
            code, text, name = review_about(user_id, trigger, now)
            self._holds.review(user_id, now, code, text, name, policy)
        action: FeedbackDone = "warned" if spared else DONE[trigger.action]
        if self._marks.tell(user_id, trigger, mark, action, policy, now) and labels:
            self._metrics.label("abuse", "rule")
        return action


def _as_own(trigger: Trigger, token: str, now: float) -> LinkedRestriction:
    """What a trigger does to an account that bears something: it counts along with that, and is its own."""
    ends = now + 3600 * trigger.hours if trigger.hours else None
    action = "look" if trigger.action == "warn" else trigger.action
    return LinkedRestriction(trigger.name, action, trigger.of in WORDS, "allow", (), now, token, ends)


def _wanted(trigger: Trigger, tier: Tier) -> Tier:
    """The tier that a trigger puts an account in which is in this one."""
    if trigger.action not in ("tighten", "limit") or (trigger.of in WORDS and tier != "allow"):
        return tier
    return "limit" if trigger.action == "limit" and trigger.of not in WORDS else NEXT[tier]
