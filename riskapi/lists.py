"""The lists: what a person wants allowed, denied or watched, whatever model and rules say of it.

For matching all entries are one table (``risk:l:{b}``, see :mod:`riskapi.listed`). What an entry is stands in a hash of
its own, the accounts it named in a sorted set, so that whoever counts a hit twice counts nothing. All of it is in the
slot of :mod:`riskapi.budgets`, where the stream is that tells of every change in the same step.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import orjson

from riskapi.budgets import EVENTS
from riskapi.cursors import cursor_of, position
from riskapi.errors import Problem
from riskapi.instants import rfc3339
from riskapi.judge import Court
from riskapi.list_matches import MOST, Matches
from riskapi.list_values import Values
from riskapi.listed import LETTERS, ListKind, ListName, field, packed
from riskapi.outbox import oldest
from riskapi.store.connections import Store
from signals.records import record

#: Every entry that can match, see :mod:`riskapi.listed`. No TTL: entries stand until they are removed or expire.
_TABLE = "risk:l:{b}"
#: Entries in the order they were made. No TTL: entries leave it when they are removed or forgotten.
_INDEX = "risk:li:{b}"
#: Entries that expire, by when. No TTL: entries leave it when they are removed or forgotten.
_EXPIRIES = "risk:lx:{b}"
_PLACE = re.compile(r"\d{12}\.\d{6}:lst_[0-9a-f]{20}:(?:allow|deny|watch):[a-z_]+")
#: Accounts remembered as named by an entry, the newest. Ours; from here on a count says "this many or more".
MOST_HITS = 10_000
#: Seconds that a removed entry is still known, so that accounts it named can be decided again without it. Ours.
_AFTERWARDS = 7 * 86400
#: Seconds that an expired entry is still shown, so that somebody may write it anew. Ours.
_SHOWN = 30 * 86400
#: Accounts named in an answer; there may be more.
_NAMED = 100
#: Entries read in one trip, and entries a report holds at most.
_TRIP, _MOST_REPORTED = 500, 1000
#: Days after which an entry that never expires should be looked at again: a year. Ours.
_LOOK_AGAIN = 365
_DAY = 86400


@record
class Entry:
    """One entry. Times are Unix times; ``expires_at`` is None for never. ``normal`` is the value as it is looked up.

    ``id`` is empty for one that was not saved. ``hits`` are the accounts it named, ``last_hit_at`` when it last did.
    ``removed``: it is no more, and is only still known.
    """

    id: str
    list: ListName
    kind: ListKind
    value: str
    normal: str
    author: str
    reason: str | None
    created_at: float
    updated_at: float
    expires_at: float | None
    silences_feedback: bool
    hits: int = 0
    last_hit_at: float | None = None
    removed: bool = False

    @property
    def place(self) -> str:
        """Where it stands in the index: places sort as text by time, and say what can be asked for."""
        return f"{max(self.created_at, 0.0):019.6f}:{self.id}:{self.list}:{self.kind}"

    def view(self, now: float) -> dict[str, Any]:
        """The entry as callers get it at Unix time ``now``."""
        return {
            "id": self.id or None,
            "list": self.list,
            "kind": self.kind,
            "value": self.value,
            "normalized": self.normal,
            "reason": self.reason,
            "author": self.author,
            "created_at": rfc3339(self.created_at),
            "updated_at": rfc3339(self.updated_at),
            "expires_at": _written(self.expires_at),
            "expired": self.expires_at is not None and self.expires_at <= now,
            "silences_feedback": self.silences_feedback,
            "hits": self.hits,
            "last_hit_at": _written(self.last_hit_at),
        }


def queue(pipe: Any, fields: Sequence[str]) -> None:
    """Ask, in a pipeline, what stands under fields of the table; :func:`riskapi.listed.found` reads the reply.

    Nothing is queued for no fields.
    """
    if fields:
        pipe.execute_command("HMGET", _TABLE, *fields)


class Lists:
    """Keeps the lists. Every method raises :class:`riskapi.errors.StoreUnavailable` while the store is away."""

    def __init__(self, store: Store, values: Values, matches: Matches, court: Court) -> None:
        self._store, self._values, self._matches, self._court = store, values, matches, court
        self._put, self._remove = store.script("list_put"), store.script("list_remove")
        self._expire, self._hit = store.script("list_expire"), store.script("list_hit")

    def draft(
        self,
        name: ListName,
        kind: ListKind,
        value: str,
        *,
        expires_at: float | None,
        reason: str | None,
        author: str,
        silences_feedback: bool,
        now: float,
    ) -> Entry:
        """An entry that is not saved yet. Raises ``invalid`` for what cannot be one."""
        normal = self._values.normal(name, kind, value)
        if expires_at is not None and expires_at <= now:
            raise _invalid("/expires_at", "lies in the past")
        if silences_feedback and name != "allow":
            raise _invalid("/silences_feedback", "only an entry of the allow list can keep feedback from counting")
        return Entry("", name, kind, value, normal, author, reason, now, now, expires_at, silences_feedback)

    def put(self, entry: Entry, now: float) -> Entry:
        """Save a draft. One that this list has for the kind and value already is written anew and keeps its id."""
        where, token = field(entry.kind, entry.normal), secrets.token_hex(8)
        while True:
            held = self._held(where, entry.list)
            made = replace(entry, id=held or f"lst_{secrets.token_hex(10)}")
            details = _details(made)
            keys = [_TABLE, _details_key(made.id), _INDEX, _EXPIRIES, EVENTS]
            expires = "" if made.expires_at is None else repr(made.expires_at)
            segment = packed(made.list, made.id, made.expires_at, made.silences_feedback)
            args: list[Any] = [where, made.list[0], made.id, held, segment, token, made.place, expires]
            args += (_event(made, "put", made.author, now), self._oldest(), repr(now))
            for name, text in details.items():
                args += (name, text)
            if self._put.call(keys, args):
                return self.load(made.id) or made

    def remove(self, name: ListName, entry_id: str, actor: str, now: float) -> Entry:
        """Take an entry off its list; returns what it was. Raises ``not_found``."""
        entry, token = self.get(name, entry_id), secrets.token_hex(8)
        args: list[Any] = [field(entry.kind, entry.normal), name[0], entry_id, entry.place, token, _AFTERWARDS]
        if not self._remove.call(_keys(entry_id), [*args, _event(entry, "removed", actor, now), self._oldest()]):
            raise _unknown()
        return entry

    def expire(self, now: float) -> int:
        """Tell of entries that have expired, and forget those that did long ago; returns how many were told of.

        They match no more from the moment they expire; this has others learn of it. Safe to run twice, and at once.
        """
        found = self._store.execute("ZRANGEBYSCORE", _EXPIRIES, "-inf", repr(now), "LIMIT", 0, _TRIP)
        due, told = [entry_id.decode() for entry_id in found], 0
        known = {entry.id: entry for entry in self._read(due)}
        if lost := [entry_id for entry_id in due if entry_id not in known]:  # a store that was restored from a copy
            self._store.execute("ZREM", _EXPIRIES, *lost)
        for entry in known.values():
            args: list[Any] = [field(entry.kind, entry.normal), entry.list[0], entry.id, entry.place, repr(now), _SHOWN]
            event = _event(entry, "expired", None, now)
            told += self._expire.call(_keys(entry.id), [*args, event, self._oldest()])
        return told

    def get(self, name: ListName, entry_id: str) -> Entry:
        """One entry of a list. Raises ``not_found``."""
        found = self.load(entry_id)
        if found is None or found.list != name or found.removed:
            raise _unknown()
        return found

    def load(self, entry_id: str) -> Entry | None:
        """One entry, also one that was removed within a week; None for what is not known."""
        return next(self._read([entry_id]), None)

    def page(
        self, name: ListName | None, kind: ListKind | None, limit: int, cursor: str | None, now: float
    ) -> dict[str, Any]:
        """Entries, newest first, ``limit`` a page; of one list, one kind, or all.

        ``cursor`` is the ``next_cursor`` of the page before; one that cannot be read raises ``invalid``.
        """
        found: list[bytes] = []
        for place in self._places(f"({position(cursor, _PLACE)}" if cursor else "+"):
            _, _, of, each = place.decode().split(":")
            if name in (None, of) and kind in (None, each):
                found.append(place)
                if len(found) > limit:
                    break
        shown = found[:limit]
        entries = [entry.view(now) for entry in self._read([_id_of(place) for place in shown])]
        return {"entries": entries, "next_cursor": cursor_of(shown[-1]) if len(found) > limit else None}

    def stale(self, now: float, days: int) -> dict[str, Any]:
        """Entries that somebody should look at again, oldest first, with why; 1,000 at most.

        ``expired``; ``never_hit`` and ``not_hit_lately``: it is older than ``days`` and named nobody in that time;
        ``never_expires``: it has no expiry and nobody wrote it anew for a year.
        """
        found: list[dict[str, Any]] = []
        places = list(self._places("+"))[::-1]
        for start in range(0, len(places), _TRIP):
            for entry in self._read([_id_of(place) for place in places[start : start + _TRIP]]):
                if why := list(_staleness(entry, now, now - days * _DAY)):
                    found.append({**entry.view(now), "why": why})
                    if len(found) > _MOST_REPORTED:
                        return {"days": days, "entries": found[:-1], "complete": False}
        return {"days": days, "entries": found, "complete": True}

    def count_hit(self, entry_id: str, user_id: str, at: float) -> int:
        """Count at Unix time ``at`` that an entry named an account, once an account. An entry that is not there names
        nobody. Returns how many accounts it named by now.
        """
        keys = [_details_key(entry_id), _hits_key(entry_id)]
        return int(self._hit.call(keys, [user_id, repr(at), MOST_HITS]))

    def hit(self, entry_id: str) -> list[str]:
        """The accounts that an entry named, newest first, :data:`MOST_HITS` at most."""
        return [name.decode() for name in self._store.execute("ZREVRANGE", _hits_key(entry_id), 0, -1)]

    def matching(self, entry: Entry, limit: int) -> tuple[list[str], bool]:
        """At most ``limit`` accounts that an entry names, or named, and whether these are all of them."""
        return self._matches.matching(entry.kind, entry.normal, limit)

    def would_match(self, entry: Entry) -> dict[str, Any]:
        """Which accounts that are there already an entry names, for the answer."""
        names, complete = self.matching(entry, MOST)
        return {
            "would_match": names[:_NAMED],
            "would_match_count": len(names),
            "would_match_complete": complete,
        }

    def _held(self, where: str, name: ListName) -> str:
        """The id of the entry that a list has under a field of the table, or empty."""
        found = self._store.execute("HGET", _TABLE, where) or b""
        segments = (segment.split("|")[0] for segment in found.decode().split())
        return next((segment[1:] for segment in segments if LETTERS[segment[0]] == name), "")

    def _places(self, top: str) -> Iterator[bytes]:
        """The index from below ``top`` on, newest first."""
        while found := self._store.execute("ZREVRANGEBYLEX", _INDEX, top, "-", "LIMIT", 0, _TRIP):
            yield from found
            top = f"({found[-1].decode()}"

    def _read(self, entry_ids: Sequence[str]) -> Iterator[Entry]:
        """The entries with these ids that are known, in that order."""
        pipe = self._store.pipeline()
        for entry_id in entry_ids:
            pipe.execute_command("HGETALL", _details_key(entry_id))
            pipe.execute_command("ZCARD", _hits_key(entry_id))
        replies = self._store.run(pipe)
        for entry_id, fields, hits in zip(entry_ids, replies[::2], replies[1::2], strict=True):
            if fields:
                yield _entry(entry_id, fields, hits)

    def _oldest(self) -> str:
        return oldest(self._court.policy.retention.decisions_days)


def _details_key(entry_id: str) -> str:
    """Key of what an entry is. No TTL until it is removed; then a week."""
    return f"risk:le:{{b}}:{entry_id}"


def _hits_key(entry_id: str) -> str:
    """Key of the accounts an entry named, by when; expires with its details."""
    return f"risk:lh:{{b}}:{entry_id}"


def _keys(entry_id: str) -> list[str]:
    return [_TABLE, _details_key(entry_id), _INDEX, _EXPIRIES, _hits_key(entry_id), EVENTS]


def _details(entry: Entry) -> dict[str, str]:
    """The fields of an entry's hash, but for those that only a new one gets."""
    return {
        "list": entry.list,
        "kind": entry.kind,
        "value": entry.value,
        "normal": entry.normal,
        "author": entry.author,
        "reason": entry.reason or "",
        "updated_at": repr(entry.updated_at),
        "expires_at": "" if entry.expires_at is None else repr(entry.expires_at),
        "silences_feedback": str(int(entry.silences_feedback)),
    }


