"""Accounts of earlier releases, brought into the form of today: their long fields packed.

Nothing depends on it but room: what an earlier release wrote is read all the same. Safe to stop, to repeat, and to run
on several hosts at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from riskapi.accounts.log import told_accounts
from riskapi.accounts.packing import pack
from riskapi.links.keys import entities_of, packed_entities
from riskapi.store import damaged
from riskapi.store.connections import Store
from riskapi.store.streams import account_key

#: Fields that are packed today, and that of the entities, which says less.
_LONG = ("assessment", "decision", "latest", "signup")
#: Accounts read and written in one trip each.
_AT_ONCE = 100
#: Set when every account was looked at, to the form that all of them have by then. No TTL: it stays true.
DONE = "risk:migrated"
_FORM = "packed"


def migrate(store: Store) -> int:
    """Bring every account that the streams tell of into the form of today, unless that is done; returns how many were
    not. One that nothing was written about for ``retention.decisions_days`` stays as it is until it changes.

    Raises :class:`riskapi.errors.StoreUnavailable`; what was written until then stays.
    """
    if store.execute("GET", DONE) == _FORM.encode():
        return 0
    done = 0
    for user_ids in told_accounts(store, _AT_ONCE):
        done += _some(store, user_ids)
    store.execute("SET", DONE, _FORM)
    return done


def _some(store: Store, user_ids: Sequence[str]) -> int:
    pipe = store.pipeline()
    for name in user_ids:
        pipe.execute_command("HMGET", account_key(name), *_LONG, "entities")
    rows = zip(user_ids, store.run(pipe), strict=True)
    pipe, script = store.pipeline(), store.script("account_migrate")
    for name, row in rows:
        if row[0] is None or row[0][:1] != b"{":
            continue  # erased, expired, or done
        changes = damaged.read("account", name, partial(_changes, row, name), None)
        if changes is not None:
            script.queue(pipe, [account_key(name)], [word for change in changes for word in change])
    return sum(store.run(pipe))


def _changes(row: Sequence[bytes | None], user_id: str) -> list[tuple[str, bytes, bytes]]:
    """Each field that is there: its name, what was read, and what takes its place."""
    *long, entities = row
    found = []
    for name, kept in zip(_LONG, long, strict=True):
        if kept is not None:
            damaged.whole(kept)  # what is damaged stays as it is, for a person to mend
            found.append((name, kept, pack(kept)))
    if entities is not None:
        found.append(("entities", entities, packed_entities(entities_of(entities, user_id))))
    return found
