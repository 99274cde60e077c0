"""Tokens of signed requests, each good for one body until that was stored, and for none afterwards.

Mailgun signs a timestamp and a token and not the body: who saw one signed request could sign other events with it. So a
token belongs to the first body that came with it. That body may come again while it was not stored (Mailgun sends it
for 8 hours), another body never, and once it was stored nothing does.
"""

from __future__ import annotations

import hashlib

from riskapi.errors import Problem
from riskapi.feedback.feeds.feed import bad_signature
from riskapi.store.connections import Store


class Tokens:
    """Remembers tokens for ``ttl`` seconds: longer than a signature is believed."""

    def __init__(self, store: Store, ttl: int) -> None:
        self._store, self._ttl = store, ttl
        self._take = store.script("feedback_token")

    def take(self, token: str, body: bytes) -> None:
        """Take a token for a body. Raises ``bad_signature`` for one that is used up or another body's."""
        state = self._take.call([_key(token)], [hashlib.sha256(body).hexdigest(), self._ttl])
        if state != b"taken":
            raise _spent("used up" if state == b"spent" else "another body's")

    def spend(self, token: str) -> None:
        """Let a token be used up."""
        self._store.execute("SET", _key(token), "spent", "EX", self._ttl)


def _key(token: str) -> str:
    """Key of a token, by its hash, with the SHA-256 of the body it belongs to or ``spent``; it expires."""
    return f"risk:ft:{hashlib.sha256(token.encode('utf-8', 'surrogatepass')).hexdigest()[:40]}"


def _spent(how: str) -> Problem:
    return bad_signature(f"The token of the signature is {how}.")
