"""API keys: who may call, with which scopes, and how often.

A key is shown once and stored as its SHA-256. A slow hash would buy nothing: the key is 256 random bits, which
nobody guesses, and it is checked on every request.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson

from riskapi.errors import StoreUnavailable
from riskapi.store import damaged
from riskapi.times import DAY

if TYPE_CHECKING:
    from riskapi.store.connections import Store

#: What a key may be allowed to do (the scopes of the HTTP contract).
SCOPES = ("signups", "sends", "events", "feedback", "reviews", "lists", "policy", "privacy", "admin")

#: Every key: a hash of SHA-256 → JSON {name, scopes, rate_limit, created_at}. No TTL: a key holds until it is revoked.
_TABLE = "risk:keys"
_ID_DIGITS = 16
#: Characters of a name: it stands on one line of lists and of the audit log.
NAME = 100
#: Seconds that a key still works after another took its place: a day to change it on every host.
OVERLAP = float(DAY)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is calling: a key without its secret. ``id`` names it in logs; ``rate_limit`` in requests a second."""

    id: str
    name: str
    scopes: frozenset[str]
    rate_limit: float | None = None
    limited: bool = True


class ApiKeys:
    """Makes, finds and revokes API keys.

    Each process keeps the table for ``fresh`` seconds, so a revoked key stops working everywhere within that time.
    While the store is away the last table read is believed for ``stale`` seconds: a signup flow must get an answer
    during an outage, and nobody can revoke a key in a store that is away.
    """

    def __init__(
        self,
        store: Store,
        bootstrap: str | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        clock: Callable[[], float] = time.time,
        fresh: float = 2.0,
        stale: float = float(DAY),
    ) -> None:
        self._store, self._rotate = store, store.script("key_rotate")
        self._monotonic, self._clock = monotonic, clock
        self._fresh, self._stale = fresh, stale
        self._bootstrap = bootstrap.encode() if bootstrap else None
        self._root = Principal("bootstrap", "bootstrap", frozenset(SCOPES), limited=False)
        self._table: dict[str, Principal] = {}
        self._read_at = self._due = float("-inf")

    def create(self, name: str, scopes: Collection[str], rate_limit: float | None = None) -> str:
        """Make a key and return it; this is the only time it can be seen. ``rate_limit`` in requests a second.

        Raises ``ValueError`` for an unknown or no scope, a name that is empty, has more than :data:`NAME` characters or
        some that cannot be printed, or a limit that is not positive, and ``StoreUnavailable``.
        """
        unknown = sorted(set(scopes) - set(SCOPES))
        if unknown or not scopes:
            raise ValueError(f"scope {', '.join(unknown) or '(none)'}: expected one or more of {', '.join(SCOPES)}")
        if not name.strip() or len(name) > NAME or not name.isprintable():
            raise ValueError(f"name: expected 1 to {NAME} characters that say what the key is for")
        if rate_limit is not None and not 0 < rate_limit < float("inf"):
            raise ValueError("rate limit: expected a positive number of requests a second")
        plain, row = _made(name, scopes, rate_limit)
        self._store.execute("HSET", _TABLE, _digest(plain.encode()), row)
        self._due = float("-inf")
        return plain

    def list(self) -> list[dict[str, Any]]:
        """Every key, oldest first: ``{id, name, scopes, rate_limit, created_at}``, and ``expires_at`` (Unix time) where
        another took its place. Raises ``StoreUnavailable``.
        """
        found = [
            {"id": digest[:_ID_DIGITS], **entry}
            for digest, entry in self._entries(self._store.execute("HGETALL", _TABLE)).items()
        ]
        return sorted(found, key=lambda key: (key["created_at"], key["id"]))

    def rotate(self, key_id: str) -> str | None:
        """Make a key that may do what this one may, and return it; this is the only time it can be seen. The one before
        works for :data:`OVERLAP` more seconds. None where there is no such key. Raises ``StoreUnavailable``.
        """
        while True:
            rows = self._store.execute("HGETALL", _TABLE)
            known = self._entries(rows)
            digest = next((each for each in known if each[:_ID_DIGITS] == key_id), None)
            if digest is None:
                return None
            row = known[digest]
            plain, made = _made(row["name"], row["scopes"], row["rate_limit"])
            ends = min(row.get("expires_at") or float("inf"), self._clock() + OVERLAP)
            changed = orjson.dumps({**row, "expires_at": ends})
            given = [digest, rows[digest.encode()], changed, _digest(plain.encode()), made]
            if self._rotate.call([_TABLE], given):  # else somebody revoked or rotated it just now
                self._due = float("-inf")
                return plain

    def revoke(self, key_id: str) -> bool:
        """Revoke the key with this ``id``; false when there is none. Raises ``StoreUnavailable``."""
        rows = map(bytes.decode, self._store.execute("HKEYS", _TABLE))  # those that cannot be read, too
        digests = [digest for digest in rows if digest[:_ID_DIGITS] == key_id]
        if not digests:
            return False
        self._due = float("-inf")
        return bool(self._store.execute("HDEL", _TABLE, *digests))

    def find(self, presented: str) -> Principal | None:
        """Who presents this key; ``None`` for an unknown or revoked one.

        Raises ``StoreUnavailable`` when the store is away and the key is not in a table that is recent enough.
        """
        secret = presented.encode("utf-8", "surrogateescape")
        if self._bootstrap is not None and hmac.compare_digest(secret, self._bootstrap):
            return self._root
        digest = _digest(secret)
        now = self._monotonic()
        if now >= self._due or now - self._read_at >= self._stale:
            self._refresh(now)
        # Not in the table read a moment ago: it may be new. Only a stranger's key pays this trip.
        return self._table.get(digest) or self._look_up(digest)

    def warm(self) -> None:
        """Read the table if it is due, so that it is known before the store goes away. Raises ``StoreUnavailable``."""
        now = self._monotonic()
        if now >= self._due:
            self._refresh(now)

    def _refresh(self, now: float) -> None:
        self._due = now + self._fresh
        try:
            entries = self._entries(self._store.execute("HGETALL", _TABLE))
        except StoreUnavailable:
            if now - self._read_at >= self._stale:
                raise
            return
        self._table = {digest: _principal(digest, entry) for digest, entry in entries.items()}
        self._read_at = now

    def _look_up(self, digest: str) -> Principal | None:
        raw = self._store.execute("HGET", _TABLE, digest)
        if raw is None:
            return None
        found = self._entries({digest.encode(): raw}).get(digest)
        if found is None:
            return None
        self._table[digest] = principal = _principal(digest, found)
        return principal

    def _entries(self, raw: dict[bytes, bytes]) -> dict[str, dict[str, Any]]:
        """The keys in the table that work now. A row that cannot be read is nobody's key."""
        found, now = {}, self._clock()
        for digest, entry in raw.items():
            row = damaged.read("key", digest.decode()[:_ID_DIGITS], partial(_row, entry), None)
            if row is not None and (row.get("expires_at") or now + 1) > now:
                found[digest.decode()] = row
        return found


