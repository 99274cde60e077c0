"""What people did in the console, for admins."""

from __future__ import annotations

from riskapi.console.page import Page
from riskapi.console.visit import View, Visit

#: Notes on the page. Chosen by us.
_SHOWN = 200


def show(visit: Visit) -> View:
    """The latest notes, newest first."""
    return View("audit.html", {"notes": visit.doors.audit.latest(_SHOWN), "most": _SHOWN})


PAGES = (Page(path="/audit", handler=show, role="admin", entry="Audit"),)
