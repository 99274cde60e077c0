"""What follows from feedback: the triggers of the policy are tried on the account and on its cluster, and what fires is
done at once, once for each trigger and its days.

What is to be done is written before it is done, and marked when it was (``risk:fa:{n}:<user_id>:<trigger>``): whoever
is killed in between has it done by the worker, which reads of the same events. It reads of them while they are still
being counted: then two do the same, which changes nothing, and the first to be done tells of it.
"""

from __future__ import annotations

import contextlib
import secrets
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, cast

import orjson

from riskapi.access.audit_log import AuditLog
from riskapi.accounts.accounts import Accounts
from riskapi.accounts.history import PUT_LATER, history_entry
from riskapi.accounts.labels import Labels
from riskapi.accounts.pauses import Pause, Pauses
from riskapi.accounts.tiers import Tiers
from riskapi.budgets.budgets import Budgets
from riskapi.budgets.caps import Usage
from riskapi.clusters.clusters import Clusters
from riskapi.contract import Tier
from riskapi.decisions.identifiers import Identifiers
from riskapi.errors import Problem
from riskapi.feedback.counts import Feedback, FeedbackAction, Tally
from riskapi.feedback.event import FeedbackEvent
from riskapi.feedback.triggers import EventCounts, Met, acting, fired, met
from riskapi.metrics import Metrics
from riskapi.policy import Policy
from riskapi.policy.active import ActiveBasis
from riskapi.policy.tables import SEVERITY, Trigger
from riskapi.sending.holds import Holds
from riskapi.store.connections import Store, as_it_is
from riskapi.store.streams import oldest, shard, stream
from riskapi.store.tallies import Happened, Tallies
from riskapi.times import DAY

