"""What is kept of erased accounts until a day that the caller named: which things they shared, as keyed HMACs.

It is written down before anything is erased, so that whoever is killed meanwhile has a worker finish it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, Final

import orjson

from riskapi.store import damaged
from riskapi.store.connections import Store
from riskapi.store.replies import scored
from signals.records import record

#: Erasures by when something is to be done about them, and what is kept of each. No TTL: they leave both when what was
#: kept is let go of. ``{e}`` is their one slot.
_DUE: Final = "risk:eq:{e}"
_KEPT: Final = "risk:er:{e}"
#: There while files still hold what was erased. No TTL: a file is written anew.
_ON_DISK: Final = "risk:ef:{e}"


@record
class StoredEvidence:
    """What is kept of an erased account. ``at`` is when it was erased, ``until`` when its evidence goes too (Unix
    times, whole seconds). ``meant`` tells the account from a later one with the same ``user_id``, see
    :func:`mark_of`. ``keys`` are those of the entities it shared.
    """

    at: int
    until: int
    meant: str
    keys: tuple[str, ...]


class EvidenceStore:
    """Keeps what outlives erased accounts. Every method raises :class:`StoreUnavailable` while the store is away."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._keep, self._done = store.script("erasure_keep"), store.script("erasure_done")

    def keep(
        self, user_id: str, meant: str, keys: Iterable[str], until: float, now: float, *, due: float
    ) -> StoredEvidence:
        """Write down at Unix time ``now`` that an account is erased, and what it shared; returns what is kept by now.

        Where the same account was erased before, the earlier end stands, and no thing is forgotten. ``due`` is when a
        worker is to look at it.
        """
        told = {"at": int(now), "until": int(until), "meant": meant, "keys": list(keys)}
        return _read(self._keep.call([_DUE, _KEPT], [user_id, orjson.dumps(told), repr(due)]))

    def of(self, user_id: str) -> StoredEvidence | None:
        """What is kept of an erased account; None where nothing is."""
        found = self._store.execute("HGET", _KEPT, user_id)
        return None if found is None else damaged.read("erasure", user_id, lambda: _read(found), None)

    def due(self, now: float, most: int) -> list[tuple[str, float]]:
        """Accounts about which something is due at Unix time ``now``, and when it was, ``most`` of them."""
        return scored(self._store.execute("ZRANGEBYSCORE", _DUE, "-inf", repr(now), "WITHSCORES", "LIMIT", 0, most))

    def done(self, user_id: str, due: float, again: float | None) -> bool:
        """Note that what was ``due`` is done, and when something is due ``again`` (a Unix time), if ever. False where
        the account was erased anew meanwhile.
        """
        self._note_on_disk()
        return bool(self._done.call([_DUE, _KEPT], [user_id, repr(due), "" if again is None else repr(again)]))

    def clean_disk(self) -> bool:
        """Have the embedded store write its file without what was erased, if it holds any; whether it does so now."""
        if not self._store.execute("DEL", _ON_DISK):
            return False
        if self._store.rewrite_file():
            return True
        self._note_on_disk()
        return False

    def _note_on_disk(self) -> None:
        self._store.execute("SET", _ON_DISK, "")


def mark_of(first_record: bytes | None) -> str:
    """What tells an account from a later one with the same id: a hash of its first record, ``""`` for none."""
    return hashlib.sha256(first_record).hexdigest() if first_record else ""


def _read(text: bytes) -> StoredEvidence:
    told: dict[str, Any] = orjson.loads(text)
    return StoredEvidence(told["at"], told["until"], told["meant"], tuple(told["keys"]))
