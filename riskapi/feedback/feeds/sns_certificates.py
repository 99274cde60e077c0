"""The certificates that Amazon SNS signs with: from a file, or fetched from Amazon and kept.

Anybody may post to a feed, so what leads to a request of ours is counted: one at a time, few a minute, and what failed
is not asked for again at once. A request that waits for another's fetch is told to come again; it holds no thread.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from riskapi.errors import Problem
from riskapi.feedback.feeds.feed import bad_signature
from riskapi.feedback.feeds.sns_urls import is_amazons, is_certificate
from riskapi.times import DAY

#: Seconds a fetched certificate is kept, and one that could not be fetched is not asked for again.
KEPT, LEFT_ALONE = float(DAY), 60.0
#: Certificates kept. Amazon uses one a region at a time, and another for some time before it changes.
MOST: Final = 16
#: Fetches in a minute at most. One is needed a day.
MOST_FETCHES: Final = 6
_MINUTE: Final = 60.0

#: Gets what is at an address of Amazon's; raises ``unavailable``.
Fetch = Callable[[str], bytes]


class FetchedCertificates:
    """Certificates by their address. ``fetch`` asks Amazon."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._kept: OrderedDict[str, tuple[float, rsa.RSAPublicKey | None]] = OrderedDict()
        self._fetched: list[float] = []
        self._turn = threading.Lock()

    def keys(self, address: object, now: float) -> Sequence[rsa.RSAPublicKey]:
        """The key of the certificate at an address, at Unix time ``now``.

        Raises ``bad_signature`` for an address that is not Amazon's and for what is not a certificate that holds now;
        ``unavailable`` where it cannot be fetched now.
        """
        if not isinstance(address, str) or not is_certificate(address):
            raise bad_signature("SigningCertURL is not the address of a certificate of Amazon SNS.")
        kept = self._kept.get(address)
        if kept is None or not 0 <= now - kept[0] < (LEFT_ALONE if kept[1] is None else KEPT):
            if not self._turn.acquire(blocking=False):
                raise _away("Another certificate is being fetched.")
            try:
                kept = self._kept[address] = self._asked(address, now)
                while len(self._kept) > MOST:
                    self._kept.popitem(last=False)
            finally:
                self._turn.release()
        if kept[1] is None:
            raise bad_signature("What Amazon has at SigningCertURL is not a certificate that holds now.")
        return (kept[1],)

    def _asked(self, address: str, now: float) -> tuple[float, rsa.RSAPublicKey | None]:
        self._fetched = [at for at in self._fetched if 0 <= now - at < _MINUTE]
        if len(self._fetched) >= MOST_FETCHES:
            raise _away("Too many certificates were fetched in this minute.")
        self._fetched.append(now)
        return now, key_of(self._fetch(address), now)


class CertificateFile:
    """Certificates that the operator gave: of those in the file, one has to have signed.

    Their dates are not looked at: who gives a certificate by hand says that it holds.
    """

    def __init__(self, keys: Sequence[rsa.RSAPublicKey]) -> None:
        self._keys = keys

    def keys(self, address: object, now: float) -> Sequence[rsa.RSAPublicKey]:
        """The keys of the file. Raises ``bad_signature`` where a message names a certificate that is not Amazon's."""
        del now
        if address is not None and not is_amazons(address):
            raise bad_signature("SigningCertURL is not at Amazon SNS.")
        return self._keys


def key_of(pem: bytes, now: float) -> rsa.RSAPublicKey | None:
    """The RSA key of a certificate that holds at Unix time ``now``; None for anything else."""
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        key = certificate.public_key()
        begins, ends = certificate.not_valid_before_utc.timestamp(), certificate.not_valid_after_utc.timestamp()
    except Exception:  # whatever a parser makes of bytes from elsewhere, they are not a certificate
        return None
    return key if isinstance(key, rsa.RSAPublicKey) and begins <= now <= ends else None


def _away(detail: str) -> Problem:
    return Problem("unavailable", detail, headers={"Retry-After": "5"})