def _entry(entry_id: str, fields: Mapping[bytes, bytes], hits: int) -> Entry:
    found = {name.decode(): value.decode() for name, value in fields.items()}
    return Entry(
        id=entry_id,
        list=cast("ListName", found["list"]),
        kind=cast("ListKind", found["kind"]),
        value=found["value"],
        normal=found["normal"],
        author=found["author"],
        reason=found["reason"] or None,
        created_at=float(found["created_at"]),
        updated_at=float(found["updated_at"]),
        expires_at=float(found["expires_at"]) if found["expires_at"] else None,
        silences_feedback=found["silences_feedback"] == "1",
        hits=hits,
        last_hit_at=float(found["last_hit"]) if "last_hit" in found else None,
        removed="removed" in found,
    )


def _event(entry: Entry, change: str, actor: str | None, now: float) -> bytes:
    """What the stream is told of a change. Never the value: that may be somebody's address."""
    told = {"id": entry.id, "list": entry.list, "kind": entry.kind, "change": change, "actor": actor, "at": now}
    return orjson.dumps(told)


def _staleness(entry: Entry, now: float, since: float) -> Iterator[str]:
    if entry.expires_at is not None and entry.expires_at <= now:
        yield "expired"
    if entry.last_hit_at is None and entry.updated_at < since:
        yield "never_hit"
    if entry.last_hit_at is not None and max(entry.last_hit_at, entry.updated_at) < since:
        yield "not_hit_lately"
    if entry.expires_at is None and entry.updated_at < now - _LOOK_AGAIN * _DAY:
        yield "never_expires"


def _id_of(place: bytes) -> str:
    return place.decode().split(":")[1]


def _written(at: float | None) -> str | None:
    return None if at is None else rfc3339(at)


def _unknown() -> Problem:
    return Problem("not_found", "No entry of this list has this id.")


def _invalid(pointer: str, detail: str) -> Problem:
    error = {"pointer": pointer, "code": "value_error", "detail": detail}
    return Problem("invalid", f"1 error, at {pointer}.", [error])