#: What each action is called in answers and events.
FeedbackDone = Literal["warned", "tightened", "limited", "paused"]
#: What concerns an account: what it met itself, what its cluster met, or what one met that only a wave or a claim binds
#: it to.
Concern = Literal["itself", "cluster", "claim"]
_DONE: dict[str, FeedbackDone] = {
    "warn": "warned",
    "tighten": "tightened",
    "limit": "limited",
    "pause": "paused",
}
_NEXT: dict[Tier, Tier] = {"allow": "review", "review": "limit", "limit": "limit"}
#: Types of events that no trigger looks at.
HARMLESS = frozenset({"delivered", "soft_bounce", "unsubscribe", "not_spam"})
#: What a person merely says: it is held against the one account, and puts it no lower than `review`.
_WORDS = frozenset({"not_mine"})
#: At the end of the key of what was done because of others only.
_LOOKED = ":looked"
#: And of what a trigger in shadow would have done.
_SHADOW = ":shadow"
#: The group of tallies that counts accounts about which a trigger in shadow would have done something.
SHADOW_TRIGGER = "trigger"
#: Accounts of a cluster that are looked at together.
_MOST = 200
_SAID = {
    "complaint": "people complained about its mail",
    "hard_bounce": "its mail went to addresses that do not exist",
    "block": "its mail was blocked",
    "block_blocklist": "its mail was blocked, with a blocklist named",
    "spam_trap": "its mail reached a spam trap",
    "not_mine": "somebody says that it signed up with an address that is not its own",
}


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
        audit: AuditLog,
        metrics: Metrics,
    ) -> None:
        self._store, self._active, self._accounts, self._tiers = store, active, accounts, tiers
        self._pauses, self._labels, self._clusters, self._budgets = pauses, labels, clusters, budgets
        self._feedback, self._holds, self._metrics = feedback, holds, metrics
        self._identifiers, self._audit = identifiers, audit
        self._finish, self._tallies = store.script("trigger_finish"), Tallies(store)

    def take(self, events: Sequence[FeedbackEvent], now: float) -> Tally:
        """Count events at Unix time ``now``, and do what follows for their accounts, or say what the worker did of it
        meanwhile. Raises :class:`StoreUnavailable`; sent again, what was counted is a duplicate, and what was left to
        do is done.
        """
        users = dict.fromkeys(event.user_id for event in events if event.type not in HARMLESS)
        before = self._done_before(users)
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
        found = fired(policy.feedback, self._met([user_id], now), now)
        return self._act({user_id: "itself"}, found, policy, now, before)

    def _done_before(self, user_ids: Collection[str]) -> frozenset[str]:
        """The keys of what triggers did about these accounts themselves until now."""
        live = [each for each in self._active.policy.feedback.triggers if each.mode == "live"]
        if not live:
            return frozenset()
        pipe = self._store.pipeline()
        asked = []
        for name in user_ids:
            keys = [_done_key(name, each) for each in live]
            asked.append((keys, pipe.ask("MGET", *keys, read=as_it_is)))
        self._store.run(pipe)
        said = [pair for keys, found in asked for pair in zip(keys, found(), strict=True)]
        return frozenset(key for key, kept in said if kept is not None and kept.startswith(b"done"))

    def of_cluster(self, user_id: str, now: float) -> list[FeedbackAction]:
        """The same on all that the cluster of an account met together. Established customers are looked at only, and
        whom nothing that was seen or proved binds to the account gets `review` at most: a stranger can sign up beside
        anybody, and type anybody's number.
        """
        policy, cluster = self._active.policy, self._clusters.of(user_id)
        names = self._clusters.accounts(cluster)[:_MOST] if cluster else []
        if len(names) < 2:
            return []
        found = [each for each in fired(policy.feedback, self._met(names, now), now) if each.of not in _WORDS]
        if not found:
            return []
        bound = self._clusters.bound(cluster, user_id, now)
        return self._act({name: "cluster" if name in bound else "claim" for name in names}, found, policy, now)

    def _met(self, user_ids: Sequence[str], now: float) -> Met:
        pipe = self._store.pipeline()
        asked = [(Feedback.queue(pipe, name), self._budgets.queue_read(pipe, name, now)) for name in user_ids]
        self._store.run(pipe)
        found = [_met(events(), usage()) for events, usage in asked]
        return found[0] if len(found) == 1 else _together(found)

    def _act(
        self,
        concerned: Mapping[str, Concern],
        found: Sequence[Trigger],
        policy: Policy,
        now: float,
        before: Collection[str] | None = None,
    ) -> list[FeedbackAction]:
        self._note_shadows(list(concerned), [each for each in found if each.mode == "shadow"], now)
        done: list[FeedbackAction] = []
        for trigger in acting(list(found)):
            for name, concern in concerned.items():
                with contextlib.suppress(Problem):  # erased, or expired
                    action = self._done(name, trigger, concern, policy, now, before)
                    if action is not None:
                        done.append({"user_id": name, "action": action, "rule": trigger.name})
        return done

    def _note_shadows(self, user_ids: Sequence[str], found: Sequence[Trigger], now: float) -> None:
        """Count what shadow triggers would have done about accounts, once in their days as live ones do it."""
        if not found:
            return
        pipe = self._store.pipeline()
        asked = [
            (each, pipe.ask("SET", f"{_done_key(name, each)}{_SHADOW}", "1", "NX", "EX", each.days * DAY, read=bool))
            for each in found
            for name in user_ids
        ]
        self._store.run(pipe)
        new = [each for each, is_new in asked if is_new()]
        for each in new:
            self._metrics.trigger(each.name, each.mode)
        if new:
            pipe = self._store.pipeline()
            self._tallies.queue(pipe, [Happened(SHADOW_TRIGGER, each.name, "n") for each in new], now)
            self._store.run(pipe)

    def _done(
        self,
        user_id: str,
        trigger: Trigger,
        concern: Concern,
        policy: Policy,
        now: float,
        before: Collection[str] | None,
    ) -> FeedbackDone | None:
        """Do what a trigger says about an account, once in its days; None where it was done ``before``."""
        standing = self._accounts.standing(user_id)
        spared = standing.established is not None and (concern != "itself" or trigger.of in _WORDS)
        # An account that was only looked at because of others still gets all that its own mail brings.
        looked = concern == "claim" or (spared and concern != "itself")
        key = _done_key(user_id, trigger) + (_LOOKED if looked else "")
        tier: Tier = standing.tier  # type: ignore[assignment]
        wanted, token = _wanted(trigger, tier, concern), secrets.token_hex(6)
        if not self._store.execute("SET", key, f"todo {wanted} {token}", "NX", "EX", trigger.days * DAY):
            # Until 2026-11-27 neither token nor action was noted.
            state, said, kept = [*(self._store.execute("GET", key) or b"done").decode().split(" "), "", ""][:3]
            if state == "done":
                return None if before is None or key in before else cast("FeedbackDone | None", said or None)
            wanted, token = cast("Tier", said), kept or token
        moves = not spared and SEVERITY[wanted] > SEVERITY[tier]
        if moves:
            entry = history_entry(
                now, PUT_LATER, wanted, "feedback", trigger.name, {"policy": policy.version},
                until=now + 3600 * trigger.hours if trigger.hours else None, cause="feedback",
            )  # fmt: skip
            moved = self._tiers.change(user_id, entry, now, policy)
            self._budgets.revise(user_id, moved.revision, policy)
            self._labels.mark_latest(user_id, moved)
        if trigger.action == "pause" and not spared and concern != "claim":
            ends = now + 3600 * trigger.hours if trigger.hours else None
            revision = self._pauses.set(user_id, Pause("feedback", trigger.name, None, now, ends), policy)
            if revision is not None:
                self._budgets.revise(user_id, revision, policy)
        labels = trigger.spread and concern == "itself" and not spared and standing.label in ("", "unknown")
        if labels:
            # Whom somebody called legitimate is left to a person.
            said = f"by the trigger {trigger.name}"
            self._labels.add(user_id, "abuse", "rule", said, trigger.name, now, unlabelled=True)
        if trigger.review or spared:
            name = f"{user_id}\0feedback\0{trigger.name}\0{int(now // DAY)}"
            self._holds.review(user_id, now, trigger.name.upper(), _sentence(trigger), name, policy)
        action = _DONE[trigger.action]
        if spared or concern == "claim":
            action = "tightened" if moves else "warned"
        if self._told(user_id, trigger, key, action, token, policy, now):
            self._metrics.trigger(trigger.name, "live")
            if labels:
                self._metrics.label("abuse", "rule")
        return action

    def _told(
        self, user_id: str, trigger: Trigger, key: str, action: FeedbackDone, token: str, policy: Policy, now: float
    ) -> bool:
        """Mark what was done as done, and tell of it; False where somebody else did that meanwhile. Whoever does the
        same has the same ``token``.
        """
        told: dict[str, Any] = {"user_id": user_id, "at": now, "action": action, "rule": trigger.name}
        args: list[Any] = [f"done {action} {secrets.token_hex(6)}", trigger.days * DAY, orjson.dumps(told)]
        args.append(oldest(policy.retention.decisions_days))
        pipe = self._store.pipeline()
        self._audit.queue_once(pipe, token, f"rule {trigger.name}", f"account {action}", user_id, now)
        is_first = self._finish.ask(pipe, [key, stream(shard(user_id))], args, read=bool)
        self._store.run(pipe)
        return is_first()


