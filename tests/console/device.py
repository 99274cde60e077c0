"""A device that makes and uses passkeys, as browsers hand on what it answers."""

from __future__ import annotations

import hashlib
import json
import secrets
import struct
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import bytes_to_base64url as text

ORIGIN, SITE = "http://localhost", "localhost"


@dataclass
class Device:
    """One key pair. What it answers can be made wrong by the arguments of :meth:`made` and :meth:`answer`."""

    user: str = ""
    count: int = 0
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    id: bytes = field(default_factory=lambda: secrets.token_bytes(16))

    def made(self, challenge: str, **wrong: Any) -> str:
        """What it answers when it is to make a passkey."""
        numbers = self.key.public_key().public_numbers()
        key = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})
        own = bytes(16) + struct.pack(">H", len(self.id)) + self.id + key
        data = self._data(0x40 | wrong.get("flags", 0x05), wrong.get("site", SITE)) + own
        attested = wrong.get("attested", cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data}))
        client = self._client("webauthn.create", challenge, wrong)
        return self._answer({"clientDataJSON": text(client), "attestationObject": text(attested)}, wrong)

    def answer(self, challenge: str, **wrong: Any) -> str:
        """What it answers when somebody signs in."""
        self.count = wrong.get("count", self.count + 1)
        data = wrong.get("data", self._data(wrong.get("flags", 0x05), wrong.get("site", SITE)))
        client = self._client("webauthn.get", challenge, wrong)
        signed = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        response = {
            "clientDataJSON": text(client),
            "authenticatorData": text(data),
            "signature": text(wrong.get("signature", signed)),
            "userHandle": text(wrong.get("user", self.user).encode()),
        }
        return self._answer(response, wrong)

    def _data(self, flags: int, site: str) -> bytes:
        return hashlib.sha256(site.encode()).digest() + struct.pack(">BI", flags, self.count)

    def _client(self, kind: str, challenge: str, wrong: dict[str, Any]) -> bytes:
        told = {"type": kind, "challenge": text(challenge.encode()), "origin": ORIGIN} | wrong.get("client", {})
        return json.dumps(told).encode()

    def _answer(self, response: dict[str, Any], wrong: dict[str, Any]) -> str:
        given = text(wrong.get("id", self.id))
        return json.dumps({"id": given, "rawId": given, "type": "public-key", "response": response})
