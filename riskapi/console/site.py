"""Every page of the console, in the order of the menu. Add the ``PAGES`` of a new file here."""

from __future__ import annotations

from riskapi.console.page import Page
from riskapi.console.pages import (
    account,
    admin,
    audit,
    case,
    keys,
    lists,
    model,
    queue,
    sign_in,
    watch,
    webhooks,
    welcome,
)

PAGES: tuple[Page, ...] = (
    *queue.PAGES,
    *case.PAGES,
    *lists.PAGES,
    *watch.PAGES,
    *model.PAGES,
    *audit.PAGES,
    *admin.PAGES,
    *keys.PAGES,
    *webhooks.PAGES,
    *account.PAGES,
    *sign_in.PAGES,
    *welcome.PAGES,
)
