"""Sign-in by an OpenID Connect provider: the code flow with PKCE, state and nonce (OpenID Connect Core 1.0, 3.1).

What the provider says is believed only as far as its ID token is signed, for us, new, and its answer to our question.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import orjson
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from riskapi.outgoing.destinations import DestinationGuard
from riskapi.outgoing.http import PLAIN, Headers, HttpClient, HttpFailure, TooLarge

#: Seconds that the provider has for an answer, and bytes of one. Keys of large ones take 10 kB.
_PATIENCE, _MOST = 5.0, 200_000
#: Signatures that are taken: with public keys only. ``none``, and a secret that both know, prove nothing here.
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")
#: Seconds that its clock may differ from ours.
_LEEWAY = 60
#: Characters of a subject (Core 1.0, section 2: at most 255).
_SUBJECT = 255
_SILENT = "The provider does not answer as it should."


class ProviderFailed(Exception):
    """The provider did not say who somebody is. The message is a sentence for the person."""


@dataclass(frozen=True, slots=True)
class Question:
    """What the provider is asked: the address to go to, and what its answer is held to."""

    address: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is: ``name`` is their verified mail address in small letters, ``subject`` the provider's own name
    for them behind its issuer. ``claims`` are all that the ID token says.
    """

    name: str
    subject: str
    claims: Mapping[str, Any]

    def role(self, claim: str, roles: tuple[tuple[str, str], ...]) -> str | None:
        """The role that a claim gives, by the first of ``roles`` that fits; None for none."""
        found = self.claims.get(claim)
        values = found if isinstance(found, list) else [found]
        return next((role for value, role in roles if value in values), None)


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider. ``back`` is where it sends people to, ``secret`` what proves us to it."""

    issuer: str
    client_id: str
    secret: str
    back: str

    def ask(self, state: str) -> Question:
        """Where to send somebody. Raises :class:`ProviderFailed`."""
        found, nonce, verifier = self._discovered(), secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        address = prepare_grant_uri(
            self._endpoint(found, "authorization_endpoint"),
            client_id=self.client_id,
            response_type="code",
            redirect_uri=self.back,
            scope="openid email profile",
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
        )
        return Question(str(address), nonce, verifier)

    def identify(self, code: str, nonce: str, verifier: str, now: float) -> Identity:
        """Whom a code stands for at Unix time ``now``. Raises :class:`ProviderFailed`."""
        found = self._discovered()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.back,
            "code_verifier": verifier,
        }
        # RFC 6749, 2.3.1: both are encoded as in a form before they are joined.
        pair = f"{quote(self.client_id, safe='')}:{quote(self.secret, safe='')}"
        headers = [
            (b"Authorization", b"Basic " + base64.b64encode(pair.encode())),
            (b"Content-Type", b"application/x-www-form-urlencoded"),
        ]
        told = self._json("POST", self._endpoint(found, "token_endpoint"), headers, urlencode(form).encode())
        keys = self._json("GET", self._endpoint(found, "jwks_uri"))
        token = told.get("id_token")
        if not isinstance(token, str):
            raise ProviderFailed("The provider did not say who you are.")
        return self._believed(token, keys, nonce, now)

    def _believed(self, token: str, keys: dict[str, Any], nonce: str, now: float) -> Identity:
        try:
            read = jwt.decode(token, KeySet.import_key_set(keys), algorithms=_ALGORITHMS)  # type: ignore[arg-type]
            options = {
                "iss": {"essential": True, "value": self.issuer},
                "aud": {"essential": True, "value": self.client_id},
            }
            params = {"nonce": nonce, "client_id": self.client_id}
            claims = CodeIDToken(read.claims, read.header, options, params)
            claims.validate(now=int(now), leeway=_LEEWAY)
        except (JoseError, ValueError, TypeError, LookupError, AttributeError) as error:
            raise ProviderFailed("The provider's statement about you cannot be trusted.") from error
        mail, subject = claims.get("email"), claims.get("sub")
        if not isinstance(subject, str) or not 0 < len(subject) <= _SUBJECT:
            raise ProviderFailed("The provider did not say who you are.")
        if not isinstance(mail, str) or claims.get("email_verified") is not True:
            raise ProviderFailed("The provider does not vouch for your mail address.")
        return Identity(mail.strip().casefold(), f"{self.issuer} {subject}", dict(claims))

    def _discovered(self) -> dict[str, Any]:
        """What the provider says of itself (OpenID Connect Discovery 1.0, section 4)."""
        found = self._json("GET", f"{self.issuer}/.well-known/openid-configuration")
        if str(found.get("issuer")).rstrip("/") != self.issuer:  # section 4.3
            raise ProviderFailed("The provider says that it is another one.")
        return found

    def _endpoint(self, found: Mapping[str, Any], name: str) -> str:
        """An address that the provider named; by HTTPS, unless it is asked without itself."""
        address = found.get(name)
        try:
            parts = urlsplit(address if isinstance(address, str) else "")
            is_good = bool(parts.hostname) and parts.username is None and str(address).isascii()
        except ValueError:
            is_good = False
        if not is_good or parts.scheme not in {"https", urlsplit(self.issuer).scheme}:
            raise ProviderFailed("The provider names no address to go on to.")
        return str(address)

    def _json(self, method: str, url: str, headers: Headers = (), content: bytes | None = None) -> dict[str, Any]:
        """The JSON object that the provider answers with status 200."""
        try:
            found = orjson.loads(asyncio.run(self._fetch(method, url, headers, content)))
        except (HttpFailure, TooLarge, ValueError) as error:
            raise ProviderFailed(_SILENT) from error
        if not isinstance(found, dict):
            raise ProviderFailed(_SILENT)
        return found

    async def _fetch(self, method: str, url: str, headers: Headers, content: bytes | None) -> bytes:
        # The operator named the issuer's host, inside or not; where it sends us to was not named.
        client = HttpClient(DestinationGuard([urlsplit(self.issuer).hostname or ""]), connections=1)
        try:
            asked = [(b"Accept", b"application/json"), *PLAIN, *headers]
            async with client.ask(method, url, asked, _PATIENCE, content) as answer:
                if answer.status != 200:
                    raise ValueError("another status than 200")
                return await answer.body(_MOST)
        finally:
            await client.aclose()
