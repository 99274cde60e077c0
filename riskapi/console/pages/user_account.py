"""The account of a user of the console, who sees and changes it: password, authenticator, recovery codes, sessions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import segno

from riskapi.access import authenticator, passwords
from riskapi.access.one_time_tokens import AUTHENTICATOR, STEP
from riskapi.access.users import Person
from riskapi.console.page import Page
from riskapi.console.visit import Answer, Entered, Moved, View, Visit

_HERE = "/console/account"


def show(visit: Visit) -> Answer:
    """Who they are, and where they are signed in."""
    return _shown(visit)


def password(visit: Visit) -> Answer:
    """Change the password; every other session ends."""
    if not _is_owner(visit):
        return _shown(visit, "The present password is wrong.")
    fault = passwords.fault(visit.form["password"], visit.person.name)
    if fault is None and visit.form["password"] != visit.form["again"]:
        fault = "The two passwords differ."
    if fault is not None:
        return _shown(visit, fault)
    hashed = passwords.hashed(visit.form["password"])
    visit.note("password changed", visit.person.id)
    return _renewed(visit, lambda kept: replace(kept, password=hashed, epoch=kept.epoch + 1))


def end(visit: Visit) -> Answer:
    """End one of their sessions, or all."""
    if visit.form["session"] == "all":
        visit.note("ended all sessions", visit.person.id)
        visit.access_parts.users.end_sessions(visit.person.id)
        return Moved("/console/sign-in", "You are signed out everywhere.")
    visit.access_parts.sessions.end(visit.person.id, visit.form["session"])
    return Moved(_HERE, "The session is ended.")


def offer(visit: Visit) -> Answer:
    """A secret for an authenticator, as a QR code and as text."""
    secret = authenticator.new_secret()
    token = visit.access_parts.tokens.make(AUTHENTICATOR, {"id": visit.person.id, "secret": secret}, STEP, visit.now)
    return _offered(visit, token, secret)


def take(visit: Visit) -> Answer:
    """Keep the secret once a code proves that the authenticator has it; shows recovery codes, once."""
    token = visit.form["token"]
    held = visit.access_parts.tokens.peek(AUTHENTICATOR, token, visit.now)
    if held is None or held["id"] != visit.person.id:
        return Moved(f"{_HERE}/authenticator", "That took too long. Here is another code to scan.")
    wait = visit.access_parts.throttle.take(f"code:{visit.person.id}", visit.address, visit.now, known=True)
    if wait:
        return _offered(visit, token, held["secret"], f"Too many tries. Try again in {wait} seconds.")
    step = authenticator.step_of(held["secret"], visit.form["code"], visit.now)
    if step is None:
        return _offered(visit, token, held["secret"], "This code is wrong. Is the clock of the device right?")
    # Whoever sits down at an open session must not be able to make it their own.
    if visit.person.has_second_factor and not _is_owner(visit):
        return _offered(visit, token, held["secret"], "The present password is wrong.")
    visit.access_parts.tokens.take(AUTHENTICATOR, token, visit.now)
    codes, kept = authenticator.new_codes()
    visit.note("authenticator set up", visit.person.id)
    visit.access_parts.users.change(
        visit.person.id,
        lambda person: replace(person, totp=held["secret"], totp_step=step, recovery=kept),
    )
    return View("codes.html", {"codes": codes})


def _is_owner(visit: Visit) -> bool:
    """Whether they know their own password; counted as tries of it."""
    if visit.access_parts.throttle.take(visit.person.name, visit.address, visit.now, known=True):
        return False
    return passwords.matches(visit.form["present"], visit.person.password)


def _renewed(visit: Visit, change: Callable[[Person], Person]) -> Answer:
    person = visit.access_parts.users.change(visit.person.id, change)
    return Moved("/console/sign-in") if person is None else Entered(person, "password", _HERE)


def _shown(visit: Visit, fault: str | None = None) -> Answer:
    sessions = visit.access_parts.sessions.list(visit.person, visit.now)
    shown = {"person": visit.person, "sessions": sessions, "mine": visit.session, "fault": fault}
    return View("account.html", {**shown, "least": passwords.LEAST}, 422 if fault else 200)


def _offered(visit: Visit, token: str, secret: str, fault: str | None = None) -> Answer:
    code = segno.make_qr(authenticator.address(secret, visit.person.name))
    image = code.svg_inline(scale=4, border=2, svgclass=None, lineclass=None, title="QR code of the secret below")
    grouped = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    shown = {"image": image, "secret": grouped, "token": token, "fault": fault}
    return View("authenticator.html", {**shown, "again": visit.person.has_second_factor}, 422 if fault else 200)


PAGES = (
    Page(path="/account", handler=show, role="viewer"),
    Page(path="/account/password", handler=password, role="viewer", method="POST"),
    Page(path="/account/sessions", handler=end, role="viewer", method="POST", open_to_new=True),
    Page(path="/account/authenticator", handler=offer, role="viewer", open_to_new=True),
    Page(path="/account/authenticator", handler=take, role="viewer", method="POST", open_to_new=True),
)
