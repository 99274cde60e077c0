"""How entries come onto lists: one by one, or many in one trip, and what each replaces."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, Literal, NamedTuple

import orjson

from riskapi.budgets.keys import EVENTS
from riskapi.errors import Problem
from riskapi.lists import entries
from riskapi.lists.entries import EXPIRIES, INDEX, TABLE, StoredEntry, details_key, held_on, new_id
from riskapi.lists.matching import packed
from riskapi.policy.active import ActiveBasis
from riskapi.store.connections import Store
from riskapi.store.streams import oldest
from riskapi.times import DAY

#: Seconds after which a batch cannot be undone any more: a month after its last entry.
KEPT = 30 * DAY
State = Literal["put", "same", "permanent", "undone"]


def batch_key(batch_id: str) -> str:
    """Key of a batch: what it put, and what was there before; it expires :data:`KEPT` after its last entry."""
    return f"risk:lb:{{b}}:{batch_id}"


class Put(NamedTuple):
    """What became of a draft: the entry, and what it was before, None where it is new.

    ``same``: a batch found all of it there already; ``permanent``: it never ends, and the draft does; ``undone``: its
    batch was. Nothing was written then.
    """

    entry: StoredEntry
    replaced: StoredEntry | None
    state: State = "put"


class Puts:
    """Puts drafts on lists. Every method raises :class:`StoreUnavailable` while the store is away."""

    def __init__(self, store: Store, active: ActiveBasis) -> None:
        self._store, self._active, self._put = store, active, store.script("list_put")

    def one(self, draft: StoredEntry, now: float, *, replace: bool) -> Put:
        """Put one. Raises ``entry_permanent`` for one that would end where one stands that never does, without
        ``replace``.
        """
        [made] = self.many([(draft, replace)], now)
        if made.state == "permanent":
            raise permanent(made.replaced)
        # As it stands now, with what a new entry never has: its hits, and when it was made.
        return made._replace(entry=next(entries.read(self._store, [made.entry.id]), made.entry))

    def many(self, drafts: Sequence[tuple[StoredEntry, bool]], now: float, batch_id: str = "") -> list[Put]:
        """Put drafts of different values, each with whether it may end what never ends; what became of each, in order.

        Some trips for all of them.
        """
        made: dict[int, Put] = {}
        left = list(range(len(drafts)))
        while left:
            found = self._some([drafts[at] for at in left], now, batch_id)
            made |= {at: put for at, put in zip(left, found, strict=True) if put is not None}
            left = [at for at in left if at not in made]
        return [made[at] for at in range(len(drafts))]

    def _some(self, drafts: Sequence[tuple[StoredEntry, bool]], now: float, batch_id: str) -> Iterator[Put | None]:
        """What became of drafts; None for one whose place another entry took meanwhile."""
        rows = self._store.execute("HMGET", TABLE, *(draft.field for draft, _ in drafts))
        held = [held_on(draft.list, row) for (draft, _), row in zip(drafts, rows, strict=True)]
        known = {entry.id: entry for entry in entries.read(self._store, [each for each in held if each])}
        placed = [replace(draft, id=name or new_id()) for (draft, _), name in zip(drafts, held, strict=True)]
        pipe = self._store.pipeline()
        for entry, (_, shortens), name in zip(placed, drafts, held, strict=True):
            self._queue(pipe, entry, name, shortens, now, batch_id)
        for entry, name, reply in zip(placed, held, self._store.run(pipe), strict=True):
            state, *fields = (each.decode() for each in reply)
            # Executed twice, after a connection was lost, the script does not tell; then what was read before does.
            before = known.get(name)
            if fields:
                before = replace(entries.restored(entry.id, fields), hits=before.hits if before else 0)
            if state == "again":
                yield None
            elif state == "put":
                yield Put(entry, before)
            else:
                yield Put(known.get(name, entry), known.get(name), state)

    def _queue(self, pipe: Any, entry: StoredEntry, held: str, shortens: bool, now: float, batch_id: str) -> None:
        details = details_key(entry.id)
        keys = [TABLE, details, INDEX, EXPIRIES, EVENTS, batch_key(batch_id) if batch_id else details]
        segment = packed(entry.list, entry.id, entry.expires_at, entry.silences_feedback)
        given = {
            "field": entry.field,
            "letter": entry.list[0],
            "id": entry.id,
            "held": held,
            "stands": segment,
            "token": secrets.token_hex(8),
            "place": entry.place,
            "expires": entries.expiry(entry.expires_at),
            "event": entry.event("put", entry.author, now).decode(),
            "oldest": oldest(self._active.policy.retention.decisions_days),
            "now": repr(now),
            "shortens": shortens,
            "batch": batch_id,
            "kept": KEPT,
        }
        self._put.queue(pipe, keys, [orjson.dumps(given), *chain.from_iterable(entry.details().items())])


def permanent(entry: StoredEntry | None) -> Problem:
    """Why an entry that would end is not put where one stands that never does."""
    detail = 'The entry that stands there never ends. Send `"replace": true` to give it an end.'
    named = f" It is {entry.id}." if entry is not None else ""
    return Problem(
        "entry_permanent",
        detail + named,
        [{"pointer": "/expires_at", "code": "entry_permanent", "detail": "the entry that stands there never ends"}],
    )
