"""Sign-in by an OpenID Connect provider: who comes in, and what a provider that lies or is away leads to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from pydantic import SecretStr

from riskapi.access.users import Person
from riskapi.console.access_parts import AccessParts
from riskapi.errors import ConfigurationError
from riskapi.settings import Settings
from tests.conftest import NOW, Clock
from tests.console.provider import CLIENT, SECRET, Provider
from tests.console.visitor import PASSWORD, Visitor, made
from tests.threaded import running

MAIL = "ana@ruiz.example"


@pytest.fixture(scope="module")
def provider_of_module() -> Iterator[Provider]:
    with running(Provider()) as found:
        yield found


@pytest.fixture
def provider(provider_of_module: Provider) -> Provider:
    provider_of_module.begin()
    return provider_of_module


@pytest.fixture
def site(make_site: Callable[..., Flask], provider: Provider) -> Flask:
    return _site(make_site, provider)


def _site(make_site: Callable[..., Flask], provider: Provider, **changes: Any) -> Flask:
    own = {
        "console_oidc_issuer": provider.issuer,
        "console_oidc_client_id": CLIENT,
        "console_oidc_client_secret": SecretStr(SECRET),
        "console_oidc_domains": ("ruiz.example",),
        "console_second_factor": True,
    }
    return make_site(**(own | changes))


def come(site: Flask, provider: Provider) -> Visitor:
    """A browser that went to the provider and back."""
    visitor = Visitor(site.test_client())
    assert "Sign in with 127.0.0.1" in visitor.get("/console/sign-in").text
    gone = visitor.client.get("/console/sign-in/oidc")
    if gone.location.startswith(provider.issuer):
        visitor.get(provider.visited(gone.location))
    else:
        visitor.get(gone.location)
    return visitor


def test_a_user_with_the_verified_address_comes_in(
    site: Flask, provider: Provider, access_parts: AccessParts, clock: Clock
) -> None:
    made(access_parts, MAIL, "reviewer", clock.now)
    provider.claims = {"email": "Ana@Ruiz.example"}
    visitor = come(site, provider)
    assert visitor.path == "/console/queue", visitor.text
    assert (provider.asked["code_challenge_method"], provider.asked["response_type"]) == ("S256", "code")
    assert "<td>oidc</td>" in visitor.get("/console/account").text
    assert access_parts.audit.latest(1)[0].details == {"how": "oidc"}


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"aud": "another"}, "cannot be trusted"),
        ({"aud": [CLIENT, "another"]}, "cannot be trusted"),
        ({"aud": None}, "cannot be trusted"),
        ({"iss": "https://login.example"}, "cannot be trusted"),
        ({"iss": None}, "cannot be trusted"),
        ({"nonce": "another"}, "cannot be trusted"),
        ({"nonce": None}, "cannot be trusted"),
        ({"exp": int(NOW) - 61}, "cannot be trusted"),
        ({"exp": None}, "cannot be trusted"),
        ({"exp": "soon"}, "cannot be trusted"),
        ({"iat": int(NOW) + 3600}, "cannot be trusted"),
        ({"nbf": int(NOW) + 3600}, "cannot be trusted"),
        ({"azp": "another"}, "cannot be trusted"),
        ({"sub": None}, "cannot be trusted"),
        ({"sub": 7}, "cannot be trusted"),
        ({"sub": "x" * 256}, "did not say who you are"),
        ({"email_verified": False}, "does not vouch"),
        ({"email_verified": None}, "does not vouch"),
        ({"email_verified": "true"}, "does not vouch"),
        ({"email": None}, "does not vouch"),
        ({"email": 7}, "does not vouch"),
        ({"email": "ana@evil.example"}, "Nobody here"),
        ({"email": "bo@ruiz.example"}, "Nobody here"),
        ({"email": "<script>@ruiz.example"}, "Nobody here"),
    ],
)
def test_a_token_that_is_not_right_lets_nobody_in(
    site: Flask, provider: Provider, access_parts: AccessParts, clock: Clock, claims: dict[str, Any], said: str
) -> None:
    made(access_parts, MAIL, "reviewer", clock.now)
    provider.claims = claims
    visitor = come(site, provider)
    assert visitor.path == "/console/sign-in" and said in visitor.text
    assert "Other ways to sign in work as before." in visitor.text
    assert visitor.client.get("/console/queue").status_code == 303


@pytest.mark.parametrize(
    ("lies", "said"),
    [
        ({"alg": "none"}, "cannot be trusted"),
        ({"alg": "HS256"}, "cannot be trusted"),
        ({"key": "stranger"}, "cannot be trusted"),
        ({"/keys": {"keys": []}}, "cannot be trusted"),
        ({"/keys": {"keys": [{"kty": "RSA", "n": "x"}]}}, "cannot be trusted"),
        ({"/keys": {"keys": 7}}, "cannot be trusted"),
        ({"/keys": (500, b"")}, "does not answer"),
        ({"/token": {"id_token": "a.b.c"}}, "cannot be trusted"),
        ({"/token": {"id_token": "é"}}, "cannot be trusted"),
        ({"/token": {}}, "did not say who you are"),
        ({"/token": []}, "does not answer"),
        ({"/token": (200, b"<html>")}, "does not answer"),
        ({"/token": (302, b"")}, "does not answer"),
        ({"/token": (200, b" " * 200_001)}, "does not answer"),
        ({"discovery": {"issuer": "https://login.example"}}, "another one"),
        ({"discovery": {"authorization_endpoint": None}}, "no address"),
        ({"discovery": {"authorization_endpoint": "javascript:alert(1)"}}, "no address"),
        ({"discovery": {"token_endpoint": "http://[bad"}}, "no address"),
        ({"discovery": {"token_endpoint": "http://10.0.0.1/token"}}, "does not answer"),
        ({"/.well-known/openid-configuration": (404, b"")}, "does not answer"),
        ({"/.well-known/openid-configuration": (200, b"\xff")}, "does not answer"),
    ],
)
def test_a_provider_that_lies_is_a_sentence_and_other_ways_work(
    site: Flask, provider: Provider, access_parts: AccessParts, clock: Clock, lies: dict[str, Any], said: str
) -> None:
    made(access_parts, MAIL, "reviewer", clock.now, totp=True)
    provider.lies = {name: provider.stranger if lie == "stranger" else lie for name, lie in lies.items()}
    visitor = come(site, provider)
    assert visitor.path == "/console/sign-in" and said in visitor.text
    assert "Your code" in visitor.sign_in(MAIL).text


def test_a_provider_that_is_away_is_a_sentence(
    make_site: Callable[..., Flask], provider: Provider, free_port: int
) -> None:
    site = _site(make_site, provider, console_oidc_issuer=f"http://127.0.0.1:{free_port}")
    assert "does not answer" in come(site, provider).text


@pytest.mark.parametrize("groups", ["riskapi-growth", ["staff", "riskapi-growth"]])
def test_a_claim_makes_a_user_of_its_role(
    make_site: Callable[..., Flask], provider: Provider, access_parts: AccessParts, groups: object
) -> None:
    site = _site(make_site, provider, console_oidc_roles=(("riskapi-growth", "growth"), ("staff", "viewer")))
    provider.claims = {"groups": groups}
    assert come(site, provider).path == "/console/queue"
    found = access_parts.users.find(MAIL)
    assert found is not None and found.role == "growth" and found.password is None
    assert [note.action for note in access_parts.audit.latest(2)] == ["signed in", "user added"]


@pytest.mark.parametrize("groups", [None, "others", [], {"riskapi-growth": 1}, 7])
def test_a_claim_that_fits_no_role_makes_no_user(
    make_site: Callable[..., Flask], provider: Provider, access_parts: AccessParts, groups: object
) -> None:
    site = _site(make_site, provider, console_oidc_roles=(("riskapi-growth", "growth"),))
    provider.claims = {"groups": groups}
    assert come(site, provider).path == "/console/sign-in" and not access_parts.users.any()


def test_an_address_that_was_given_to_somebody_else_opens_nothing(
    site: Flask, provider: Provider, access_parts: AccessParts, clock: Clock
) -> None:
    person = made(access_parts, MAIL, "admin", clock.now)
    assert come(site, provider).path == "/console/queue"
    provider.claims = {"sub": "person-2"}
    assert come(site, provider).path == "/console/sign-in"
    access_parts.users.change(person.id, Person.shut_out)
    provider.claims = {}
    assert come(site, provider).path == "/console/sign-in"


def test_an_answer_is_for_the_browser_that_asked_and_for_once(
    site: Flask, provider: Provider, access_parts: AccessParts, clock: Clock
) -> None:
    made(access_parts, MAIL, "reviewer", clock.now)
    visitor, other = (Visitor(site.test_client()) for _ in range(2))
    back = provider.visited(visitor.client.get("/console/sign-in/oidc").location)
    assert "begun elsewhere" in other.get(back).text
    assert "begun elsewhere" in visitor.get("/console/sign-in/oidc/back?code=c0de").text
    assert "Another provider" in visitor.get(f"{back}&iss=https://login.example").text
    assert visitor.get(back).request.path == "/console/sign-in"  # it was spent
    back = provider.visited(visitor.client.get("/console/sign-in/oidc").location)
    assert "did not let you in" in visitor.get(f"{back}&error=access_denied").text


def test_nothing_is_there_where_it_is_not_set(make_site: Callable[..., Flask]) -> None:
    visitor = Visitor(make_site().test_client())
    assert "Sign in with 1" not in visitor.get("/console/sign-in").text
    for path in ("/console/sign-in/oidc", "/console/sign-in/oidc/back?state=x&code=y"):
        assert visitor.get(path).request.path == "/console/sign-in"
    assert PASSWORD not in visitor.text


GOOD = {"ISSUER": "https://login.example", "CLIENT_ID": "console", "CLIENT_SECRET": SECRET, "DOMAINS": "ruiz.example"}


@pytest.mark.parametrize(
    ("changes", "key", "reason"),
    [
        ({"ISSUER": ""}, "ISSUER", "is missing"),
        ({"CLIENT_ID": ""}, "CLIENT_ID", "is missing"),
        ({"CLIENT_SECRET": ""}, "CLIENT_SECRET", "is missing"),
        ({"DOMAINS": ""}, "DOMAINS", "is missing"),
        ({"ISSUER": "http://login.example"}, "ISSUER", "expected https"),
        ({"ISSUER": "login.example"}, "ISSUER", "expected a URL"),
        ({"ROLES": "staff"}, "ROLES", "expected VALUE=ROLE"),
        ({"ROLES": "staff=king"}, "ROLES", "expected VALUE=ROLE"),
        ({"CLIENT_SECRET": "short"}, "CLIENT_SECRET", "8 characters"),
    ],
)
def test_settings_that_are_not_whole_stop_the_start(changes: dict[str, str], key: str, reason: str) -> None:
    given = {f"RISKAPI_CONSOLE_OIDC_{name}": value for name, value in (GOOD | changes).items()}
    with pytest.raises(ConfigurationError, match=reason) as refused:
        Settings.load(given)
    assert refused.value.key == f"RISKAPI_CONSOLE_OIDC_{key}"


def test_settings_that_are_whole_are_taken() -> None:
    roles = {"DOMAINS": "", "ROLES": "cn=staff=reviewer, admins=admin", "ISSUER": "http://127.0.0.1:9000/"}
    found = Settings.load({f"RISKAPI_CONSOLE_OIDC_{name}": value for name, value in (GOOD | roles).items()})
    assert found.console_oidc_roles == (("cn=staff", "reviewer"), ("admins", "admin"))
    assert found.console_oidc_issuer == "http://127.0.0.1:9000"
