"""Entries of the lists: what one is, how it is kept, and what is told of it.

For matching all entries are one table (``risk:l:{b}``, see :mod:`riskapi.lists.matching`). What an entry is stands in a
hash of its own, the accounts it named in a sorted set, so that whoever counts a hit twice counts nothing. All of it is
in the slot of :mod:`riskapi.budgets.keys`, where the stream is that tells of every change in the same step.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import cast

import orjson
from typing_extensions import TypedDict

from riskapi.budgets.keys import EVENTS
from riskapi.contract import Count, Instant
from riskapi.lists.list_names import ListName
from riskapi.lists.matching import LETTERS, ListKind, field, hashed_field
from riskapi.store import damaged
from riskapi.store.connections import Store
from riskapi.store.pipelines import as_it_is
from riskapi.times import DAY, rfc3339
from signals.records import record

#: Every entry that can match, see :mod:`riskapi.lists.matching`. No TTL: entries stand until they are removed or
#: expire.
TABLE = "risk:l:{b}"
#: Entries in the order they were made. No TTL: entries leave it when they are removed or forgotten.
INDEX = "risk:li:{b}"
#: Entries that expire, by when. No TTL: entries leave it when they are removed or forgotten.
EXPIRIES = "risk:lx:{b}"
#: Seconds that a removed entry is still known, so that accounts it named can be decided again without it.
AFTERWARDS = 7 * DAY
#: Digits of an HMAC that an answer shows of an entry without its value: enough to tell two apart, and no look-up key.
_SHORT = 6
#: Fields of an entry's hash that name a decision which keeps it there, with the time until which it does.
_CAUSE = "c:"


class ListEntry(TypedDict):
    """One entry. ``normalized`` is the value as signups are looked up by it.

    A ``hashed`` one has no value, and ``normalized`` is the beginning of its HMAC. ``review_ids`` are the reviews
    whose decisions keep it there. ``hits`` are the accounts it named, 10,000 or more at 10,000. The id is null for
    what was not saved.
    """

    id: str | None
    list: ListName
    kind: ListKind
    value: str | None
    normalized: str
    hashed: bool
    reason: str | None
    author: str
    created_at: Instant
    updated_at: Instant
    expires_at: Instant | None
    expired: bool
    silences_feedback: bool
    review_ids: Sequence[str]
    hits: Count
    last_hit_at: Instant | None


@record
class StoredEntry:
    """One entry. Times are Unix times; ``expires_at`` is None for never. ``normal`` is the value as it is looked up.

    Where it is ``hashed`` the value is not kept: ``value`` is empty and ``normal`` its HMAC. ``id`` is empty for one
    that was not saved. ``hits`` are the accounts it named, ``last_hit_at`` when it last did. ``decisions`` are the ids
    of those that keep it there. ``removed``: it is gone, and only still known.
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
    hashed: bool = False
    hits: int = 0
    last_hit_at: float | None = None
    decisions: tuple[str, ...] = ()
    removed: bool = False

    @property
    def place(self) -> str:
        """Where it stands in the index: places sort as text by time, and say what can be asked for."""
        return f"{max(self.created_at, 0.0):019.6f}:{self.id}:{self.list}:{self.kind}"

    @property
    def field(self) -> str:
        """Where it stands in the table."""
        return hashed_field(self.kind, self.normal) if self.hashed else field(self.kind, self.normal)

    def view(self, now: float) -> ListEntry:
        """The entry as callers get it at Unix time ``now``."""
        return {
            "id": self.id or None,
            "list": self.list,
            "kind": self.kind,
            "value": None if self.hashed else self.value,
            "normalized": short(self.normal) if self.hashed else self.normal,
            "hashed": self.hashed,
            "reason": self.reason,
            "author": self.author,
            "created_at": rfc3339(self.created_at),
            "updated_at": rfc3339(self.updated_at),
            "expires_at": _written(self.expires_at),
            "expired": self.expires_at is not None and self.expires_at <= now,
            "silences_feedback": self.silences_feedback,
            "review_ids": [decision.partition(".")[0] for decision in self.decisions],
            "hits": self.hits,
            "last_hit_at": _written(self.last_hit_at),
        }

    def details(self) -> dict[str, str]:
        """The fields of its hash, without those that only a new one gets."""
        return {
            "list": self.list,
            "kind": self.kind,
            "value": self.value,
            "normal": self.normal,
            "hashed": str(int(self.hashed)),
            "author": self.author,
            "reason": self.reason or "",
            "updated_at": repr(self.updated_at),
            "expires_at": expiry(self.expires_at),
            "silences_feedback": str(int(self.silences_feedback)),
        }

    def event(self, change: str, actor: str | None, now: float) -> bytes:
        """What the stream is told of a change. Never the value: that may be somebody's address."""
        told = {"id": self.id, "list": self.list, "kind": self.kind, "change": change, "actor": actor, "at": now}
        return orjson.dumps(told)


