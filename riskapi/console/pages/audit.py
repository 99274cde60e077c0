"""What people and rules did."""

from __future__ import annotations

from riskapi.console.page import Page
from riskapi.console.visit import View, Visit


def show(visit: Visit) -> View:
    """The page."""
    return View("audit.html")


PAGES = (Page(path="/audit", handler=show, role="viewer", entry="Audit"),)
