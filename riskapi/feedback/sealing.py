"""Sealing: what was reported is kept encrypted, so that whoever has the store alone cannot read it."""

from __future__ import annotations

import hmac
import os
import zlib
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

#: Bytes of a nonce (NIST SP 800-38D, 5.2.1.1). At random it repeats with a chance of 2^-32 after 2^32 texts (8.3).
_NONCE: Final = 12
#: Bytes that a sealed text may have once it is opened: what we seal has fewer, and a damaged one must not fill memory.
_MOST: Final = 8 * 1024 * 1024


class Seal:
    """AES-256-GCM with a key made of a secret by HKDF (RFC 5869). Texts are compressed before (RFC 1950)."""

    def __init__(self, secret: bytes) -> None:
        made = HKDF(algorithm=SHA256(), length=64, salt=None, info=b"riskapi feedback reports 1").derive(secret)
        self._cipher, self._names = AESGCM(made[:32]), made[32:]

    def name(self, *parts: bytes) -> str:
        """A name for a text by what is in it, 96 bits in hexadecimal; it says nothing to those without the secret."""
        text = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return hmac.digest(self._names, text, "sha256").hex()[:24]

    def close(self, name: str, text: bytes) -> bytes:
        """The sealed text; it opens under the same ``name`` alone."""
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, zlib.compress(text), name.encode())

    def open(self, name: str, sealed: bytes) -> bytes | None:
        """The text; None for one that was sealed with another secret or name, or is damaged."""
        try:
            found = self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], name.encode())
            return zlib.decompressobj().decompress(found, _MOST)
        except (InvalidTag, ValueError, zlib.error):
            return None
