"""An OpenID Connect provider on loopback: signs with RS256, and lies as a test tells it."""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode, urlsafe_b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from tests.conftest import NOW

CLIENT, SECRET = "console", "secret-of-the-console"


class Provider(ThreadingHTTPServer):
    """``claims`` go over those of an ID token that is right; None leaves one out. ``lies`` change other answers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.key, self.stranger = (RSAKey.generate_key(2048, {"kid": "1"}, private=True) for _ in range(2))
        self.secret = OctKey.import_key(SECRET + "-and-some-more-letters")
        self.begin()

    def begin(self) -> None:
        """As it is before a test."""
        self.claims: dict[str, Any] = {}
        self.lies: dict[str, Any] = {}
        self.asked: dict[str, str] = {}

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def visited(self, address: str) -> str:
        """Where the browser is sent back to, after a person said yes at this address."""
        self.asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        back = urlsplit(self.asked["redirect_uri"]).path
        return f"{back}?code=c0de&state={self.asked['state']}"

    def token(self) -> str:
        claims = {
            "iss": self.issuer,
            "sub": "person-1",
            "aud": CLIENT,
            "iat": int(NOW),
            "exp": int(NOW) + 300,
            "nonce": self.asked.get("nonce"),
            "email": "ana@ruiz.example",
            "email_verified": True,
        } | self.claims
        given = {name: value for name, value in claims.items() if value is not None}
        how = self.lies.get("alg", "RS256")
        if how == "none":
            parts = [json.dumps({"alg": "none"}).encode(), json.dumps(given).encode()]
            return ".".join(urlsafe_b64encode(each).rstrip(b"=").decode() for each in parts) + "."
        key = self.secret if how == "HS256" else self.lies.get("key", self.key)
        return jwt.encode({"alg": how, "kid": "1"}, given, key)

    def answer(self, path: str, form: dict[str, str], authorization: str) -> tuple[int, bytes]:
        if path in self.lies:
            lie = self.lies[path]
            return lie if isinstance(lie, tuple) else (200, json.dumps(lie).encode())
        if path == "/.well-known/openid-configuration":
            names = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
            told = {"issuer": self.issuer, **{name: f"{self.issuer}/{end}" for name, end in names.items()}}
            return 200, json.dumps(told | self.lies.get("discovery", {})).encode()
        if path == "/keys":
            return 200, json.dumps({"keys": [self.key.as_dict(private=False)]}).encode()
        challenge = urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=")
        is_right = (
            path == "/token"
            and b64decode(authorization.removeprefix("Basic ")).decode() == f"{CLIENT}:{SECRET}"
            and form.get("code") == "c0de"
            and challenge.decode() == self.asked.get("code_challenge")
            and form.get("redirect_uri") == self.asked.get("redirect_uri")
        )
        told = {"access_token": "a", "token_type": "Bearer", "id_token": self.token()}
        return (200, json.dumps(told).encode()) if is_right else (400, b'{"error":"invalid_grant"}')

    def handle_error(self, request: object, client_address: object) -> None:
        """Callers that give up are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        self._respond({})

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._respond({name: values[0] for name, values in parse_qs(raw).items()})

    def _respond(self, form: dict[str, str]) -> None:
        status, body = self.server.answer(self.path, form, self.headers.get("Authorization", ""))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""
