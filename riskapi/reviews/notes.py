"""Notes of a review: what people wrote, asked, cut and said of two accounts while it waited.

They are fields of the review (``n:<time>.<token>``), and go with it. Whether two accounts are one person is told to the
stream too, from which it is exported for training.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Literal

import orjson

from riskapi.errors import Problem
from riskapi.policy.active import ActiveBasis
from riskapi.reviews.queue import review_key
from riskapi.store import damaged
from riskapi.store.connections import Store
from riskapi.store.streams import SHARDS, account_key, entry_pages, oldest, shard, stream
from riskapi.times import rfc3339
from signals.records import record

#: What a note says: words, a question to the customer, a cut and its end, whom a case was handed to, and whether two
#: accounts are one person.
NoteKind = Literal["note", "question", "cut", "uncut", "handed", "same", "apart"]
#: Notes a review can have, and entries of a stream read in one trip.
_MOST, _PAGE = 200, 500


@record
class CaseNote:
    """One note. ``at`` is a Unix time. ``user_id`` is the other account, or the one that was cut; ``cut_id`` the cut,
    ``edge`` what was cut.
    """

    kind: NoteKind
    at: float
    actor: str
    text: str = ""
    user_id: str | None = None
    edge: str | None = None
    cut_id: str | None = None


class CaseNotes:
    """Writes and reads notes. Every method raises :class:`StoreUnavailable` while the store is away."""

    def __init__(self, store: Store, active: ActiveBasis) -> None:
        self._store, self._active = store, active
        self._note = store.script("review_note")

    def add(self, review_id: str, user_id: str, note: CaseNote) -> None:
        """Write a note into a review, whose account is ``user_id``.

        Raises ``not_found``, and ``review_closed`` for a review with 200 notes, which takes no more.
        """
        number = shard(user_id)
        event, told = "", b""
        if note.kind in ("same", "apart"):
            event = "pair"
            pair = {"user_id": user_id, "other": note.user_id, "same": note.kind == "same"}
            told = orjson.dumps({**pair, "actor": note.actor, "at": note.at})
        field = f"n:{max(note.at, 0.0):019.6f}.{secrets.token_hex(4)}"
        kept = oldest(self._active.policy.retention.decisions_days)
        args: list[Any] = [field, orjson.dumps(note), _MOST, event, told, kept]
        written = self._note.call([review_key(review_id), stream(number)], args)
        if written == 0:
            raise Problem("not_found", "No review has this id.")
        if written < 0:
            raise Problem("review_closed", f"This review has {_MOST} notes, which is as many as one can have.")

    def of(self, review_id: str) -> list[CaseNote]:
        """The notes of a review, oldest first."""
        return notes_in(review_id, self._store.execute("HGETALL", review_key(review_id)))


def pairs(store: Store, since: float | None = None, until: float | None = None) -> Iterator[dict[str, Any]]:
    """What people said of two accounts with ``since <= at < until`` (Unix times), shard by shard, oldest first.

    Each has ``user_ids``, whether they are the ``same`` person, who said so and when (RFC 3339). The later of two words
    about the same accounts stands. Words about an account that is erased or expired are left out.
    """
    for number in range(SHARDS):
        for entries in entry_pages(store, stream(number), _PAGE):
            told = [
                damaged.loads("pair", id.decode(), fields.get(b"data"), dict[str, Any]())
                for id, fields in entries
                if fields.get(b"type") == b"pair"
            ]
            yield from _there(store, [row for row in told if row], since, until)


def _there(
    store: Store, rows: list[dict[str, Any]], since: float | None, until: float | None
) -> Iterator[dict[str, Any]]:
    """Those of that time whose accounts are both there."""
    pipe = store.pipeline()
    there = [[pipe.ask("EXISTS", account_key(row[name]), read=bool) for name in ("user_id", "other")] for row in rows]
    store.run(pipe)
    for row, (one, other) in zip(rows, there, strict=True):
        inside = (since is None or row["at"] >= since) and (until is None or row["at"] < until)
        if inside and one() and other():
            names = sorted((row["user_id"], row["other"]))
            yield {"user_ids": names, "same": row["same"], "actor": row["actor"], "at": rfc3339(row["at"])}


def notes_in(review_id: str, fields: Mapping[bytes, bytes]) -> list[CaseNote]:
    """The notes among the fields of a review, oldest first; one that cannot be read is left out."""
    found = sorted((name, value) for name, value in fields.items() if name.startswith(b"n:"))
    read = (damaged.read("note", f"{review_id} {name.decode()}", partial(_note, value), None) for name, value in found)
    return [note for note in read if note is not None]


def _note(value: bytes) -> CaseNote:
    return CaseNote(**damaged.known(CaseNote, damaged.whole(value, ("kind", "at", "actor"))))
