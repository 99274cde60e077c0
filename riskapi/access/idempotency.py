"""What was answered under an ``Idempotency-Key``, remembered for a day.

The header is the one of draft-ietf-httpapi-idempotency-key-header; the contract fixes 1 to 255 printable characters
and 24 hours. Signups do not use it: they are idempotent by ``account.user_id``.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from riskapi.errors import Problem

if TYPE_CHECKING:
    from riskapi.store.connections import Store

#: How long an answer is remembered, seconds (24 hours, as the HTTP contract says).
REMEMBERED = 24 * 3600
#: How long one attempt may take before another may start, seconds; far over the store's time-outs.
ATTEMPT = 60
#: How long a second request waits for the first one's answer, seconds, and how often it looks.
PATIENCE, STEP = 1.0, 0.05


@dataclass(frozen=True, slots=True)
class Remembered:
    """An answer as it was sent; ``headers`` are those of its own, such as ``ETag``."""

    status: int
    media: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Attempt:
    """The right to answer under a key, held by one request."""

    key: str
    owner: str


class Idempotency:
    """Begins, finishes and abandons attempts. ``pause`` waits that many seconds."""

    def __init__(self, store: Store, *, pause: Callable[[float], None] = time.sleep) -> None:
        self._begin = store.script("idempotency_begin")
        self._finish = store.script("idempotency_finish")
        self._abandon = store.script("idempotency_abandon")
        self._pause = pause

    def begin(self, principal: str, path: str, key: str, body: bytes, now: float) -> Attempt | Remembered:
        """The right to answer at Unix time ``now``, or the answer given in the 24 hours before to the same ``body`` by
        this principal at this path.

        Raises ``Problem`` ``idempotency_conflict`` when the body differs, ``idempotency_in_progress`` when the first
        request is still being answered after a short wait, and ``StoreUnavailable``.
        """
        name = hashlib.sha256("\0".join((principal, path, key)).encode("utf-8", "surrogateescape")).hexdigest()
        attempt = Attempt(f"risk:idempotency:{name}", secrets.token_hex(12))
        digest = hashlib.sha256(body).hexdigest()
        for _ in range(round(PATIENCE / STEP) + 1):
            state, *answer = self._begin.call([attempt.key], [digest, attempt.owner, ATTEMPT, repr(now), REMEMBERED])
            if state == b"begun":
                return attempt
            if state == b"answered":
                return Remembered(int(answer[0]), answer[1].decode(), answer[2], orjson.loads(answer[3]))
            if state == b"conflict":
                raise Problem("idempotency_conflict", "Use a new Idempotency-Key for another body.")
            self._pause(STEP)
        raise Problem(
            "idempotency_in_progress",
            "The first request with this Idempotency-Key has no answer yet; ask again.",
            headers={"Retry-After": "1"},
        )

    def finish(self, attempt: Attempt, answer: Remembered) -> None:
        """Remember the answer. Raises ``StoreUnavailable``."""
        headers = orjson.dumps(answer.headers)
        self._finish.call([attempt.key], [attempt.owner, answer.status, answer.media, answer.body, REMEMBERED, headers])

    def abandon(self, attempt: Attempt) -> None:
        """Forget an attempt that failed on our side, so that the caller may try again. Raises ``StoreUnavailable``."""
        self._abandon.call([attempt.key], [attempt.owner])
