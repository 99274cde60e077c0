"""Who may use the console, and keys of the API."""

from __future__ import annotations

from riskapi.console.page import Page
from riskapi.console.visit import View, Visit


def show(visit: Visit) -> View:
    """The page."""
    return View("admin.html")


PAGES = (Page(path="/admin", handler=show, role="admin", entry="Admin"),)
