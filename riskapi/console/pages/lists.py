"""What people allow, deny and watch."""

from __future__ import annotations

from riskapi.console.page import Page
from riskapi.console.visit import View, Visit


def show(visit: Visit) -> View:
    """The page."""
    return View("lists.html")


PAGES = (Page(path="/lists", handler=show, role="reviewer", entry="Lists"),)
