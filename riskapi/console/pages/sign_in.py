"""Signing in with a name and a password, and out again."""

from __future__ import annotations

from riskapi.access import passwords
from riskapi.console.page import Page
from riskapi.console.visit import Answer, Entered, Left, Moved, View, Visit

#: Never which of the two is wrong: that would tell who has an account.
_WRONG = "The name or the password is wrong."


def show(visit: Visit) -> Answer:
    """The form, or the console for whoever signed in already."""
    return Moved("/console/") if visit.session else View("sign_in.html", {"first": not visit.doors.users.any()})


def enter(visit: Visit) -> Answer:
    """Look at the name and the password."""
    name = visit.form["name"].strip().casefold()[:128]
    wait = visit.doors.throttle.take(name, visit.address, visit.now)
    if wait:
        said = f"Too many tries. Try again in {wait} seconds."
        return View("sign_in.html", {"fault": said, "name": name}, 429, {"Retry-After": str(wait)})
    person = visit.doors.users.find(name)
    right = passwords.matches(visit.form["password"], person.password if person else None)
    if person is None or not right or person.disabled:
        visit.doors.note(name, "sign-in refused", "console", visit.now)
        return View("sign_in.html", {"fault": _WRONG, "name": name}, 403)
    visit.doors.throttle.forget(name)
    return Entered(person, "password")


def leave(visit: Visit) -> Answer:
    """Sign out."""
    return Left(said="You are signed out.")


PAGES = (
    Page(path="/sign-in", handler=show, role=None),
    Page(path="/sign-in", handler=enter, role=None, method="POST"),
    Page(path="/sign-out", handler=leave, role="viewer", method="POST", open_to_new=True),
)
