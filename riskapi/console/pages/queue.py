"""What waits for a person."""

from __future__ import annotations

from riskapi.console.page import Page
from riskapi.console.visit import View, Visit


def show(visit: Visit) -> View:
    """The page."""
    return View("queue.html")


PAGES = (Page(path="/queue", handler=show, role="viewer", entry="Queue"),)
