"""Users of the console, for admins: the users, new ones, roles, and who may not come in any more."""

from __future__ import annotations

from dataclasses import replace

from riskapi.access.users import ROLES, NameTaken, Person, Role
from riskapi.console.access_parts import password_link
from riskapi.console.page import Page
from riskapi.console.visit import Answer, Moved, View, Visit
from riskapi.errors import Problem, invalid

_HERE = "/console/admin"


def show(visit: Visit) -> Answer:
    """Everybody."""
    return _shown(visit)


def add(visit: Visit) -> Answer:
    """Make a user; the page shows a link with which they choose a password."""
    role = _role(visit.form["role"])
    try:
        person = visit.access_parts.users.create(visit.form["name"], role, visit.now)
    except ValueError as error:
        return _shown(visit, fault=f"The name: {error}.")
    except NameTaken:
        return _shown(visit, fault="Somebody has this name.")
    visit.note("user added", person.id, name=person.name, role=role)
    return _shown(visit, made=(person.name, password_link(visit.access_parts, person, visit.now)))


def change(visit: Visit) -> Answer:
    """Give a user another role, shut them out, or let them choose a new password."""
    user = visit.path["person"]
    if user == visit.person.id:
        raise Problem("forbidden", "You cannot change yourself: another admin does that.")
    what = visit.form["do"]
    if what == "role":
        role = _role(visit.form["role"])
        visit.note("role changed", user, role=role)
        found = visit.access_parts.users.change(user, lambda kept: replace(kept, role=role, epoch=kept.epoch + 1))
    elif what == "disable":
        visit.note("user disabled", user)
        found = visit.access_parts.users.change(user, Person.shut_out)
    elif what == "reset":
        visit.note("user reset", user)
        found = visit.access_parts.users.change(user, Person.anew)
    else:
        raise invalid("/do", "expected role, disable or reset")
    if found is None:
        raise Problem("not_found", "No user has this id.")
    if what == "reset":
        return _shown(visit, made=(found.name, password_link(visit.access_parts, found, visit.now)))
    return Moved(_HERE, f"{found.name} is {'shut out' if found.disabled else f'a {found.role}'} now.")


def _role(text: str) -> Role:
    if text not in ROLES:
        raise invalid("/role", f"expected one of {', '.join(ROLES)}")
    return text


def _shown(visit: Visit, *, fault: str | None = None, made: tuple[str, str] | None = None) -> Answer:
    shown = {
        "people": visit.access_parts.users.list(),
        "roles": ROLES,
        "me": visit.person.id,
        "fault": fault,
        "made": made,
    }
    return View("admin.html", shown, 422 if fault else 200)


PAGES = (
    Page(path="/admin", handler=show, role="admin", entry="Admin"),
    Page(path="/admin", handler=add, role="admin", method="POST"),
    Page(path="/admin/{person}", handler=change, role="admin", method="POST"),
)
