"""The limits as forms: caps of tiers and plans, steps, thresholds, and every other figure of the policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from riskapi.console import policy_fields
from riskapi.console.page import Page
from riskapi.console.pages import drafts
from riskapi.console.policy_form import Form, in_force, typed, whole
from riskapi.console.visit import Answer, Moved, View, Visit
from riskapi.errors import ConfigurationError, Problem
from riskapi.policy.drafts import Draft
from riskapi.policy.texts import written

_HERE = "/console/limits"
#: Bytes of a form with the policy, whole or as text: the shipped text has 33 kB, and a hundred plans as fields 60 kB.
MOST = 400_000
TIERS = ("allow", "review", "limit")
#: Tables of the policy that are forms below the caps, with a title; rules and feedback have a page of their own.
_SECTIONS = {
    "thresholds": "When the score decides", "model": "The model", "guard": "Shared places alone",
    "clusters": "Accounts that belong together",
    "clean": "What clean sending is", "sends": "Sending", "customers": "Established customers",
    "takeover": "Accounts that were taken over", "outage": "While the store is away", "attack": "Attack mode",
    "publishing": "Who may publish", "rescoring": "Deciding again", "reviews": "People", "waves": "Waves",
    "hubs": "Hubs", "links": "What accounts share", "reputation": "Learned abuse rates",
    "enrichment": "What DNS and registries say", "retention": "How long things are kept",
}  # fmt: skip
#: Sections that stand open.
_OPEN = ("thresholds",)


def show(visit: Visit) -> Answer:
    """The forms: of the policy in force, of a draft, or with the thresholds of a suggestion."""
    draft, asked = drafts.of(visit), visit.query["use"]
    values: dict[str, str] = {}
    if asked and policy_fields.path_of(asked):
        found = visit.parts.policy.runs.get("suggestion", asked)
        thresholds = found.get("thresholds", {})  # none while it runs
        values = {f"thresholds.{name}": f"{value:g}" for name, value in thresholds.items()}
    return _shown(visit, draft, values)


def simulate(visit: Visit) -> Answer:
    """Try what was typed."""
    return tried(visit, _HERE, _shown)


def tried(visit: Visit, here: str, shown: Callable[..., View]) -> Answer:
    """Make a draft of what was typed into a page's form and go back to the page, where its effect is; ``shown`` is
    the page with what was typed, and what is wrong with it.
    """
    draft, values = drafts.of(visit), typed(visit)
    base = draft.base if draft is not None else visit.form.number("base") or visit.parts.policies.live().version
    before = whole(visit.parts.policies.get(base))
    said, faults = policy_fields.filled(before if draft is None else draft.policy, values)
    if faults:
        return shown(visit, draft, values, faults, status=422)
    if {**said, "version": 1} == {**before, "version": 1}:
        return shown(visit, None, values, fault=f"Nothing differs from version {base}.", status=422)
    try:
        text = None
        if draft is not None and draft.text is not None:
            text = written(draft.text, {**said, "version": base})
        made = drafts.begun(visit, base, said, text)
    except ConfigurationError as error:
        field = policy_fields.field_of(error.key, list(values))
        if field:
            return shown(visit, draft, values, {field: error.reason}, status=422)
        return shown(visit, draft, values, fault=f"{error.key}: {error.reason}", status=422)
    except Problem as problem:
        return shown(visit, draft, values, fault=problem.detail, status=problem.status)
    return Moved(f"{here}?draft={made.id}#effect")


def _shown(
    visit: Visit,
    draft: Draft | None,
    values: Mapping[str, str],
    faults: Mapping[str, str] | None = None,
    fault: str | None = None,
    status: int = 200,
) -> View:
    version, live = in_force(visit)
    said = live if draft is None else draft.policy
    form = Form(visit, live, said, values, faults)
    steps = {tier: len(said["tiers"][tier]["steps"]) for tier in TIERS}
    data = {
        **drafts.framed(visit, version, draft, fault),
        "form": form,
        "tiers": TIERS,
        "windows": policy_fields.CAPS,
        "plans": list(said["plans"]),
        "steps": {tier: count for tier, count in steps.items() if count or tier == "allow"},
        "sections": _SECTIONS,
        "open": _OPEN,
        "workers": visit.parts.policy.workers(),
    }
    return View("limits.html", data, status)


PAGES = (
    Page(path="/limits", handler=show, role="viewer", entry="Limits"),
    Page(path="/limits", handler=simulate, role="growth", method="POST", most=MOST),
)
