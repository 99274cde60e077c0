"""Signing in with a name, a password and a code, and out again."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from riskapi.access import authenticator, passwords
from riskapi.access.one_time_tokens import CODE, STEP
from riskapi.access.users import Person
from riskapi.console.page import Page
from riskapi.console.visit import NOBODY, Answer, Entered, Left, Moved, View, Visit

#: Never which of the two is wrong: that would tell who has an account.
_WRONG = "The name or the password is wrong."


def show(visit: Visit) -> Answer:
    """The form, or the console for whoever signed in already."""
    if visit.person is not NOBODY:
        return Moved("/console/")
    return _form(visit, first=not visit.access_parts.users.any())


def enter(visit: Visit) -> Answer:
    """Look at the name and the password; with an authenticator the code is next."""
    name = visit.form["name"].strip().casefold()[:128]
    person = visit.access_parts.users.find(name)
    known = person is not None and person.id in visit.known
    wait = visit.access_parts.throttle.take(name, visit.address, visit.now, known=known)
    if wait:
        return _again(visit, _wait(wait), name, 429, wait)
    right = passwords.matches(visit.form["password"], person.password if person else None)
    if person is None or not right or person.disabled:
        visit.note("sign-in refused", person.id if person else "an unknown name")
        return _again(visit, _WRONG, name, 403)
    if person.totp is not None:
        return _code(visit.access_parts.tokens.make(CODE, {"id": person.id, "epoch": person.epoch}, STEP, visit.now))
    if person.passkeys and visit.access_parts.settings.console_second_factor:
        return _again(visit, "A password is not enough for you. Use your passkey: the button below.", name, 403)
    return _entered(visit, person, "password")


def confirm(visit: Visit) -> Answer:
    """Look at the code."""
    token = visit.form["token"]
    held = visit.access_parts.tokens.peek(CODE, token, visit.now)
    person = visit.access_parts.users.get(held["id"]) if held is not None else None
    if held is None or person is None or person.disabled or person.epoch != held["epoch"]:
        return Moved("/console/sign-in", "That took too long. Sign in again.")
    # Nobody gets here without the password, so a stranger does not use these up.
    wait = visit.access_parts.throttle.take(f"code:{person.id}", visit.address, visit.now, known=True)
    if wait:
        return _code(token, _wait(wait), 429, wait)
    how = authenticator.spend(visit.access_parts.users, person, visit.form["code"], visit.now)
    if how is None:
        visit.note("code refused", person.id)
        return _code(token, "This code is wrong, or was used already.", 403)
    visit.access_parts.tokens.take(CODE, token, visit.now)
    visit.access_parts.throttle.forget(f"code:{person.id}")
    return _entered(visit, person, how)


def leave(visit: Visit) -> Answer:
    """Sign out."""
    return Left(said="You are signed out.")


def _entered(visit: Visit, person: Person, how: str) -> Answer:
    visit.access_parts.audit.note(person.name, "signed in", person.id, visit.now, how=how)
    visit.access_parts.throttle.forget(person.name)
    return Entered(person, how)


def _again(visit: Visit, fault: str, name: str, status: int, wait: int = 0) -> Answer:
    headers = {"Retry-After": str(wait)} if wait else {}
    return _form(visit, fault=fault, name=name, status=status, headers=headers)


def _form(
    visit: Visit,
    *,
    first: bool = False,
    fault: str | None = None,
    name: str = "",
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    issuer = visit.access_parts.settings.console_oidc_issuer
    provider = urlsplit(issuer).hostname if issuer is not None else None
    shown = {"first": first, "fault": fault, "name": name, "provider": provider}
    return View("sign_in.html", shown, status, headers or {})


def _code(token: str, fault: str | None = None, status: int = 200, wait: int = 0) -> Answer:
    headers = {"Retry-After": str(wait)} if wait else {}
    return View("code.html", {"token": token, "fault": fault}, status, headers)


def _wait(seconds: int) -> str:
    return f"Too many tries. Try again in {seconds} seconds."


PAGES = (
    Page(path="/sign-in", handler=show, role=None),
    Page(path="/sign-in", handler=enter, role=None, method="POST"),
    Page(path="/sign-in/code", handler=confirm, role=None, method="POST"),
    Page(path="/sign-out", handler=leave, role="viewer", method="POST", open_to_new=True),
)