def done_keys(user_id: str, policy: Policy) -> list[str]:
    """Keys of what the triggers of a policy did about an account, or would have done."""
    each = (_done_key(user_id, trigger) for trigger in policy.feedback.triggers)
    return [key + end for key in each for end in ("", _LOOKED, _SHADOW)]


def _done_key(user_id: str, trigger: Trigger) -> str:
    """Key of what a trigger did about an account."""
    return f"risk:fa:{{{shard(user_id)}}}:{user_id}:{trigger.name}"


def _wanted(trigger: Trigger, tier: Tier, concern: Concern) -> Tier:
    """The tier that a trigger puts an account in which is in this one."""
    if concern == "claim":
        return "review" if tier == "allow" and trigger.action != "warn" else tier
    if trigger.action not in ("tighten", "limit") or (trigger.of in _WORDS and tier != "allow"):
        return tier
    return "limit" if trigger.action == "limit" and trigger.of not in _WORDS else _NEXT[tier]


def _met(events: EventCounts, usage: Usage) -> Met:
    """What an account met."""
    long = usage.first is not None and usage.first < usage.now - 30 * DAY
    return met(events, usage.days, long=long)


def _together(found: Iterable[Met]) -> Met:
    """What several accounts met, as one."""
    events: dict[Any, dict[int, Counter[str]]] = {}
    sent: Counter[int] = Counter()
    ever, accepted = 0, frozenset[int]()
    for each in found:
        for cause, days in each.events.items():
            for day, voices in days.items():
                events.setdefault(cause, {}).setdefault(day, Counter()).update(voices)
        sent.update(each.sent)
        ever, accepted = ever + each.ever, accepted | each.accepted
    return Met(events, sent, ever, accepted)


def _sentence(trigger: Trigger) -> str:
    said = _SAID[trigger.of]
    return f"{said[:1].upper()}{said[1:]}, more than the policy allows ({trigger.name.replace('_', ' ')})"