def _made(name: str, scopes: Collection[str], rate_limit: float | None) -> tuple[str, bytes]:
    """A new key, and its row."""
    row = {
        "name": name,
        "scopes": sorted(set(scopes)),
        "rate_limit": rate_limit,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
    }
    return f"rk_{secrets.token_urlsafe(32)}", orjson.dumps(row)


def id_of(presented: str) -> str:
    """The id of a key, as it is listed and logged."""
    return _digest(presented.encode("utf-8", "surrogateescape"))[:_ID_DIGITS]


def _digest(secret: bytes) -> str:
    return hashlib.sha256(secret).hexdigest()


def _row(raw: bytes) -> dict[str, Any]:
    """A row of the table. Raises one of :data:`riskapi.store.damaged.FAULTS` for one that says no key."""
    row: dict[str, Any] = orjson.loads(raw)
    rate, ends = row["rate_limit"], row.get("expires_at")
    if not all(isinstance(each, str) for each in (row["name"], row["created_at"], *row["scopes"])):
        raise TypeError("not a key")
    if rate is not None and not (isinstance(rate, int | float) and rate > 0):
        raise ValueError("not a rate")
    if ends is not None and not isinstance(ends, int | float):
        raise TypeError("not a time")
    return row


def _principal(digest: str, entry: dict[str, Any]) -> Principal:
    return Principal(digest[:_ID_DIGITS], entry["name"], frozenset(entry["scopes"]), entry["rate_limit"])
