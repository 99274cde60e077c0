"""One box for anything."""

from __future__ import annotations

from riskapi.console.page import Page
from riskapi.console.visit import View, Visit


def show(visit: Visit) -> View:
    """The page."""
    return View("search.html")


PAGES = (Page(path="/search", handler=show, role="viewer", entry="Search"),)
