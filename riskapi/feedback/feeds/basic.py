"""A secret that the provider shows with each request: HTTP basic authentication, or a key in the address."""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import Final

from pydantic import SecretStr

from riskapi.feedback.feeds.feed import Posted, bad_signature

_CHALLENGE: Final = 'Basic realm="riskapi feedback", charset="UTF-8"'


class BasicAuth:
    """Checks ``user:password`` (RFC 7617), and where ``in_address`` says so the password as ``?key=`` instead."""

    def __init__(self, credentials: SecretStr, *, in_address: bool = False) -> None:
        self._expected = credentials.get_secret_value().encode()
        self._key = self._expected.partition(b":")[2] if in_address else None

    def check(self, posted: Posted) -> None:
        """Raises ``bad_signature`` for a request without the secret, or with another."""
        shown = _shown(posted.headers.get("authorization", ""))
        if shown is not None and hmac.compare_digest(shown, self._expected):
            return
        key = posted.query.get("key", "")
        if self._key is not None and key and hmac.compare_digest(key.encode("utf-8", "replace"), self._key):
            return
        raise bad_signature("The user and password of this feed are missing or wrong.", _CHALLENGE)


def _shown(header: str) -> bytes | None:
    """User and password in an ``Authorization`` header; None where it holds none."""
    scheme, _, text = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
