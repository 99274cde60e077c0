"""Every page of the console, in the order of the menu. A page is found by its file: add its ``PAGES`` here."""

from __future__ import annotations

from riskapi.console.page import Page
from riskapi.console.pages import admin, audit, limits, lists, queue, search, sign_in, watch

PAGES: tuple[Page, ...] = (
    *queue.PAGES,
    *search.PAGES,
    *limits.PAGES,
    *lists.PAGES,
    *watch.PAGES,
    *audit.PAGES,
    *admin.PAGES,
    *sign_in.PAGES,
)
