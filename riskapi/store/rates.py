"""How many requests a second one API key may make, counted together by every worker.

Own code because the ``limits`` package opens its own connections from a URL (no embedded store, no shared
time-outs and circuit) and needs one trip to take and another to read what is left for the headers.
The algorithm is GCRA, the "leaky bucket as a meter" of ITU-T I.371: one number a key, exact, no windows to straddle.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from riskapi.store.connections import Store

_MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class RateState:
    """What is left of a key's requests: ``quota`` in ``window`` seconds. Times in whole seconds, rounded up."""

    allowed: bool
    quota: int
    window: int
    remaining: int
    reset: int
    retry_after: int

    def headers(self) -> dict[str, str]:
        """``RateLimit`` and ``RateLimit-Policy`` as in draft-ietf-httpapi-ratelimit-headers-11."""
        found = {
            "RateLimit-Policy": f'"key";q={self.quota};w={self.window}',
            "RateLimit": f'"key";r={self.remaining};t={self.reset}',
        }
        if not self.allowed:
            found["Retry-After"] = str(self.retry_after)
        return found


class RateLimits:
    """Takes requests from the allowances of keys."""

    def __init__(self, store: Store) -> None:
        self._take = store.script("ratelimit_take")

    def take(self, key_id: str, rate: float, now: float, *, burst: int | None = None) -> RateState:
        """Take one request of the key ``key_id`` that may make ``rate`` (> 0) a second; ``now`` is Unix time.

        ``burst`` may come at once, without it a second's worth, and always at least one. Raises ``StoreUnavailable``.
        """
        quota = burst or max(1, math.floor(rate))
        window = max(1, math.ceil(1 / rate))
        gap = max(1, round(_MICRO / rate))
        allowed, remaining, reset, retry = self._take.call([f"risk:rate:{key_id}"], [round(now * _MICRO), gap, quota])
        return RateState(
            allowed=bool(allowed),
            quota=quota,
            window=window,
            remaining=int(remaining),
            reset=math.ceil(int(reset) / _MICRO),
            retry_after=max(1, math.ceil(int(retry) / _MICRO)),
        )
