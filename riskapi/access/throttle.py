"""How often somebody may try to sign in: counted by the name tried and by the address it comes from.

A try is taken before the password is looked at, so tries at the same moment do not get past.
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING

from riskapi.store.rates import RateLimits

if TYPE_CHECKING:
    from riskapi.store.connections import Store

#: Tries at once, and seconds until one comes back. A name: 10, and one each 90 s, so 970 a day; NIST SP 800-63B-4,
#: 3.2.2 lets 100 in a row fail before a password is locked for good, which ours never is: whoever tries a name on
#: purpose must not lock its owner out for long. An address: 30, and one each 20 s: an office shares one. Chosen by us.
NAME, ADDRESS = (10, 90.0), (30, 20.0)


class Throttle:
    """Lets tries through, or says how long to wait."""

    def __init__(self, store: Store) -> None:
        self._store, self._rates = store, RateLimits(store)

    def take(self, name: str, address: str, now: float) -> int:
        """Take one try; 0, or the seconds until the next may be made. Raises ``StoreUnavailable``."""
        for key, (burst, seconds) in ((_of("name", name), NAME), (_of("address", address), ADDRESS)):
            state = self._rates.take(key, 1 / seconds, now, burst=burst)
            if not state.allowed:
                return math.ceil(state.retry_after)
        return 0

    def forget(self, name: str) -> None:
        """Somebody signed in by this name: its tries are all there again. Raises ``StoreUnavailable``."""
        self._store.execute("DEL", f"risk:rate:{_of('name', name)}")


def _of(kind: str, value: str) -> str:
    return f"console:{kind}:{hashlib.sha256(value.encode('utf-8', 'surrogateescape')).hexdigest()}"
