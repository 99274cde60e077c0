"""The policy as TOML, with its comments: to be read, copied and edited."""

from __future__ import annotations

from riskapi import policy
from riskapi.console.page import Page
from riskapi.console.pages import drafts, limits
from riskapi.console.policy_form import in_force
from riskapi.console.visit import Answer, Moved, View, Visit
from riskapi.errors import ConfigurationError, Problem
from riskapi.policy.drafts import Draft
from riskapi.policy.texts import written

_HERE = "/console/limits/text"


def show(visit: Visit) -> Answer:
    """The text of the version in force, of another one, or of a draft."""
    draft, policies, asked = drafts.of(visit), visit.parts.policies, visit.query["version"]
    if draft is None:
        found = policies.get(int(asked)) if _is_number(asked) else policies.live()
        return _shown(visit, None, visit.parts.policy.texts.of(found.policy), of=found.version)
    if draft.text is not None:
        return _shown(visit, draft, draft.text)
    before = visit.parts.policy.texts.of(policies.get(draft.base).policy)
    return _shown(visit, draft, written(before, {**draft.policy, "version": draft.base}))


def simulate(visit: Visit) -> Answer:
    """Try the text."""
    draft, text = drafts.of(visit), visit.form["text"].replace("\r\n", "\n")
    named = visit.form["base"]
    if draft is not None:
        base = draft.base
    elif _is_number(named):
        base = visit.parts.policies.get(int(named)).version
    else:
        base = visit.parts.policies.live().version
    try:
        made = drafts.begun(visit, base, policy.load(text).model_dump(mode="json"), text)
    except ConfigurationError as error:
        return _shown(visit, draft, text, f"{error.key}: {error.reason}", 422)
    except Problem as problem:
        return _shown(visit, draft, text, problem.detail, problem.status)
    return Moved(f"{_HERE}?draft={made.id}#effect")


def _shown(
    visit: Visit, draft: Draft | None, text: str, fault: str | None = None, status: int = 200, *, of: int | None = None
) -> View:
    version, _ = in_force(visit)
    data = {
        "text": text,
        "base": version.version if draft is None else draft.base,
        "version": version.summary(live=True),
        "earlier": of if of != version.version else None,
        "draft": None if draft is None else drafts.panel(visit, draft),
        "fault": fault,
        "note": "",
        "may": visit.may("growth"),
    }
    return View("policy_text.html", data, status)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and 0 < len(text) < 10


PAGES = (
    Page(path="/limits/text", handler=show, role="viewer"),
    Page(path="/limits/text", handler=simulate, role="growth", method="POST", most=limits.MOST),
)
