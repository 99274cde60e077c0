"""Every page of the console, in the order of the menu. Add the ``PAGES`` of a new file here."""

from __future__ import annotations

from riskapi.console.page import Page
from riskapi.console.pages import (
    account,
    admin,
    attack,
    audit,
    cap_hits,
    case,
    drafts,
    limits,
    policy_text,
    proposals,
    queue,
    rules,
    search,
    selecting,
    sign_in,
    suggestions,
    versions,
    welcome,
)

PAGES: tuple[Page, ...] = (
    *queue.PAGES,
    *case.PAGES,
    *search.PAGES,
    *selecting.PAGES,
    *limits.PAGES,
    *drafts.PAGES,
    *rules.PAGES,
    *policy_text.PAGES,
    *suggestions.PAGES,
    *versions.PAGES,
    *proposals.PAGES,
    *cap_hits.PAGES,
    *attack.PAGES,
    *audit.PAGES,
    *admin.PAGES,
    *account.PAGES,
    *sign_in.PAGES,
    *welcome.PAGES,
)
