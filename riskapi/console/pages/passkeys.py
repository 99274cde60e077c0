"""Passkeys: a user adds, names and removes theirs, and signs in with one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from riskapi.access import passkeys, passwords
from riskapi.access.one_time_tokens import NEW_PASSKEY, PASSKEY, STEP
from riskapi.access.passkeys import PasskeyRefused, Site
from riskapi.access.users import Person
from riskapi.console.page import Page
from riskapi.console.visit import NOBODY, Answer, Entered, Moved, View, Visit

_HERE = "/console/account/passkeys"
_NO_SITE = (
    "Passkeys are for a name, not for an address of numbers. Open the console at localhost, or set RISKAPI_CONSOLE_URL."
)
_REFUSED = "This passkey was not taken. Try again, or use another way to sign in."


def show(visit: Visit) -> Answer:
    """Those there are, and a form for another."""
    return _shown(visit)


def offer(visit: Visit) -> Answer:
    """Have the browser make a passkey."""
    site, person = _site(visit), visit.person
    if site is None:
        return _shown(visit, _NO_SITE)
    if len(person.passkeys) >= passkeys.MOST:
        return _shown(visit, f"You have {passkeys.MOST} passkeys. Remove one first.")
    # Whoever sits down at an open session must not be able to make it their own.
    if person.password is not None:
        wait = visit.access_parts.throttle.take(person.name, visit.address, visit.now, known=True)
        if wait:
            return _shown(visit, f"Too many tries. Try again in {wait} seconds.")
        if not passwords.matches(visit.form["present"], person.password):
            return _shown(visit, "The present password is wrong.")
    held = {"id": person.id, "name": visit.form["name"].strip()[: passkeys.LONGEST]}
    token = visit.access_parts.tokens.make(NEW_PASSKEY, held, STEP, visit.now)
    return _asked("create", passkeys.offer(site, person, token), token)


def take(visit: Visit) -> Answer:
    """Keep the passkey that the browser made."""
    site, token = _site(visit), visit.form["token"]
    held = visit.access_parts.tokens.take(NEW_PASSKEY, token, visit.now)
    if site is None or held is None or held["id"] != visit.person.id:
        return _shown(visit, "That took too long. Try again.")
    try:
        made = passkeys.made(site, token, visit.form["answer"], held["name"], visit.now)
    except PasskeyRefused:
        return _shown(visit, _REFUSED)

    def added(kept: Person) -> Person | None:
        if len(kept.passkeys) >= passkeys.MOST or any(each.id == made.id for each in kept.passkeys):
            return None
        return replace(kept, passkeys=(*kept.passkeys, made))

    visit.note("passkey added", visit.person.id)
    if visit.access_parts.users.change(visit.person.id, added) is None:
        return _shown(visit, _REFUSED)
    return Moved(_HERE, f"The passkey {made.name} is added.")


def change(visit: Visit) -> Answer:
    """Give one another name, or remove it."""
    chosen, name = visit.form["id"], visit.form["name"].strip()[: passkeys.LONGEST]
    if visit.form["do"] == "remove":
        visit.note("passkey removed", visit.person.id)
        changed = visit.access_parts.users.change(
            visit.person.id,
            lambda kept: replace(kept, passkeys=tuple(each for each in kept.passkeys if each.id != chosen)),
        )
        return Moved(_HERE if changed else "/console/sign-in", "The passkey is removed.")
    if not name:
        return _shown(visit, "A passkey needs a name.")
    visit.access_parts.users.change(
        visit.person.id,
        lambda kept: replace(
            kept, passkeys=tuple(replace(each, name=name) if each.id == chosen else each for each in kept.passkeys)
        ),
    )
    return Moved(_HERE, f"The passkey is called {name}.")


def begin(visit: Visit) -> Answer:
    """Ask the browser for a passkey to sign in with."""
    if visit.person is not NOBODY:
        return Moved("/console/")
    site = _site(visit)
    if site is None:
        return Moved("/console/sign-in", _NO_SITE)
    wait = visit.access_parts.throttle.take(_tries(visit), visit.address, visit.now)
    if wait:
        return _asked("get", None, "", f"Too many tries. Try again in {wait} seconds.", 429, wait)
    token = visit.access_parts.tokens.make(PASSKEY, {}, STEP, visit.now)
    return _asked("get", passkeys.question(site, token), token)


def enter(visit: Visit) -> Answer:
    """Sign in whom the passkey proves."""
    site, token = _site(visit), visit.form["token"]
    # Each challenge is for one answer, and each was a try that was counted.
    if site is None or visit.access_parts.tokens.take(PASSKEY, token, visit.now) is None:
        return Moved("/console/sign-in", "That took too long. Sign in again.")
    try:
        person = passkeys.spend(visit.access_parts.users, site, token, visit.form["answer"])
    except PasskeyRefused as error:
        visit.note("passkey refused", "", why=str(error))
        return _asked("get", None, "", _REFUSED, 403)
    visit.access_parts.audit.note(person.name, "signed in", person.id, visit.now, how="passkey")
    visit.access_parts.throttle.forget(_tries(visit))
    return Entered(person, "passkey")


def _tries(visit: Visit) -> str:
    """Under what tries to sign in are counted: no name is known before the answer."""
    return f"passkey:{visit.address}"


def _site(visit: Visit) -> Site | None:
    return passkeys.site_of(visit.access_parts.settings.console_url, visit.host)


def _asked(
    kind: str, options: str | None, token: str, fault: str | None = None, status: int = 200, wait: int = 0
) -> Answer:
    shown: dict[str, Any] = {"kind": kind, "options": options, "token": token, "fault": fault}
    shown["to"] = f"{_HERE}/answer" if kind == "create" else "/console/sign-in/passkey/answer"
    return View("passkey.html", shown, status, {"Retry-After": str(wait)} if wait else {})


def _shown(visit: Visit, fault: str | None = None) -> Answer:
    shown = {"person": visit.person, "fault": fault, "longest": passkeys.LONGEST, "usable": _site(visit) is not None}
    return View("passkeys.html", {**shown, "no_site": _NO_SITE}, 422 if fault else 200)


PAGES = (
    Page(path="/account/passkeys", handler=show, role="viewer", open_to_new=True),
    Page(path="/account/passkeys", handler=offer, role="viewer", method="POST", open_to_new=True),
    Page(path="/account/passkeys/answer", handler=take, role="viewer", method="POST", open_to_new=True),
    Page(path="/account/passkeys/change", handler=change, role="viewer", method="POST"),
    Page(path="/sign-in/passkey", handler=begin, role=None, method="POST"),
    Page(path="/sign-in/passkey/answer", handler=enter, role=None, method="POST"),
)
