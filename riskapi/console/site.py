"""Every page of the console, in the order of the menu. Add the ``PAGES`` of a new file here."""

from __future__ import annotations

from riskapi.console.page import Page
from riskapi.console.pages import account, admin, audit, case, oidc, passkeys, queue, sign_in, welcome

PAGES: tuple[Page, ...] = (
    *queue.PAGES,
    *case.PAGES,
    *audit.PAGES,
    *admin.PAGES,
    *account.PAGES,
    *passkeys.PAGES,
    *oidc.PAGES,
    *sign_in.PAGES,
    *welcome.PAGES,
)
