"""What people did in the console: who, what, to whom, when. Names of users, ids and words, no data of applicants.

It is one stream (``risk:audit``), written before the thing is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson

from riskapi.store import damaged

if TYPE_CHECKING:
    from riskapi.store.connections import Store

#: Where it is kept.
_STREAM = "risk:audit"
#: Notes kept: some 20 MB. Chosen by us.
_MOST = 100_000


@dataclass(frozen=True, slots=True)
class Noted:
    """One thing somebody did: ``actor`` the user's name, ``at`` Unix time, ``details`` words about it."""

    actor: str
    action: str
    subject: str
    at: float
    details: dict[str, Any]


class Audit:
    """Takes notes and reads them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def note(self, actor: str, action: str, subject: str, at: float, **details: Any) -> None:
        """Keep a note. Raises ``StoreUnavailable``: what cannot be noted is not done."""
        row = orjson.dumps({"actor": actor, "action": action, "subject": subject, "at": at, "details": details})
        self._store.execute("XADD", _STREAM, "MAXLEN", "~", _MOST, "*", "data", row)

    def latest(self, limit: int) -> list[Noted]:
        """The latest notes, newest first. Raises ``StoreUnavailable``."""
        rows = self._store.execute("XREVRANGE", _STREAM, "+", "-", "COUNT", limit)
        found = [damaged.read("audit", name.decode(), partial(_noted, fields), None) for name, fields in rows]
        return [each for each in found if each is not None]


def _noted(fields: dict[bytes, bytes]) -> Noted:
    return Noted(**damaged.known(Noted, orjson.loads(fields[b"data"])))
