"""Who is in which tier: the one module that has it written, with the history and the event of every change.

An account is put in a tier by its first decision, by being decided again, and by people: by itself, or with the review
that they decide, and that goes back with the decision. All scripts that do it are called here and nowhere else; those
for accounts that are there do it through ``lua/parts/tiers.lua``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from itertools import chain
from typing import Any, Literal

import orjson

from riskapi.accounts.accounts import (
    KnownAccount,
    ReviewOpening,
    Standing,
    history_key,
    known_account,
    labels_key,
    standing,
)
from riskapi.accounts.agenda import agenda_key, causes_key
from riskapi.accounts.first_record import first_record
from riskapi.accounts.history import PUT_LATER, HistoryEntry, LabelEntry, history_entry, label_event, tier_event
from riskapi.accounts.packing import pack
from riskapi.accounts.pauses import PauseMove
from riskapi.accounts.restricted_accounts import restricted_key
from riskapi.accounts.restriction_change import RestrictionChange
from riskapi.accounts.stored import first_entry_fields
from riskapi.policy import Policy
from riskapi.store.connections import Store
from riskapi.store.pipelines import Pipeline, ReplyReader
from riskapi.store.streams import account_key, oldest, shard, stream
from riskapi.times import DAY, unix_text
from signals.records import record

Fields = Mapping[str, bytes | str | int]


@record
class Arrival:
    """An account that is written for the first time: its fields; as JSON its first answer, what is kept of the decision
    beside it (:func:`riskapi.accounts.first_record.beside`) and its signup; the event about it with its type, and the
    entry of its history, None where the first answer tells it.

    ``until``, the Unix time at which the entry of a list ends that decided, and its ``cause`` are kept of such an
    entry. ``review`` is opened with the account, ``due`` the Unix time at which it is decided again, whatever happens.
    """

    user_id: str
    fields: Fields
    answer: bytes
    decision: bytes
    signup: bytes
    event: bytes
    type: Literal["decision", "import"]
    entry: HistoryEntry | None = None
    until: float | None = None
    cause: str | None = None
    review: ReviewOpening | None = None
    due: float | None = None


@record
class Change:
    """An account that was decided again: its tier, fields (None takes one away), the latest answer and the decision as
    JSON, the entry of its history if the tier is another one, and the event. ``revision`` is the one at which the
    account was read. ``pause`` is what became of a pause that others brought about.
    """

    user_id: str
    revision: str
    tier: str
    fields: Mapping[str, bytes | str | None]
    answer: bytes
    decision: bytes
    entry: HistoryEntry
    event: bytes
    review: ReviewOpening | None
    pause: PauseMove | None = None


#: What became of an account when a decision was undone; see ``store/lua/review_undo.lua``.
Undone = Literal["given_back", "tier_moved", "decided_since", "untouched"]


@record
class ReviewMove:
    """A review that a decision closes, or that opens again when it is undone: the ``event`` about it, and its keys, its
    own and those of its indexes in the order that the script says. One that closes has a ``place`` in the index of
    decided reviews, and fields.
    """

    keys: Sequence[str]
    event: bytes
    place: str = ""
    fields: Fields = field(default_factory=dict)


@record
class AccountDecision:
    """What a person decided of an account at Unix time ``at``, in the decision ``id``: the ``entry`` of its history, by
    :func:`by_reviewer`, and the ``label`` that goes with it, None for none.

    It ``leads`` where the decision was made in its own ``review``; else that is closed along with it. ``holder`` is who
    may decide a review that is held.
    """

    id: str
    user_id: str
    at: float
    entry: HistoryEntry
    label: LabelEntry | None
    holder: str
    review: ReviewMove | None
    leads: bool


@record
class DecisionOutcome:
    """What became of a decision: where the account stands (None where it no longer exists), or that the decision was
    ``undone`` by now, or ``refused`` because of the status of its review and who holds that.
    """

    state: Literal["decided", "undone", "refused"]
    standing: Standing | None = None
    status: str = ""
    holder: str = ""


@record
class AccountReturn:
    """An account that is given back what it was before a decision, with fields as in :class:`AccountDecision`. The word
    of its ``label`` and the tiers of its ``entry`` are :data:`PUT_LATER`. ``mark`` is who undid it, when and why, as
    JSON: it tells one undo from another.
    """

    id: str
    user_id: str
    at: float
    entry: HistoryEntry
    label: LabelEntry
    review: ReviewMove | None
    leads: bool
    mark: bytes


@record
class ReturnOutcome:
    """What became of a return: what was given back and where the account stands, None for an account that no longer
    exists; ``refused`` where the review no longer has that decision.
    """

    state: Undone | Literal["gone", "refused"]
    standing: Standing | None


class Tiers:
    """Writes accounts, and puts them in tiers. Every method raises :class:`riskapi.errors.StoreUnavailable`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._record, self._again = store.script("account_record"), store.script("account_again")
        self._tier, self._restrict = store.script("account_tier"), store.script("account_restrict")
        self._decide, self._undo = store.script("review_decide"), store.script("review_undo")

    def record(self, arrival: Arrival, policy: Policy, now: float) -> KnownAccount | None:
        """Write an account with its history, event and review, all or nothing; once an account.

        Returns None when it was written, else the account that was there already.
        """
        pipe = self._store.pipeline()
        known = self.queue_record(pipe, arrival, policy, now)
        self._store.run(pipe)
        return known()

    def queue_record(
        self, pipe: Pipeline, arrival: Arrival, policy: Policy, now: float
    ) -> ReplyReader[KnownAccount | None]:
        """As :meth:`record`, in a pipeline."""
        user_id, entry, review = arrival.user_id, arrival.entry, arrival.review
        number = shard(user_id)
        given: dict[str, Any] = {
            "ttl": policy.retention.accounts_days * DAY,
            "oldest": oldest(policy.retention.decisions_days),
            "type": arrival.type,
            "user_id": user_id,
        }
        fields: dict[str, bytes | str | int] = {**arrival.fields}
        # What every account has, in the order of the script, which knows the names.
        always = (
            first_record(arrival.answer, arrival.decision, arrival.signup),
            fields.pop("mail"),
            fields.pop("at"),
            fields.pop("entities"),
            fields.pop("own"),
        )
        if entry is None:
            fields |= first_entry_fields(arrival.until, arrival.cause)
        else:
            fields["history_whole"] = 1
            given["history"] = orjson.dumps(entry).decode()
            if entry["from"] not in (None, entry["to"]):
                given["moved"] = tier_event(user_id, entry, now).decode()
        if arrival.due is not None:
            given["due"] = unix_text(arrival.due)
        keys = [account_key(user_id), history_key(user_id), stream(number), agenda_key(number)]
        if review is not None:
            keys += (review.key, review.index)
        return self._record.ask(pipe, keys, _args(given, (arrival.event, *always), fields, review), read=_known)

    def again(self, change: Change, policy: Policy, now: float) -> Standing | None:
        """Write down that an account was decided again; where it stands then, None when it changed meanwhile.

        Raises ``not_found``.
        """
        user_id, review, entry = change.user_id, change.review, change.entry
        given: dict[str, Any] = {
            "ttl": policy.retention.accounts_days * DAY,
            "oldest": oldest(policy.retention.decisions_days),
            "user_id": user_id,
            "revision": change.revision,
            "tier": change.tier,
            "history": orjson.dumps(entry).decode(),
            "moved": tier_event(user_id, entry, now).decode(),
            "gone": [name for name, value in change.fields.items() if value is None],
        }
        if change.pause is not None:
            given["pause"] = change.pause.told_script()
        keys = [account_key(user_id), history_key(user_id), stream(shard(user_id))]
        if review is not None:
            keys += (review.key, review.index)
        fields: Fields = {"latest": pack(change.answer)} | {
            name: value for name, value in change.fields.items() if value is not None
        }
        reply = self._again.call(keys, _args(given, (change.event, pack(change.decision)), fields, review))
        return None if list(reply) == [b"again"] else standing(reply)

    def change(self, user_id: str, entry: HistoryEntry, now: float, policy: Policy) -> Standing:
        """Put an account in the tier that ``entry`` names in ``to`` at Unix time ``now``, on a person's word.

        ``from`` of the entry is put in where it is written, see :func:`by_reviewer`. Raises ``not_found``.
        """
        keys = [account_key(user_id), history_key(user_id), stream(shard(user_id))]
        args: list[Any] = [policy.retention.accounts_days * DAY, entry["to"], orjson.dumps(entry)]
        args.append(tier_event(user_id, entry, now))
        return standing(self._tier.call(keys, [*args, oldest(policy.retention.decisions_days)]))

    def restrict(self, given: RestrictionChange, policy: Policy, now: float) -> Standing | None:
        """Write down what an account bears because of others; where it stands then, None when it changed meanwhile.

        Raises ``not_found``.
        """
        number = shard(given.user_id)
        keys = [account_key(given.user_id), history_key(given.user_id), stream(number)]
        keys += (agenda_key(number), causes_key(number), restricted_key(number))
        reply = self._restrict.call(keys, [orjson.dumps(given.told_script(policy, now))])
        return None if list(reply) == [b"again"] else standing(reply)

    @staticmethod
    def _given(each: AccountDecision | AccountReturn, policy: Policy) -> dict[str, Any]:
        """What the scripts of reviews are both told."""
        given: dict[str, Any] = {
            "id": each.id,
            "leads": each.leads,
            "ttl": policy.retention.accounts_days * DAY,
            "oldest": oldest(policy.retention.decisions_days),
            "history": orjson.dumps(each.entry).decode(),
            "moved": tier_event(each.user_id, each.entry, each.at).decode(),
        }
        if each.label is not None:
            event = label_event(each.user_id, each.label, each.at).decode()
            given["label"] = {"name": each.label["label"], "row": orjson.dumps(each.label).decode(), "event": event}
        if each.review is not None:
            given["review"] = {"event": each.review.event.decode(), "place": each.review.place}
        return given

    def queue_decide(self, pipe: Pipeline, decision: AccountDecision, policy: Policy) -> ReplyReader[DecisionOutcome]:
        """Decide an account as a person said, in a pipeline, once for each decision, and close its review."""
        given = self._given(decision, policy) | {
            "tier": decision.entry["to"],
            "holder": decision.holder,
            "now": unix_text(decision.at),
            "claim": policy.reviews.claim_minutes * 60,
        }
        fields = _flat(decision.review.fields) if decision.review is not None else []
        return self._decide.ask(pipe, _keys(decision), [orjson.dumps(given), *fields], read=_decided)

    def queue_give_back(self, pipe: Pipeline, back: AccountReturn, policy: Policy) -> ReplyReader[ReturnOutcome]:
        """Give an account back, in a pipeline, what it was before a decision, and open its review. Safe to repeat."""
        given = self._given(back, policy) | {"mark": back.mark.decode()}
        return self._undo.ask(pipe, _keys(back), [orjson.dumps(given)], read=_returned)


