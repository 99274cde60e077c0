"""How often somebody may try to sign in: counted by the name tried and by the address it comes from.

A try is taken before the password is looked at, so tries at the same moment do not get past. A browser in which a
person signed in before has tries of its own, which a stranger cannot use up: so nobody is locked out by somebody who
tries their name (OWASP, "Slow Down Online Guessing Attacks with Device Cookies").
"""

from __future__ import annotations

import hashlib
import math
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from riskapi.store.rates import RateLimits

if TYPE_CHECKING:
    from riskapi.store.connections import Store

#: Tries at once, and seconds until one comes back. A name: 10, and one each 90 s, so 970 a day; NIST SP 800-63B-4,
#: 3.2.2 lets 100 in a row fail before a password is locked for good, which ours never is. A network: 30, and one each
#: 20 s: an office shares one.
NAME, NETWORK = (10, 90.0), (30, 20.0)
#: Bits of an IPv6 address that name a subscriber (RFC 6177 asks providers for a /64 or more each).
_SUBSCRIBER = 64


class Throttle:
    """Lets tries through, or says how long to wait."""

    def __init__(self, store: Store) -> None:
        self._store, self._rates = store, RateLimits(store)

    def take(self, name: str, address: str, now: float, *, known: bool = False) -> int:
        """Take one try; 0, or the seconds until the next may be made. Raises ``StoreUnavailable``.

        ``known``: the browser proved that this name signed in from it before.
        """
        taken = [(_name(name, known=known), NAME)]
        if not known:  # the network first: somebody who tried too often from there uses up no tries of names
            taken.insert(0, (_key("network", _network(address)), NETWORK))
        for key, (burst, seconds) in taken:
            state = self._rates.take(key, 1 / seconds, now, burst=burst)
            if not state.allowed:
                return math.ceil(state.retry_after)
        return 0

    def forget(self, name: str) -> None:
        """Somebody signed in by this name: its tries are all there again. Raises ``StoreUnavailable``."""
        for known in (False, True):
            self._store.execute("DEL", f"risk:rate:{_name(name, known=known)}")


def _network(address: str) -> str:
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((found, _SUBSCRIBER), strict=False)) if found.version == 6 else address


def _name(name: str, *, known: bool) -> str:
    return _key("known" if known else "name", name)


def _key(kind: str, value: str) -> str:
    return f"console:{kind}:{hashlib.sha256(value.encode('utf-8', 'surrogateescape')).hexdigest()}"
