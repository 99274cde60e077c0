"""Where a link leads that works once: it makes the first admin, or lets a user choose a password."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from riskapi.access import passwords
from riskapi.access.one_time_tokens import FIRST, PASSWORD
from riskapi.access.users import NameTaken, NotFirst, Person
from riskapi.console.page import Page
from riskapi.console.visit import Answer, Entered, Moved, View, Visit

_OVER = "This link was used, or is too old. An admin, or `python -m riskapi users reset`, makes another."


def show(visit: Visit) -> Answer:
    """The form. Looking at it does not use the link up: programs that read mail look at links too."""
    held = _held(visit)
    return Moved("/console/sign-in", _OVER) if held is None else _form(visit, held)


def take(visit: Visit) -> Answer:
    """Make the admin, or set the password, and sign in."""
    held = _held(visit)
    if held is None:
        return Moved("/console/sign-in", _OVER)
    user = visit.access_parts.users.get(held["id"]) if held["purpose"] == PASSWORD else None
    name = user.name if user is not None else visit.form["name"]
    fault = passwords.fault(visit.form["password"], name)
    if fault is None and visit.form["password"] != visit.form["again"]:
        fault = "The two passwords differ."
    if fault is not None:
        return _form(visit, held, fault)
    try:
        person = _made(visit, held, name)
    except (ValueError, NameTaken):
        return _form(visit, held, "Choose another name: a mail address or a word, without blanks.")
    except NotFirst:
        person = None
    if person is None:
        return Moved("/console/sign-in", _OVER)
    visit.access_parts.tokens.take(held["purpose"], visit.path["token"], visit.now)
    visit.access_parts.audit.note(person.name, "password set by link", person.id, visit.now)
    return Entered(person, "link")


def _held(visit: Visit) -> dict[str, Any] | None:
    token = visit.path["token"]
    return visit.access_parts.tokens.peek(FIRST, token, visit.now) or visit.access_parts.tokens.peek(
        PASSWORD, token, visit.now
    )


def _made(visit: Visit, held: dict[str, Any], name: str) -> Person | None:
    """The user whom the link is for, with the password; None where the link is for nobody any more."""
    users, password = visit.access_parts.users, passwords.hashed(visit.form["password"])
    if held["purpose"] == FIRST:
        return users.create(name, "admin", visit.now, password=password, first=True)

    def changed(kept: Person) -> Person | None:
        # Every later reset or change makes the link worthless, and of two who race with it one wins.
        if kept.disabled or kept.epoch != held["epoch"]:
            return None
        return replace(kept, password=password, epoch=kept.epoch + 1)

    return users.change(held["id"], changed)


def _form(visit: Visit, held: dict[str, Any], fault: str | None = None) -> Answer:
    first = held["purpose"] == FIRST
    user = None if first else visit.access_parts.users.get(held["id"])
    name = visit.form["name"] if first else (user.name if user is not None else "")
    shown = {"first": first, "name": name, "fault": fault, "least": passwords.LEAST}
    return View("welcome.html", {**shown, "token": visit.path["token"]}, 422 if fault else 200)


PAGES = (
    Page(path="/welcome/{token}", handler=show, role=None),
    Page(path="/welcome/{token}", handler=take, role=None, method="POST"),
)