def _keys(each: AccountDecision | AccountReturn) -> list[str]:
    """The keys of an account and its review, where it has one, for the scripts of reviews."""
    user_id, review = each.user_id, each.review.keys if each.review is not None else ()
    return [account_key(user_id), history_key(user_id), labels_key(user_id), stream(shard(user_id)), *review]


def _decided(reply: Sequence[Any]) -> DecisionOutcome:
    state, *rest = reply
    if state == b"refused":
        return DecisionOutcome("refused", None, *(text.decode() for text in rest))
    return DecisionOutcome(state.decode(), standing(rest) if rest else None)


def _returned(reply: Sequence[Any]) -> ReturnOutcome:
    state, *rest = reply
    return ReturnOutcome(state.decode(), standing(rest) if rest else None)


def _flat(fields: Fields) -> list[bytes | str | int]:
    return [*chain.from_iterable(fields.items())]


def _args(
    given: dict[str, Any], told: Sequence[bytes | str | int], fields: Fields, review: ReviewOpening | None
) -> list[bytes | str | int]:
    """What ``account_record`` and ``account_again`` are given: JSON, what is told, other fields of the account, then
    the event of the review and its fields.
    """
    args = [*told, *_flat(fields)]
    if review is not None:
        # Lua counts from 1, and the JSON comes first.
        given["review"] = {"place": review.place, "first": len(args) + 2}
        args += (review.event, review.id, review.opened_at, review.risk_score)
        if review.reasons is not None:
            args += ("reasons", review.reasons)
    return [orjson.dumps(given), *args]


def _known(reply: Sequence[Any]) -> KnownAccount | None:
    """The account that was there already; the reply begins with 1 where there was none."""
    written, *found = reply
    return None if written else known_account(found)


def by_reviewer(
    tier: str, reason: str | None, actor: str, now: float, policy: Policy, reviewer: str | None = None
) -> HistoryEntry:
    """The history entry of a tier that a person set; the script that writes it puts the tier before into ``from``.

    ``actor`` is who called, ``reviewer`` whom the caller says it is from, if anybody.
    """
    entry = history_entry(now, PUT_LATER, tier, "reviewer", reason, {"policy": policy.version}, actor=actor)
    if reviewer:
        entry["reviewer"] = reviewer
    return entry
