"""What people and rules did: who, what, to what, when. Names of users, ids and words, no data of applicants.

It is one stream (``risk:audit``) whose notes are a chain (``audit_note.lua``): the hash of each is the SHA-256 of the
hash before it, its number and the SHA-256 of its text. :mod:`riskapi.access.audit_chain` says whether the chain holds.
Notes of releases that had no chain come before its beginning.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson
from typing_extensions import TypedDict

from riskapi.contract import Instant
from riskapi.store import damaged
from riskapi.times import rfc3339

if TYPE_CHECKING:
    from riskapi.store.connections import Store
    from riskapi.store.pipelines import Pipeline

#: Where notes are kept, and beside them what is known of their chain, in the same slot of a cluster.
STREAM, CHAIN = "risk:audit", "risk:audit:chain:{risk:audit}"
#: Notes kept: some 40 MB.
MOST = 100_000
#: Notes that a page looks through in the store. 4,000 hold the store up for some 5 ms.
_LOOKED = 4_000
#: An id of the stream.
PLACE = re.compile(r"[0-9]{1,15}-[0-9]{1,15}")
#: Characters of an actor, an action, a subject, and of a detail: what callers name themselves can be long.
_LONGEST = 200


class AuditNote(TypedDict):
    """One thing that was done. The actor is the name of a user of the console, `key NAME`, `rule NAME` or
    `command line`. `number` and `hash` are its place in the chain, null for notes of releases that had none.
    """

    id: str
    at: Instant
    actor: str
    action: str
    subject: str
    details: dict[str, Any]
    number: int | None
    hash: str | None


@dataclass(frozen=True, slots=True)
class Noted:
    """One thing that was done: ``actor`` the user, key or rule, ``at`` Unix time, ``details`` words about it.

    ``id`` is its place in the log; ``number`` and ``hash`` those in the chain, None before its beginning.
    """

    actor: str
    action: str
    subject: str
    at: float
    details: dict[str, Any]
    id: str = ""
    number: int | None = None
    hash: str | None = None

    def view(self) -> AuditNote:
        """The note as callers get it."""
        return {
            "id": self.id,
            "at": rfc3339(self.at),
            "actor": self.actor,
            "action": self.action,
            "subject": self.subject,
            "details": self.details,
            "number": self.number,
            "hash": self.hash,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which notes are wanted: by whom, what, about what, since when and until before when (Unix times).

    What is None is not looked at.
    """

    actor: str | None = None
    action: str | None = None
    subject: str | None = None
    since: float | None = None
    until: float | None = None

    def matches(self, note: Noted) -> bool:
        """Whether this note is wanted."""
        return (
            self.actor in (None, note.actor)
            and self.action in (None, note.action)
            and self.subject in (None, note.subject)
            and (self.since is None or note.at >= self.since)
            and (self.until is None or note.at < self.until)
        )


@dataclass(frozen=True, slots=True)
class Notes:
    """A page of notes, newest first. ``after`` is where the next begins, None where there are no older ones.

    A page may be short, even empty, and have a next: a look goes through so many notes and no more.
    """

    notes: list[Noted]
    after: str | None


class AuditLog:
    """Takes notes and reads them."""

    def __init__(self, store: Store, most: int = MOST) -> None:
        self._store, self._most = store, most
        self._note, self._find = store.script("audit_note"), store.script("audit_find")

    def note(self, actor: str, action: str, subject: str, at: float, /, **details: Any) -> None:
        """Keep a note; a detail may have any name. Raises ``StoreUnavailable``: what cannot be noted is not done."""
        self._note.call([STREAM, CHAIN], self._given(secrets.token_hex(6), actor, action, subject, at, details))

    def queue_once(
        self, pipe: Pipeline, token: str, actor: str, action: str, subject: str, at: float, /, **details: Any
    ) -> None:
        """Have a note kept in the trip of a pipeline; once where several who do the same have the same ``token``, of
        twelve characters.
        """
        self._note.queue(pipe, [STREAM, CHAIN], self._given(token, actor, action, subject, at, details))

    def _given(
        self, token: str, actor: str, action: str, subject: str, at: float, details: dict[str, Any]
    ) -> list[str | bytes | int]:
        words = {"actor": actor[:_LONGEST], "action": action[:_LONGEST], "subject": subject[:_LONGEST], "at": at}
        short = {name: value[:_LONGEST] if isinstance(value, str) else value for name, value in details.items()}
        row = orjson.dumps({**words, "details": short}, default=str)
        return [row, hashlib.sha256(row).hexdigest(), max(round(at * 1000), 1), self._most, token]

    def latest(self, limit: int) -> list[Noted]:
        """The latest notes, newest first. Raises ``StoreUnavailable``."""
        return self.page(Wanted(), limit).notes

    def get(self, place: str) -> Noted | None:
        """The note with this id. Raises ``StoreUnavailable``."""
        rows = self._store.execute("XRANGE", STREAM, place, place)
        return _read(rows[0]) if rows else None

    def page(self, wanted: Wanted, limit: int, after: str | None = None) -> Notes:
        """A page of the notes that are wanted, from ``after`` on. Raises ``StoreUnavailable``."""
        newest = f"({after}" if after else (_place(wanted.until) if wanted.until is not None else "+")
        oldest = _place(wanted.since) if wanted.since is not None else "-"
        words = [orjson.dumps(each) for each in (wanted.actor, wanted.action, wanted.subject) if each is not None]
        place, *rows = self._find.call([STREAM], [newest, oldest, _LOOKED, limit + 1, *words])
        notes = [_read((row[0], dict(zip(row[1][::2], row[1][1::2], strict=True)))) for row in rows]
        found = [note for note in notes if note is not None and wanted.matches(note)]
        if len(found) > limit:
            return Notes(found[:limit], found[limit - 1].id)
        return Notes(found, place.decode() or None)


def _place(at: float) -> str:
    """The place of a time in the stream. A clock that ran ahead moves it; :meth:`Wanted.matches` looks at the note."""
    return str(max(round(at * 1000), 0))


def _read(row: tuple[bytes, dict[bytes, bytes]]) -> Noted | None:
    place, fields = row
    return damaged.read("audit", place.decode(), partial(_noted, place.decode(), fields), None)


def _noted(place: str, fields: dict[bytes, bytes]) -> Noted:
    kept = damaged.known(Noted, orjson.loads(fields[b"data"]))
    number, digest = fields.get(b"number"), fields.get(b"hash")
    chained = {"number": int(number), "hash": digest.decode()} if number is not None and digest is not None else {}
    return Noted(**{**kept, **chained, "id": place})
