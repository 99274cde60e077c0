"""The record of every decision: readings, score, versions, and what it was; written once, read by export.

Every decision is told by an entry of its shard's stream, which is also the outbox: the entry and the account it is
about are written in the same atomic step. The first decision is kept with the account, later ones with their entries
too. Readings are a bare list; the names are stored once a schema.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import orjson

from riskapi.accounts.accounts import LABEL, labels_key
from riskapi.accounts.first_record import DECISION_FIELDS, first_decision
from riskapi.accounts.packing import unpack
from riskapi.store import damaged
from riskapi.store.connections import Store
from riskapi.store.pipelines import as_it_is
from riskapi.store.streams import SHARDS, account_key, entry_pages, stream
from riskapi.times import rfc3339
from signals.registry import Readings, registered, schema

#: Entries of a shard read in one trip while looking back.
_PAGE = 125


class Decisions:
    """Reads the record. Writing happens in :mod:`riskapi.accounts.tiers`, with the account."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._schemas: dict[str, list[str]] = {}

    def register_schema(self) -> None:
        """Store the names of today's readings under their schema, once. Kept for ever: decisions refer to it."""
        self._store.execute("SET", f"risk:schema:{schema()}", orjson.dumps(list(registered())), "NX")

    def names(self, of: str) -> list[str]:
        """Names of the readings under a schema; raises :class:`LookupError` for one never stored."""
        if of not in self._schemas:
            found = self._store.execute("GET", f"risk:schema:{of}")
            # A store that was emptied or restored meanwhile may lack today's, which are known without it.
            if found is None and of != schema():
                raise LookupError(f"no list of readings is stored for schema {of}")
            self._schemas[of] = list(registered()) if found is None else orjson.loads(found)
        return self._schemas[of]

    def readings(self, stored: dict[str, Any]) -> Readings:
        """The readings of a stored decision by name."""
        return dict(zip(self.names(stored["schema"]), stored["readings"], strict=True))

    def export(self, since: float | None = None, until: float | None = None) -> Iterator[dict[str, Any]]:
        """Every recorded decision with ``since <= at < until`` (Unix times), shard by shard in order of recording.

        Each is as stored, with readings by name, ``at`` in RFC 3339, and the account's labels as they are now. A first
        decision is kept with its account, and goes with it.
        """
        for number in range(SHARDS):
            for stored, labels in self._entries(number):
                name = str(stored.get("id"))
                shown = damaged.read("decision", name, partial(self._shown, stored, labels, since, until), None)
                if shown is not None:
                    yield shown

    def _shown(
        self, stored: dict[str, Any], labels: list[dict[str, Any]], since: float | None, until: float | None
    ) -> dict[str, Any] | None:
        """A decision as it is exported, None for one of another time."""
        if (since is not None and stored["at"] < since) or (until is not None and stored["at"] >= until):
            return None
        return {
            **stored,
            "at": rfc3339(stored["at"]),
            "readings": self.readings(stored),
            "label": labels[-1]["label"] if labels else None,
            "labels": labels,
        }

    def _entries(self, number: int, page: int = 500) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
        """The decisions of a shard, each with the labels of its account."""
        for entries in entry_pages(self._store, stream(number), page):
            told = []
            pipe = self._store.pipeline()
            for id, fields in entries:
                if fields.get(b"type") != b"decision":
                    continue
                event = damaged.loads("decision", id.decode(), fields.get(b"data"), dict[str, Any]())
                if "user_id" in event:
                    first = pipe.ask("HMGET", account_key(event["user_id"]), *DECISION_FIELDS, read=as_it_is)
                    labels = pipe.ask("LRANGE", labels_key(event["user_id"]), 0, -1, read=as_it_is)
                    told.append((event, fields.get(b"decision"), first, labels))
            self._store.run(pipe)
            for event, kept, first, labels in told:
                name = str(event.get("id"))
                stored = damaged.read("decision", name, partial(stored_decision, event, kept, first()), None)
                if stored is not None:
                    yield stored, damaged.rows("label", event["user_id"], labels(), LABEL)

    def newest(self, most: int) -> tuple[list[str], bool]:
        """The accounts decided or imported last, each once, from all shards: ``most`` and a few more, where there are.

        Also whether these are all. At most four times as many entries of other types are passed over.
        """
        found: dict[str, None] = {}
        positions: dict[int, str] = dict.fromkeys(range(SHARDS), "+")
        for _ in range(0, 5 * most, SHARDS * _PAGE):
            pipe = self._store.pipeline()
            for number, position in positions.items():
                pipe.execute_command("XREVRANGE", stream(number), position, "-", "COUNT", _PAGE)
            for number, entries in zip(list(positions), self._store.run(pipe), strict=True):
                for id, fields in entries:
                    if fields.get(b"type") in (b"decision", b"import"):
                        told = damaged.loads("decision", id.decode(), fields.get(b"data"), dict[str, Any]())
                        found |= {told["user_id"]: None} if "user_id" in told else {}
                if len(entries) < _PAGE:
                    del positions[number]
                else:
                    positions[number] = f"({entries[-1][0].decode()}"
            if not positions:
                return list(found), True
            if len(found) >= most:
                break
        return list(found), False


def stored_decision(
    event: dict[str, Any], kept: bytes | None, account: Sequence[bytes | None]
) -> dict[str, Any] | None:
    """The decision that an event tells of: ``kept`` with the event, or in :data:`DECISION_FIELDS` of the account. None
    where it is gone.

    Until 2026-11 the event was the decision itself.
    """
    if "readings" in event:
        return event
    if kept:
        found = damaged.whole(unpack(kept), ("id", "at", "schema", "readings"))
    elif any(account):
        found = first_decision(dict(zip(DECISION_FIELDS, account, strict=True)))
    else:
        return None
    return found if found["id"] == event["id"] else None


def told_accounts(store: Store, most: int) -> Iterator[list[str]]:
    """Every account that a decision or an import is told of in the streams, each once a page, ``most`` at a time."""
    for number in range(SHARDS):
        for entries in entry_pages(store, stream(number), most):
            found: dict[str, None] = {}
            for id, fields in entries:
                if fields.get(b"type") in (b"decision", b"import"):
                    told = damaged.loads("decision", id.decode(), fields.get(b"data"), dict[str, Any]())
                    found |= {told["user_id"]: None} if "user_id" in told else {}
            yield list(found)
