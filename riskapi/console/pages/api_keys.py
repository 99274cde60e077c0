"""API keys, for admins: who may call, new ones, others in their place, and those that are to end."""

from __future__ import annotations

from datetime import UTC, datetime

from riskapi.access.api_keys import NAME, SCOPES
from riskapi.console.page import Page
from riskapi.console.visit import Answer, Moved, View, Visit
from riskapi.errors import Problem

_HERE = "/console/keys"


def show(visit: Visit) -> Answer:
    """Every key, without its secret."""
    return _shown(visit)


def make(visit: Visit) -> Answer:
    """Make a key; the page shows it this once."""
    name, scopes, rate = visit.form["name"].strip()[:NAME], visit.form.all("scope"), visit.form["rate"].strip()
    try:
        limit = float(rate) if rate else None
    except ValueError:
        return _shown(visit, fault="The rate: expected a number of requests a second, or nothing.")
    if not name.isprintable() or not name or not scopes or not set(scopes) <= set(SCOPES):
        return _shown(visit, fault="A key has a name that says what it is for, and one scope or more.")
    if limit is not None and not 0 < limit < float("inf"):
        return _shown(visit, fault="The rate: expected a positive number of requests a second, or nothing.")
    visit.note("key made", name, scopes=" ".join(scopes))
    return _shown(visit, made=(name, visit.parts.keys.create(name, scopes, limit), ""))


def rotate(visit: Visit) -> Answer:
    """Make a key in the place of another, which works for one more day."""
    key = _key(visit)
    visit.note("key rotated", key["id"], name=key["name"])
    made = visit.parts.keys.rotate(key["id"])
    if made is None:
        raise _unknown()
    return _shown(visit, made=(key["name"], made, "The old key works for 24 more hours."))


def revoke(visit: Visit) -> Answer:
    """End a key."""
    key = _key(visit)
    visit.note("key revoked", key["id"], name=key["name"])
    if not visit.parts.keys.revoke(key["id"]):
        raise _unknown()
    return Moved(_HERE, f"The key {key['name']} is revoked: within two seconds nobody can call with it.")


def _key(visit: Visit) -> dict[str, str]:
    found = next((key for key in visit.parts.keys.list() if key["id"] == visit.path["key_id"]), None)
    if found is None:
        raise _unknown()
    return found


def _unknown() -> Problem:
    return Problem("not_found", "No key has this id; it may be revoked by now.")


def _shown(visit: Visit, *, fault: str | None = None, made: tuple[str, str, str] | None = None) -> Answer:
    rows = [{**key, "ends": _day(key.get("expires_at"))} for key in visit.parts.keys.list()]
    shown = {"keys": rows, "scopes": SCOPES, "fault": fault, "made": made, "name": visit.form["name"] if fault else ""}
    return View("keys.html", shown, 422 if fault else 200)


def _day(at: float | None) -> str:
    return "" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M")


PAGES = (
    Page(path="/keys", handler=show, role="admin"),
    Page(path="/keys", handler=make, role="admin", method="POST"),
    Page(path="/keys/{key_id}/rotate", handler=rotate, role="admin", method="POST"),
    Page(path="/keys/{key_id}/revoke", handler=revoke, role="admin", method="POST"),
)
