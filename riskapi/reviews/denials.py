"""Denials: what decisions of reviews put on the deny list, without the values, and take back.

What a decision denies is one hash, ``risk:lr:{b}:<decision>``, in the slot of the lists: the entry of each value,
written in the same step as the entry. So whoever carries a decision out again puts nothing twice, what a person removed
meanwhile stays removed, and a decision that was undone puts nothing any more. An entry that is there for another
reason, too, stays as long as that does.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import orjson

from riskapi.budgets.keys import EVENTS
from riskapi.lists import entries
from riskapi.lists.entries import (
    AFTERWARDS,
    EXPIRIES,
    INDEX,
    TABLE,
    ListEntry,
    StoredEntry,
    denied_key,
    details_key,
    held_on,
    hits_key,
    new_id,
)
from riskapi.lists.matching import KEYED, hashed_field
from riskapi.policy.active import ActiveBasis
from riskapi.reviews.decided_accounts import DecisionPlan
from riskapi.store.connections import Store
from riskapi.store.streams import oldest
from riskapi.times import DAY

#: Seconds an address is denied at most. It changes hands (a line at home gets another one, and a carrier gives
#: one to many), so it says something about whoever comes next for as long as the attack lasts.
_ADDRESS = DAY


class Denials:
    """Puts and takes back. Every method raises :class:`StoreUnavailable` while the store is away."""

    def __init__(self, store: Store, active: ActiveBasis) -> None:
        self._store, self._active = store, active
        self._deny, self._withdraw = store.script("list_deny"), store.script("list_withdraw")

    def put(self, plan: DecisionPlan) -> dict[tuple[str, str], str]:
        """Deny all that a decision says; returns the id of each entry by kind of entity and HMAC. Safe to repeat.

        Nothing is put for a decision that was undone.
        """
        left, found = list(plan.deny), dict[tuple[str, str], str]()
        while left:
            fields = [hashed_field(KEYED[kind], mac) for kind, mac in left]
            rows: Sequence[bytes | None] = self._store.execute("HMGET", TABLE, *fields)
            pipe = self._store.pipeline()
            for (kind, mac), row in zip(left, rows, strict=True):
                held = held_on("deny", row)
                self._queue(pipe, plan, _entry(plan, kind, mac, held or new_id()), held)
            replies = self._store.run(pipe)
            found |= {value: reply[1].decode() for value, reply in zip(left, replies, strict=True) if reply[0] == 1}
            left = [value for value, reply in zip(left, replies, strict=True) if reply[0] == 0]
        return found

    def _queue(self, pipe: Any, plan: DecisionPlan, entry: StoredEntry, held: str) -> None:
        keys = [TABLE, details_key(entry.id), INDEX, EXPIRIES, EVENTS, denied_key(plan.id)]
        given = {
            "field": entry.field,
            "id": entry.id,
            "held": held,
            "decision": plan.id,
            "place": entry.place,
            "expires": entries.expiry(entry.expires_at),
            "event": entry.event("put", plan.actor, plan.at).decode(),
            "oldest": self._oldest(),
            "now": repr(plan.at),
            "ttl": self._seconds(),
        }
        self._deny.queue(pipe, keys, [orjson.dumps(given), *chain.from_iterable(entry.details().items())])

    def take_back(self, plan: DecisionPlan, actor: str, now: float) -> list[str]:
        """Take back all that a decision denied, and let it deny nothing any more; returns the entries that are gone.

        Safe to repeat.
        """
        while plan.deny:
            found = self._ids(plan.id)
            known = {entry.id: entry for entry in entries.read(self._store, list(found.values()))}
            keys = [TABLE, INDEX, EXPIRIES, EVENTS, denied_key(plan.id)]
            args: list[Any] = [plan.id, len(found), AFTERWARDS, self._oldest(), repr(now), self._seconds()]
            for entry in known.values():
                keys += (details_key(entry.id), hits_key(entry.id))
                args += (entry.field, entry.id, entry.place)
                args += (entry.event("removed", actor, now), entry.event("put", actor, now))
            done, *removed = self._withdraw.call(keys, args)
            if done:
                return [entry_id.decode() for entry_id in removed]
        return []

    def of(self, decision_id: str, now: float) -> list[ListEntry]:
        """The entries that a decision made or kept and that are still there, as callers get them."""
        found = entries.read(self._store, list(self._ids(decision_id).values()))
        return [entry.view(now) for entry in found if decision_id in entry.decisions and not entry.removed]

    def _ids(self, decision_id: str) -> dict[str, str]:
        """The entries of what a decision denies, by field of the table."""
        found = self._store.execute("HGETALL", denied_key(decision_id))
        return {where.decode(): entry_id.decode() for where, entry_id in found.items() if where != b"undone"}

    def _oldest(self) -> str:
        return oldest(self._active.policy.retention.decisions_days)

    def _seconds(self) -> int:
        return self._active.policy.retention.accounts_days * DAY


def _entry(plan: DecisionPlan, kind: str, mac: str, entry_id: str) -> StoredEntry:
    return StoredEntry(
        id=entry_id,
        list="deny",
        kind=KEYED[kind],
        value="",
        normal=mac,
        author=plan.actor,
        reason=plan.reason,
        created_at=plan.at,
        updated_at=plan.at,
        expires_at=_ends(plan, kind),
        silences_feedback=False,
        hashed=True,
    )


def _ends(plan: DecisionPlan, kind: str) -> float | None:
    """When what a decision denies is allowed again, a Unix time; None for never."""
    if kind != "ip":
        return plan.deny_expires_at
    ends = plan.at + _ADDRESS
    return ends if plan.deny_expires_at is None else min(plan.deny_expires_at, ends)
