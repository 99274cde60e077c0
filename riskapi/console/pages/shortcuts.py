"""The page of keyboard shortcuts."""

from __future__ import annotations

from riskapi.console.page import Page
from riskapi.console.visit import View, Visit

#: Keys and what they do, by where.
SHORTCUTS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Everywhere",
        (
            ("g q", "queue"),
            ("g s", "search"),
            ("/", "to the box of the page; search where it has none"),
            ("u", "undo the last decision"),
            ("?", "this page"),
        ),
    ),
    (
        "Queue",
        (
            ("j k", "move to the next and the one before"),
            ("enter", "open"),
            ("c", "claim"),
            ("r", "release"),
            ("s", "skip for me"),
        ),
    ),
    (
        "Case",
        (
            ("a", "allow"),
            ("l", "limit"),
            ("1", "only this account"),
            ("d", "also deny: the first kind"),
            ("n", "write a sentence; escape leaves the field"),
            ("x", "cut: choose whom to cut from the first link"),
            ("q", "ask the customer: write the question"),
            ("c", "claim, or hold for longer"),
            ("r", "release"),
            ("s", "skip for me"),
            ("e", "hand on to somebody more senior"),
            ("v", "show personal data"),
        ),
    ),
)


def show(visit: Visit) -> View:
    """The page."""
    return View("shortcuts.html", {"keys": SHORTCUTS})


PAGES = (Page(path="/shortcuts", handler=show, role="viewer"),)
