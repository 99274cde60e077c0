"""What a browser keeps: one signed cookie, with the token of the session and the token of forms.

Flask's own cookie sessions, for paths of the console only; requests to the API make and read none.
"""

from __future__ import annotations

import secrets
from functools import cached_property
from typing import TYPE_CHECKING

from flask import Flask
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface

from riskapi.console.access_parts import AccessParts
from riskapi.console.page import ROOT
from riskapi.times import DAY

if TYPE_CHECKING:
    from flask import Request

#: Where the key is kept that cookies are signed with. It opens no session by itself: those are tokens the store knows.
_KEY = "risk:cookiekey"
#: Days a browser remembers who signed in from it, see :mod:`riskapi.access.throttle`.
DAYS = 180


class Cookies(SecureCookieSessionInterface):
    """Signs with a key that is made once, kept in the store, and the same for every process."""

    def __init__(self, access_parts: AccessParts) -> None:
        self._access_parts = access_parts

    @cached_property
    def key(self) -> bytes:
        """The key; made where there is none. Raises ``StoreUnavailable``."""
        ask = self._access_parts.store.execute
        found: bytes | None = ask("GET", _KEY)
        if found is None:  # asked first, so that one that is there is found while the store refuses writes
            ask("SET", _KEY, secrets.token_urlsafe(32), "NX")  # of two that are the first, one wins
            found = ask("GET", _KEY)
        assert found is not None  # noqa: S101 - it was put a moment ago
        return found

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """What the browser kept; None, which can hold nothing, for requests to the API. The page loads it."""
        return SecureCookieSession() if request.path.startswith(f"{ROOT}/") else None

    def load(self, app: Flask, request: Request) -> SecureCookieSession:
        """What the browser kept. Raises ``StoreUnavailable``."""
        app.secret_key = self.key
        return super().open_session(app, request) or SecureCookieSession()


def settings(access_parts: AccessParts) -> dict[str, object]:
    """How the cookie is sent: never to scripts nor from other sites' forms, and with HTTPS only over that."""
    # https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Set-Cookie, "Cookie prefixes".
    return {
        "SESSION_COOKIE_NAME": "__Host-console" if access_parts.is_secure else "console",
        "SESSION_COOKIE_PATH": "/",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": access_parts.is_secure,
        "PERMANENT_SESSION_LIFETIME": DAYS * DAY,
        "WTF_CSRF_TIME_LIMIT": None,  # it ends with the session
    }
