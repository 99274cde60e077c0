"""What happens now."""

from __future__ import annotations

from riskapi.console.page import Page
from riskapi.console.visit import View, Visit


def show(visit: Visit) -> View:
    """The page."""
    return View("watch.html")


PAGES = (Page(path="/watch", handler=show, role="viewer", entry="Watch"),)
