"""Batches: many entries put on the lists at once, and taken off again as one step, with what they replaced.

A batch is one hash (``risk:lb:{b}:<batch_id>``): for each value the entry, and what it was before, written in the same
step as the entry. It is undone by marking it first, from when on it puts nothing more, and then value by value; a
caller that is stopped in between finishes it by asking again.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, cast

import orjson
from pydantic import Field
from typing_extensions import TypedDict

from riskapi.budgets.keys import EVENTS
from riskapi.contract import Count, Instant
from riskapi.errors import Problem
from riskapi.inputs.json_lines import Rejected, Row
from riskapi.lists import entries
from riskapi.lists.entries import AFTERWARDS, EXPIRIES, INDEX, TABLE, StoredEntry, denied_key, details_key, hits_key
from riskapi.lists.entry_rows import ListedRow, read_row
from riskapi.lists.list_names import ListName
from riskapi.lists.lists import Lists
from riskapi.lists.matching import packed
from riskapi.lists.puts import KEPT, Put, Puts, batch_key, permanent
from riskapi.policy.active import ActiveBasis
from riskapi.store import damaged
from riskapi.store.connections import Store
from riskapi.store.streams import oldest
from riskapi.times import rfc3339
from signals.records import record

#: Rows of one request, and values of one batch. A request takes some seconds, a batch 50 MB at most.
MOST_ROWS, MOST = 5_000, 100_000
#: Rows put, and values taken back, in one trip: some 10 ms of the store's time, for which others wait.
_TRIP = 200
#: Rejected rows that an answer names.
_NAMED = 500
_COUNTS = ("put", "replaced", "unchanged")
_UNDONE = ("removed", "restored", "left")


class RejectedEntry(TypedDict):
    """A row that was not put: its line, or its place in `entries` counted from 1, where it is wrong, and what is."""

    line: Annotated[int, Field(ge=1)]
    pointer: str
    code: str
    detail: str


class Bulk(TypedDict):
    """What became of the rows: `put` are new, `replaced` wrote an entry anew, `unchanged` said what was there already.

    ``batch_id`` is null where nothing was put. At most 500 of those rejected are named.
    """

    batch_id: str | None
    put: Count
    replaced: Count
    unchanged: Count
    rejected_count: Count
    rejected: list[RejectedEntry]


class Batch(TypedDict):
    """A batch, its counts, and once it is undone: how many entries were `removed`, are what they were before
    (`restored`), or were `left`, as somebody wrote or removed them since.
    """

    batch_id: str
    list: ListName
    author: str
    created_at: Instant
    undone_at: Instant | None
    put: Count
    replaced: Count
    unchanged: Count
    removed: Count
    restored: Count
    left: Count


@record
class BatchOutcome:
    """What became of rows: how many are new, replaced another, said what was there, and those that were rejected.

    ``id`` is the batch, None for a dry run and where nothing was put.
    """

    id: str | None
    put: int
    replaced: int
    unchanged: int
    rejected: Sequence[Rejected]

    def view(self) -> Bulk:
        """As answers show it."""
        rejected: list[RejectedEntry] = [
            {"line": each.number, "pointer": each.pointer, "code": each.code, "detail": each.detail}
            for each in self.rejected[:_NAMED]
        ]
        return {
            "batch_id": self.id,
            "put": self.put,
            "replaced": self.replaced,
            "unchanged": self.unchanged,
            "rejected_count": len(self.rejected),
            "rejected": rejected,
        }


class Batches:
    """Puts and undoes batches. Every method raises :class:`StoreUnavailable` while the store is away."""

    def __init__(self, store: Store, active: ActiveBasis, lists: Lists) -> None:
        self._store, self._active, self._lists, self._puts = store, active, lists, Puts(store, active)
        self._revert = store.script("list_revert")

    def take(
        self,
        name: ListName,
        rows: Iterable[Row],
        *,
        author: str,
        now: float,
        batch_id: str | None = None,
        replace: bool = False,
        dry_run: bool = False,
    ) -> BatchOutcome:
        """Put rows on a list at Unix time ``now``, as a new batch or as more of ``batch_id``.

        A row that cannot be read, or would end what never ends without ``replace``, its own or that of all, is
        rejected and stops none of the others. What is there already, just so, is left as it is and no part of the
        batch: so the same rows can be sent again. Raises ``not_found`` for a batch of another list, ``invalid`` for
        too many rows.
        """
        made = batch_id or f"lsb_{secrets.token_hex(10)}"
        if batch_id is not None and self._standing(batch_id)["list"] != name:
            raise _unknown()
        drafts, numbers, rejected = self._drafts(name, rows, author=author, now=now, replace=replace)
        if dry_run:
            return BatchOutcome(None, len(drafts), 0, 0, rejected)
        found: list[Put] = []
        if drafts:
            self._begin(made, name, author, now, len(drafts))
        for start in range(0, len(drafts), _TRIP):
            found += self._puts.many(drafts[start : start + _TRIP], now, made)
        for put, number in zip(found, numbers, strict=True):
            if put.state == "permanent":
                rejected.append(_rejection(number, permanent(put.replaced)))
        if any(put.state == "undone" for put in found):
            raise Problem("batch_undone", "The batch was undone: nothing more is put with it.")
        done = [put for put in found if put.state == "put"]
        counts = {
            "put": sum(put.replaced is None for put in done),
            "replaced": sum(put.replaced is not None for put in done),
            "unchanged": sum(put.state == "same" for put in found),
        }
        if drafts:
            pipe = self._store.pipeline()
            for what, count in counts.items():
                pipe.execute_command("HINCRBY", batch_key(made), what, count)
            self._store.run(pipe)
        return BatchOutcome(made if drafts else None, **counts, rejected=sorted(rejected, key=lambda each: each.number))

    def get(self, batch_id: str) -> Batch:
        """A batch: its list, author, time and counts, and since when it is undone. Raises ``not_found``."""
        found = self._standing(batch_id)
        at, undone = float(found["created_at"]), found.get("undone")
        return {
            "batch_id": batch_id,
            "list": cast("ListName", found["list"]),
            "author": found["author"],
            "created_at": rfc3339(at),
            "undone_at": None if undone is None else rfc3339(float(undone)),
            "put": int(found.get("put", 0)),
            "replaced": int(found.get("replaced", 0)),
            "unchanged": int(found.get("unchanged", 0)),
            "removed": int(found.get("removed", 0)),
            "restored": int(found.get("restored", 0)),
            "left": int(found.get("left", 0)),
        }

    def undo(self, batch_id: str, actor: str, now: float) -> Batch:
        """Take all that a batch put off its list, and put back what it replaced; what somebody wrote anew since stays.

        Safe to repeat: what was left undone is done. Returns the batch. Raises ``not_found``.
        """
        self._standing(batch_id)
        self._store.execute("HSETNX", batch_key(batch_id), "undone", repr(now))
        for part in self._values(batch_id):
            self._undo_some(batch_id, part, actor, now)
        return self.get(batch_id)

    def _drafts(
        self, name: ListName, rows: Iterable[Row], *, author: str, now: float, replace: bool
    ) -> tuple[list[tuple[StoredEntry, bool]], list[int], list[Rejected]]:
        """The drafts of rows, the number of each row, and the rows that cannot be read."""
        drafts: list[tuple[StoredEntry, bool]] = []
        numbers: list[int] = []
        rejected: list[Rejected] = []
        lines: dict[str, int] = {}
        for count, row in enumerate(rows, 1):
            if count > MOST_ROWS:
                detail = f"has more than {MOST_ROWS} rows"
                raise Problem("invalid", f"It {detail}.", [{"pointer": "", "code": "too_long", "detail": detail}])
            read = read_row(row)
            if isinstance(read, Rejected):
                rejected.append(read)
                continue
            try:
                draft = self._draft(name, read, author, now)
            except Problem as problem:
                rejected.append(_rejection(row.number, problem))
                continue
            if draft.field in lines:
                detail = f"line {lines[draft.field]} has this value"
                rejected.append(Rejected(row.number, "/value", "duplicate", detail))
                continue
            lines[draft.field] = row.number
            drafts.append((draft, replace or read.replace))
            numbers.append(row.number)
        return drafts, numbers, rejected

    def _draft(self, name: ListName, row: ListedRow, author: str, now: float) -> StoredEntry:
        if row.list not in (None, name):
            raise Problem("invalid", "", [{"pointer": "/list", "code": "other_list", "detail": "is another list"}])
        return self._lists.draft(
            name,
            row.kind,
            str(row.value),
            expires_at=None if row.expires_at is None else row.expires_at.timestamp(),
            reason=row.reason,
            author=author,
            silences_feedback=row.silences_feedback,
            hashed=row.hashed,
            now=now,
        )

    def _begin(self, batch_id: str, name: ListName, author: str, now: float, more: int) -> None:
        key = batch_key(batch_id)
        if self._store.execute("HLEN", key) + more > MOST:
            raise Problem("invalid", f"A batch can have {MOST} values; begin another.")
        pipe = self._store.pipeline()
        for what, text in (("list", name), ("author", author), ("created_at", repr(now))):
            pipe.execute_command("HSETNX", key, what, text)
        pipe.execute_command("EXPIRE", key, KEPT)
        self._store.run(pipe)

    def _standing(self, batch_id: str) -> dict[str, str]:
        """What is kept of a batch besides its values. Raises ``not_found``."""
        names = ("list", "author", "created_at", "undone", *_COUNTS, *_UNDONE)
        found = self._store.execute("HMGET", batch_key(batch_id), *names)
        if found[0] is None:
            raise _unknown()
        return {name: value.decode() for name, value in zip(names, found, strict=True) if value is not None}

    def _values(self, batch_id: str) -> Iterator[list[tuple[str, str, list[str]]]]:
        """The values of a batch, some at a time: where each stands, its entry, and what that was before, as fields and
        values; empty for one that was new.
        """
        cursor: int | None = None
        while cursor != 0:
            found: dict[bytes, bytes]
            cursor, found = self._store.execute(
                "HSCAN", batch_key(batch_id), cursor or 0, "MATCH", "e:*", "COUNT", _TRIP
            )
            wheres = {name.decode().removeprefix("e:"): value for name, value in found.items()}
            read = {where: _kept(batch_id, where, value) for where, value in wheres.items()}
            yield [(where, *kept) for where, kept in read.items() if kept is not None]

    def _undo_some(self, batch_id: str, part: Sequence[tuple[str, str, list[str]]], actor: str, now: float) -> None:
        known = {entry.id: entry for entry in entries.read(self._store, [entry_id for _, entry_id, _ in part])}
        pipe = self._store.pipeline()
        for where, entry_id, before in part:
            entry = known.get(entry_id)
            if entry is None:
                continue  # gone for good
            fields = self._before(where, before)
            was = entries.restored(entry_id, fields) if fields else None
            keys = [TABLE, details_key(entry_id), INDEX, EXPIRIES, hits_key(entry_id), EVENTS, batch_key(batch_id)]
            event = entry.event("removed" if was is None else "put", actor, now).decode()
            stood = "" if was is None else packed(was.list, entry_id, was.expires_at, was.silences_feedback)
            expires = "" if was is None else entries.expiry(was.expires_at)
            given = {"field": where[1:], "letter": where[0], "id": entry_id, "batch": batch_id, "place": entry.place}
            given |= {"event": event, "stood": stood, "expires": expires, "kept": str(AFTERWARDS)}
            given |= {"oldest": oldest(self._active.policy.retention.decisions_days)}
            self._revert.queue(pipe, keys, [orjson.dumps(given), *fields])
        self._store.run(pipe)

    def _before(self, where: str, before: list[str]) -> list[str]:
        """What an entry is to be again: what it was, without batches and decisions that were undone by now."""
        while (batch := dict(zip(before[::2], before[1::2], strict=True)).get("batch")) is not None:
            undone, value = self._store.execute("HMGET", batch_key(batch), "undone", f"e:{where}")
            kept = None if undone is None or value is None else _kept(batch, where, value)
            if kept is None:
                break
            before = kept[1]
        pairs = dict(zip(before[::2], before[1::2], strict=True))
        causes = [name for name in pairs if name.startswith("c:")]
        over = [name for name in causes if self._is_undone(name.removeprefix("c:"))]
        if over and len(over) == len(causes) and "own" not in pairs:
            return []
        return [text for name, value in pairs.items() if name not in over for text in (name, value)]

    def _is_undone(self, decision_id: str) -> bool:
        return bool(self._store.execute("HEXISTS", denied_key(decision_id), "undone"))


def _kept(batch_id: str, where: str, value: bytes) -> tuple[str, list[str]] | None:
    """The entry of a value of a batch, and what that was before; None where it cannot be read."""

    def read() -> tuple[str, list[str]]:
        entry_id, before = orjson.loads(value)
        return entry_id, list(before)  # Lua writes an empty list as {}

    return damaged.read("list_batch", f"{batch_id} {where}", read, None)


def _rejection(number: int, problem: Problem) -> Rejected:
    first: Mapping[str, str] = problem.errors[0] if problem.errors else {"pointer": "", "detail": problem.detail}
    return Rejected(number, first["pointer"], first.get("code", problem.code), first["detail"])


def _unknown() -> Problem:
    return Problem("not_found", "No batch of this list has this id, or it is too long ago.")
