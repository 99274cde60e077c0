"""Somebody at a browser without scripts: follows links, fills in forms with the token that the page carries."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, replace
from typing import Any

import pyotp
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from riskapi.access import passwords
from riskapi.access.users import Person, Role
from riskapi.console.access_parts import AccessParts

PASSWORD = "blue kettle walks north"
#: What an applicant may write into any field, and no page may run: a script, and an expression of templates.
EVIL = '"><script>alert(1)</script>{{ 7*7 }}'
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@dataclass
class Visitor:
    """One browser."""

    client: FlaskClient
    page: TestResponse | None = None

    def get(self, path: str) -> TestResponse:
        """Load a page and go where it leads."""
        self.page = self.client.get(path, follow_redirects=True)
        return self.page

    def post(self, path: str, *, token: str | None = None, **fields: Any) -> TestResponse:
        """Post a form with the token of the page that was loaded last, and go where it leads."""
        fields["csrf"] = self.token() if token is None else token
        self.page = self.client.post(path, data=fields, follow_redirects=True)
        return self.page

    def token(self) -> str:
        """The token of the forms on the page."""
        return self.hidden("csrf")

    def hidden(self, name: str) -> str:
        """The value of a hidden field on the page."""
        found = re.search(rf'name="{name}" value="([^"]*)"', self.text)
        return html.unescape(found[1]) if found else ""

    @property
    def text(self) -> str:
        """The page as it was sent."""
        return self.page.text if self.page is not None else ""

    @property
    def path(self) -> str:
        """Where the browser is."""
        assert self.page is not None
        return self.page.request.path

    def sign_in(self, name: str, password: str = PASSWORD) -> TestResponse:
        """Give name and password."""
        self.get("/console/sign-in")
        return self.post("/console/sign-in", name=name, password=password)


def made(access_parts: AccessParts, name: str, role: Role, now: float, *, totp: bool = False) -> Person:
    """A user with the password of this module."""
    person = access_parts.users.create(name, role, now, password=passwords.hashed(PASSWORD))
    if totp:
        changed = access_parts.users.change(person.id, lambda kept: replace(kept, totp=SECRET))
        assert changed is not None
        return changed
    return person


def signed_in(app: Flask, access_parts: AccessParts, name: str, role: Role, now: float) -> Visitor:
    """A new user of a role, signed in."""
    made(access_parts, name, role, now)
    visitor = Visitor(app.test_client())
    visitor.sign_in(name)
    return visitor


def code(now: float) -> str:
    """What the authenticator shows."""
    return pyotp.TOTP(SECRET).at(int(now))
