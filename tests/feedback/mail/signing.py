"""Mail that is signed, and the DNS that knows the keys."""

from __future__ import annotations

import base64
from typing import Any

import dkim
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from riskapi.feedback.mail.dkim import Lookup
from tests.feedback.mail.corpus import mail

ALLOWED = frozenset({"arf.example", "staff@hotmail.example"})


def made_key(bits: int = 2048) -> tuple[bytes, str]:
    """A private key in PEM, and the record that has its public half."""
    key = rsa.generate_private_key(65537, bits)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private, f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"


PRIVATE, RECORD = made_key()
REPORT = mail("arf-abuse").replace(b"\n", b"\r\n")


def signed(raw: bytes = REPORT, domain: bytes = b"arf.example", key: bytes = PRIVATE, **more: Any) -> bytes:
    made: bytes = dkim.sign(raw, b"s1", domain, key, **more)
    return made + raw


def lookup(**records: str) -> Lookup:
    """DNS that knows the key ``s1`` of every domain, unless it is named."""
    return lambda name: records.get(name.rstrip(".").replace(".", "_"), RECORD)