def details_key(entry_id: str) -> str:
    """Key of what an entry is. No TTL until it is removed; then a week."""
    return f"risk:le:{{b}}:{entry_id}"


def hits_key(entry_id: str) -> str:
    """Key of the accounts an entry named, by when; expires with its details."""
    return f"risk:lh:{{b}}:{entry_id}"


def keys(entry_id: str) -> list[str]:
    """All that an entry stands in, as the scripts that end one take it."""
    return [TABLE, details_key(entry_id), INDEX, EXPIRIES, hits_key(entry_id), EVENTS]


def expiry(at: float | None) -> str:
    """When an entry expires, as its hash keeps it: a Unix time, or empty for never."""
    return "" if at is None else repr(at)


def short(mac: str) -> str:
    """An HMAC as answers show it."""
    return f"#{mac[:_SHORT]}…"


def held_on(name: ListName, found: bytes | None) -> str:
    """The id of the entry that a list has under a field of the table, from what stands there; empty for none."""
    segments = (segment.split("|")[0] for segment in (found or b"").decode().split())
    return next((segment[1:] for segment in segments if LETTERS[segment[0]] == name), "")


def new_id() -> str:
    """The id of an entry that is made now."""
    return f"lst_{secrets.token_hex(10)}"


def read(store: Store, entry_ids: Sequence[str]) -> Iterator[StoredEntry]:
    """The entries with these ids that are known, in that order; one trip. Raises :class:`StoreUnavailable`."""
    pipe = store.pipeline()
    asked = [
        (
            entry_id,
            pipe.ask("HGETALL", details_key(entry_id), read=as_it_is),
            pipe.ask("ZCARD", hits_key(entry_id), read=int),
        )
        for entry_id in entry_ids
    ]
    store.run(pipe)
    for entry_id, details, hits in asked:
        fields = details()
        kept = partial(_entry, entry_id, fields, hits())
        found = damaged.read("list entry", entry_id, kept, None) if fields else None
        if found is not None:
            yield found


def _entry(entry_id: str, fields: Mapping[bytes, bytes], hits: int) -> StoredEntry:
    found = {name.decode(): value.decode() for name, value in fields.items()}
    return StoredEntry(
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
        hashed=found.get("hashed") == "1",
        hits=hits,
        last_hit_at=float(found["last_hit"]) if "last_hit" in found else None,
        decisions=tuple(sorted(name.removeprefix(_CAUSE) for name in found if name.startswith(_CAUSE))),
        removed="removed" in found,
    )


def restored(entry_id: str, fields: Sequence[str]) -> StoredEntry:
    """An entry from the fields and values that its hash had, one after the other."""
    names = (name.encode() for name in fields[::2])
    return _entry(entry_id, dict(zip(names, (value.encode() for value in fields[1::2]), strict=True)), 0)


def _written(at: float | None) -> str | None:
    return None if at is None else rfc3339(at)


def denied_key(decision_id: str) -> str:
    """Key of what a decision denies; it expires ``retention.accounts_days`` after it was last carried out."""
    return f"risk:lr:{{b}}:{decision_id}"
