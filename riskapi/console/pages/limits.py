"""Tiers, caps and thresholds."""

from __future__ import annotations

from riskapi.console.page import Page
from riskapi.console.visit import View, Visit


def show(visit: Visit) -> View:
    """The page."""
    return View("limits.html")


PAGES = (Page(path="/limits", handler=show, role="growth", entry="Limits"),)
