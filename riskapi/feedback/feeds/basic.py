"""A secret that the provider shows with each request: HTTP basic authentication, or a key in the address."""

from __future__ import annotations

import base64
import binascii
import hmac
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from pydantic import SecretStr

from riskapi.feedback.feeds.feed import Posted, ProviderFeed, bad_signature, received
from riskapi.feedback.feeds.naming import Naming
from riskapi.feedback.feeds.payload import parsed
from riskapi.feedback.reports import Received, Report

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


class PasswordFeed(ProviderFeed):
    """A provider that signs nothing, and shows user and password with each request."""

    #: Whether the password may stand in the address instead.
    in_address: ClassVar[bool] = False

    def __init__(self, credentials: SecretStr, naming: Naming) -> None:
        self._auth, self._naming = BasicAuth(credentials, in_address=self.in_address), naming

    def verify(self, posted: Posted) -> None:
        """Check the secret."""
        self._auth.check(posted)


class BasicAuthFeed(PasswordFeed):
    """A provider that posts one event or an array of them to an address with the secret."""

    in_address = True

    def read(self, posted: Posted) -> Received:
        """One event, or an array."""
        found = parsed(posted.body)
        events = found if isinstance(found, list) else [found]
        return received(events, self._is_ours, lambda event: self._reports(event, posted.now))

    @abstractmethod
    def _is_ours(self, event: Any) -> bool:
        """Whether a part of a body is an event that this provider sends."""

    @abstractmethod
    def _reports(self, event: Mapping[str, Any], now: float) -> Sequence[Report]:
        """What an event says; nothing where that does not count. Raises ``NotUnderstood``."""


def _shown(header: str) -> bytes | None:
    """User and password in an ``Authorization`` header; None where it holds none."""
    scheme, _, text = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
