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
    oidc,
    passkeys,
    policy_text,
    proposals,
    queue,
    rules,
    sign_in,
    suggestions,
    versions,
    welcome,
)

PAGES: tuple[Page, ...] = (
    *queue.PAGES,
    *case.PAGES,
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
    *passkeys.PAGES,
    *oidc.PAGES,
    *sign_in.PAGES,
    *welcome.PAGES,
)
