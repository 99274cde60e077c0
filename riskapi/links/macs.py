"""Keyed HMACs of what accounts share: the store holds them in place of the values."""

from __future__ import annotations

import hashlib
from binascii import b2a_base64

#: Characters that are kept: 96 bits, six a character.
MAC = 16
#: From the alphabet of base64 to the one for URLs (RFC 4648, 5).
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


#: What the two hashes of an HMAC begin with: the secret, filled with zeros to a block of SHA-256, with each byte XORed
#: with one of these (RFC 2104, 2).
_BLOCK = 64
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))


class Macs:
    """HMAC-SHA256 (RFC 2104) under one secret (16 bytes or more), cut to 96 bits, as 16 URL-safe characters.

    Written out over ``hashlib``, so that both hashes begin with copies that have the secret behind them: 0.6 µs against
    1.0 with copies of an ``hmac.HMAC``, which OpenSSL sets up anew, and 1.5 with ``hmac.digest``. A signup makes eight.
    """

    def __init__(self, key: bytes) -> None:
        block = (key if len(key) <= _BLOCK else hashlib.sha256(key).digest()).ljust(_BLOCK, b"\0")
        self._inner, self._outer = (hashlib.sha256(block.translate(pad)) for pad in (_INNER, _OUTER))

    def of(self, kind: str, value: str) -> str:
        """The HMAC of a value of a kind."""
        inner = self._inner.copy()
        inner.update(f"{kind}\0{value}".encode("utf-8", "surrogatepass"))
        outer = self._outer.copy()
        outer.update(inner.digest())
        # Of all 32 bytes the first 16 characters are those of the first 12.
        return b2a_base64(outer.digest())[:MAC].translate(_URL_SAFE).decode()
