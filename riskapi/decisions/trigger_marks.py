"""What triggers of the policy did about accounts, written down before it is done and marked when it was.

One key for each account and trigger (``risk:fa:{n}:<user_id>:<trigger>``), for as long as the trigger's days, so that
it is done once in them. What an account met itself, what its cluster met and what was only looked at are keys of their
own: what was done because of others never hides what an account did itself.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from typing import Any, Literal, cast

import orjson

from riskapi.access.audit_log import AuditLog
from riskapi.metrics import Metrics
from riskapi.policy import Policy
from riskapi.policy.tables import Trigger
from riskapi.store.connections import Store
from riskapi.store.pipelines import as_it_is
from riskapi.store.streams import oldest, shard, stream
from riskapi.store.tallies import Happened, Tallies
from riskapi.times import DAY
from signals.records import record

#: What each action is called in answers and events.
FeedbackDone = Literal["warned", "tightened", "limited", "paused"]
#: What the end of a key says it is about: what the account met itself, what its cluster met, or what only a look
#: followed from.
Of = Literal["", ":linked", ":looked"]
DONE: dict[str, FeedbackDone] = {
    "warn": "warned",
    "tighten": "tightened",
    "limit": "limited",
    "pause": "paused",
}
#: At the end of the key of what a trigger in shadow would have done.
_SHADOW = ":shadow"
#: The group of tallies that counts accounts about which a trigger in shadow would have done something.
SHADOW_TRIGGER = "trigger"
#: Accounts that are noted in one trip, for each trigger.
_TRIP = 200
_SAID = {
    "complaint": "people complained about its mail",
    "hard_bounce": "its mail went to addresses that do not exist",
    "block": "its mail was blocked",
    "block_blocklist": "its mail was blocked, with a blocklist named",
    "spam_trap": "its mail reached a spam trap",
    "not_mine": "somebody says that it signed up with an address that is not its own",
}


@record
class Mark:
    """What is to be done, or was: ``wanted`` is a tier, or what else whoever began it needs. Whoever does the same has
    the same ``token``. ``action`` is what it was found to be, once it ``is_done``.
    """

    key: str
    is_done: bool
    wanted: str
    token: str
    action: FeedbackDone | None = None


class TriggerMarks:
    """Writes marks, and tells of what was done. Every method raises :class:`riskapi.errors.StoreUnavailable`."""

    def __init__(self, store: Store, audit: AuditLog, metrics: Metrics) -> None:
        self._store, self._audit, self._metrics = store, audit, metrics
        self._finish, self._tallies = store.script("trigger_finish"), Tallies(store)

    def begin(self, user_id: str, trigger: Trigger, of: Of, wanted: str) -> Mark:
        """Write down what a trigger is about to do, unless it is there already; what is there then."""
        key, token = f"{done_key(user_id, trigger)}{of}", secrets.token_hex(6)
        if self._store.execute("SET", key, f"todo {wanted} {token}", "NX", "EX", trigger.days * DAY):
            return Mark(key, False, wanted, token)
        # Until 2026-11-27 neither token nor action was noted.
        state, said, kept = [*(self._store.execute("GET", key) or b"done").decode().split(" "), "", ""][:3]
        if state == "done":
            return Mark(key, True, "", kept, cast("FeedbackDone | None", said or None))
        return Mark(key, False, said, kept or token)

    def is_begun(self, user_id: str, trigger: Trigger) -> bool:
        """Whether a trigger did something about what the account met itself, or is about to."""
        return bool(self._store.execute("EXISTS", done_key(user_id, trigger)))

    def tell(
        self, user_id: str, trigger: Trigger, mark: Mark, action: FeedbackDone, policy: Policy, now: float
    ) -> bool:
        """Mark what was done as done, and tell of it; False where somebody else did that meanwhile."""
        told: dict[str, Any] = {"user_id": user_id, "at": now, "action": action, "rule": trigger.name}
        args: list[Any] = [f"done {action} {secrets.token_hex(6)}", trigger.days * DAY, orjson.dumps(told)]
        args.append(oldest(policy.retention.decisions_days))
        pipe = self._store.pipeline()
        self._audit.queue_once(pipe, mark.token, f"rule {trigger.name}", f"account {action}", user_id, now)
        is_first = self._finish.ask(pipe, [mark.key, stream(shard(user_id))], args, read=bool)
        self._store.run(pipe)
        if not is_first():
            return False
        self._metrics.trigger(trigger.name, "live")
        return True

    def done(self, user_ids: Collection[str], policy: Policy) -> frozenset[str]:
        """The keys of what live triggers did until now about what these accounts met themselves."""
        live = [each for each in policy.feedback.triggers if each.mode == "live"]
        if not live:
            return frozenset()
        pipe = self._store.pipeline()
        asked = []
        for name in user_ids:
            keys = [done_key(name, each) for each in live]
            asked.append((keys, pipe.ask("MGET", *keys, read=as_it_is)))
        self._store.run(pipe)
        said = [pair for keys, found in asked for pair in zip(keys, found(), strict=True)]
        return frozenset(key for key, kept in said if kept is not None and kept.startswith(b"done"))

    def note_shadows(self, user_ids: Sequence[str], found: Sequence[Trigger], now: float) -> None:
        """Count what those of these triggers that are in shadow would have done about accounts, once in their days as
        live ones do it.
        """
        shadows = [each for each in found if each.mode == "shadow"]
        if not shadows:
            return
        for start in range(0, len(user_ids), _TRIP):
            pipe = self._store.pipeline()
            asked = [
                (each, pipe.ask("SET", f"{done_key(name, each)}{_SHADOW}", "1", "NX", "EX", each.days * DAY, read=bool))
                for each in shadows
                for name in user_ids[start : start + _TRIP]
            ]
            self._store.run(pipe)
            self._count_shadows([each for each, is_new in asked if is_new()], now)

    def _count_shadows(self, new: Sequence[Trigger], now: float) -> None:
        for each in new:
            self._metrics.trigger(each.name, each.mode)
        if new:
            pipe = self._store.pipeline()
            self._tallies.queue(pipe, [Happened(SHADOW_TRIGGER, each.name, "n") for each in new], now)
            self._store.run(pipe)


def done_key(user_id: str, trigger: Trigger) -> str:
    """Key of what a trigger did about what an account met itself."""
    return f"risk:fa:{{{shard(user_id)}}}:{user_id}:{trigger.name}"


def done_keys(user_id: str, policy: Policy) -> list[str]:
    """Keys of what the triggers of a policy did about an account, or would have done."""
    each = (done_key(user_id, trigger) for trigger in policy.feedback.triggers)
    return [key + end for key in each for end in ("", ":linked", ":looked", _SHADOW)]


def review_about(user_id: str, trigger: Trigger, at: float) -> tuple[str, str, str]:
    """The code, the text and the name of the review that a trigger opens about an account at Unix time ``at``."""
    said = _SAID[trigger.of]
    text = f"{said[:1].upper()}{said[1:]}, more than the policy allows ({trigger.name.replace('_', ' ')})"
    return trigger.name.upper(), text, f"{user_id}\0feedback\0{trigger.name}\0{int(at // DAY)}"
