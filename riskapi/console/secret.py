"""The key that cookies of the console are signed with: made once, kept in the store, the same for every process."""

from __future__ import annotations

import secrets

from riskapi.store.connections import Store

#: Where it is kept. It opens no session by itself: those are random tokens that the store knows.
_KEY = "risk:cookiekey"


def cookie_key(store: Store) -> bytes:
    """The key; made where there is none. Raises ``StoreUnavailable``."""
    store.execute("SET", _KEY, secrets.token_urlsafe(32), "NX")  # of two processes that are the first, one wins
    found: bytes = store.execute("GET", _KEY)
    return found
