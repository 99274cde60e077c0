"""Signing in by an OpenID Connect provider."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from riskapi.access.oidc import Identity, Provider, ProviderFailed
from riskapi.access.one_time_tokens import OIDC, STEP
from riskapi.access.users import NameTaken, Person, Role
from riskapi.console.page import Page
from riskapi.console.visit import NOBODY, Answer, Entered, Moved, Visit

_OTHER = "Other ways to sign in work as before."
_UNKNOWN = "Nobody here has your mail address, or it is not one that may come in. Ask an admin."


def begin(visit: Visit) -> Answer:
    """Go to the provider."""
    provider = _provider(visit)
    if visit.person is not NOBODY or provider is None:
        return Moved("/console/")
    wait = visit.access_parts.throttle.take(_tries(visit), visit.address, visit.now)
    if wait:
        return Moved("/console/sign-in", f"Too many tries. Try again in {wait} seconds.")
    state = visit.access_parts.tokens.make(OIDC, {}, STEP, visit.now)
    try:
        asked = provider.ask(state)
    except ProviderFailed as error:
        return _failed(visit, str(error))
    held = {"oidc": {"state": state, "nonce": asked.nonce, "verifier": asked.verifier}}
    return Moved(asked.address, keep=held)


def back(visit: Visit) -> Answer:
    """Sign in whom the provider names."""
    provider, query = _provider(visit), visit.query
    # Kept by the browser that asked, so that nobody is signed in as somebody else by a link (RFC 9700, 4.7).
    held = visit.kept.get("oidc") or {}
    state = query["state"]
    if provider is None or not state or held.get("state") != state:
        return Moved("/console/sign-in", "This sign-in was begun elsewhere. Begin again.")
    if visit.access_parts.tokens.take(OIDC, state, visit.now) is None:
        return Moved("/console/sign-in", "That took too long. Sign in again.")
    if "iss" in query and query["iss"].rstrip("/") != provider.issuer:  # RFC 9207, 2.4
        return _failed(visit, "Another provider answered than the one that was asked.")
    if not query["code"] or "error" in query:
        return _failed(visit, "The provider did not let you in.")
    try:
        identity = provider.identify(query["code"], held["nonce"], held["verifier"], visit.now)
    except ProviderFailed as error:
        return _failed(visit, str(error))
    person = _known(visit, identity)
    if person is None:
        return _failed(visit, _UNKNOWN)
    visit.access_parts.audit.note(person.name, "signed in", person.id, visit.now, how="oidc")
    visit.access_parts.throttle.forget(_tries(visit))
    return Entered(person, "oidc")


def _known(visit: Visit, identity: Identity) -> Person | None:
    """The user with this mail address, made where a claim gives a role; None for somebody who may not come in."""
    settings, users = visit.access_parts.settings, visit.access_parts.users
    domains = settings.console_oidc_domains
    if domains and identity.name.rpartition("@")[2] not in domains:
        return None
    person = users.find(identity.name)
    if person is None:
        role = identity.role(settings.console_oidc_claim, settings.console_oidc_roles)
        if role is None:
            return None
        try:
            person = users.create(identity.name, cast("Role", role), visit.now)
        except (ValueError, NameTaken):
            return None
        visit.access_parts.audit.note(person.name, "user added", person.id, visit.now, role=role, how="oidc")

    def bound(kept: Person) -> Person | None:
        # An address may be given to somebody else some day; the provider's own name is not (Core 1.0, section 5.7).
        if kept.disabled or kept.provider not in (None, identity.subject):
            return None
        return replace(kept, provider=identity.subject)

    return users.change(person.id, bound)


def _provider(visit: Visit) -> Provider | None:
    settings = visit.access_parts.settings
    issuer, client, secret = (
        settings.console_oidc_issuer,
        settings.console_oidc_client_id,
        settings.console_oidc_client_secret,
    )
    if issuer is None or client is None or secret is None:
        return None
    return Provider(issuer, client, secret.get_secret_value(), f"{settings.console_address}/console/sign-in/oidc/back")


def _failed(visit: Visit, said: str) -> Answer:
    visit.note("sign-in refused", "", how="oidc", why=said)
    return Moved("/console/sign-in", f"{said} {_OTHER}")


def _tries(visit: Visit) -> str:
    return f"oidc:{visit.address}"


PAGES = (
    Page(path="/sign-in/oidc", handler=begin, role=None),
    Page(path="/sign-in/oidc/back", handler=back, role=None),
)
