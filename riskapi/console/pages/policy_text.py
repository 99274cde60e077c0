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
    draft, policies, asked = drafts.of(visit), visit.parts.policies, visit.query.number("version")
    if draft is None:
        found = policies.live() if asked is None else policies.get(asked)
        return _shown(visit, None, visit.parts.policy.texts.of(found.policy), of=found.version)
    if draft.text is not None:
        return _shown(visit, draft, draft.text)
    before = visit.parts.policy.texts.of(policies.get(draft.base).policy)
    return _shown(visit, draft, written(before, {**draft.policy, "version": draft.base}))


def simulate(visit: Visit) -> Answer:
    """Try the text."""
    draft, text = drafts.of(visit), visit.form["text"].replace("\r\n", "\n")
    named = visit.form.number("base")
    if draft is not None:
        base = draft.base
    elif named is not None:
        base = visit.parts.policies.get(named).version
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
        **drafts.framed(visit, version, draft, fault),
        "text": text,
        "earlier": of if of != version.version else None,
    }
    return View("policy_text.html", data, status)


PAGES = (
    Page(path="/limits/text", handler=show, role="viewer"),
    Page(path="/limits/text", handler=simulate, role="growth", method="POST", most=limits.MOST),
)
