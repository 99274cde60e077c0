"""One-time tokens: links that make the first admin or set a password, and steps of signing in.

The store keeps the SHA-256 of a token with what it is for. Taking it removes it, so of two who race one wins.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import orjson

from riskapi.access.sessions import digest

if TYPE_CHECKING:
    from riskapi.store.connections import Store

#: What tokens are for: the link that makes the first admin, one to choose a password, a password that was right, and
#: the secret of an authenticator that no code proved yet.
FIRST, PASSWORD, CODE, AUTHENTICATOR = "first", "password", "code", "authenticator"
#: The challenges of a passkey that is to be added, and of one that signs somebody in.
NEW_PASSKEY, PASSKEY = "new passkey", "passkey"
#: A sign-in that a provider was asked for.
OIDC = "oidc"
#: Seconds a link to the first admin and to a new password works.
LINK = 24 * 3600
#: Seconds that a step of signing in may take: as long as people need to find their telephone.
STEP = 300


class OneTimeTokens:
    """Makes tokens and takes them back."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def make(self, purpose: str, content: dict[str, Any], seconds: int, now: float) -> str:
        """A token for a purpose; ``content`` is given back by it. Raises ``StoreUnavailable``."""
        token = secrets.token_urlsafe(32)
        held = orjson.dumps({**content, "purpose": purpose, "until": now + seconds})
        self._store.execute("SET", _key(token), held, "EX", seconds)
        return token

    def peek(self, purpose: str, token: str, now: float) -> dict[str, Any] | None:
        """What a token holds, if it still works for this purpose. Raises ``StoreUnavailable``."""
        return _checked(self._store.execute("GET", _key(token)), purpose, now)

    def take(self, purpose: str, token: str, now: float) -> dict[str, Any] | None:
        """As :meth:`peek`, for the last time. Raises ``StoreUnavailable``."""
        if self.peek(purpose, token, now) is None:  # one for another purpose is left
            return None
        return _checked(self._store.execute("GETDEL", _key(token)), purpose, now)


def _key(token: str) -> str:
    return f"risk:once:{{u}}:{digest(token)}"


def _checked(raw: bytes | None, purpose: str, now: float) -> dict[str, Any] | None:
    if raw is None:
        return None
    held: dict[str, Any] = orjson.loads(raw)
    return held if held["purpose"] == purpose and now <= held["until"] else None
