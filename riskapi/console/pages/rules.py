"""Rules and triggers: live or in shadow, what each caught this week, and how often that was right by the labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from riskapi.console.page import Page
from riskapi.console.pages import drafts, limits
from riskapi.console.policy_form import Form, in_force
from riskapi.console.visit import Answer, Moved, View, Visit
from riskapi.decisions.trigger_marks import SHADOW_TRIGGER
from riskapi.errors import Problem
from riskapi.policy.drafts import Draft
from riskapi.simulations.runs import LATEST
from riskapi.store.tallies import Tallies

_HERE = "/console/limits/rules"
#: Seconds a page waits for a count before it shows how far that is.
_WAIT = 0.3
#: Days that the page tells of.
_DAYS = 7
#: The figures that each kind of trigger has.
_FIGURES = {
    "level": ("rate", "recipients", "days"),
    "count": ("least", "days", "among"),
    "spike": ("factor", "least"),
    "silence": ("recipients", "days"),
}
#: These figures in words.
_WORDS = {
    "rate": "rate above",
    "recipients": "of recipients, at least",
    "days": "within days",
    "least": "events, at least",
    "among": "among the first recipients (0: all)",
    "factor": "times the usual rate",
    "hours": "ends after hours (0: a person ends it)",
}


def show(visit: Visit) -> Answer:
    """The forms, and the latest count."""
    return _shown(visit, drafts.of(visit), {})


def simulate(visit: Visit) -> Answer:
    """Try what was typed."""
    return limits.tried(visit, _HERE, _shown)


def count(visit: Visit) -> Answer:
    """Count anew what each catches."""
    runs = visit.parts.policy.runs
    try:
        runs.start(runs.count(visit.person.name, visit.now), _WAIT)
    except Problem as problem:
        return Moved(_HERE, problem.detail)
    return Moved(_HERE)


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
    run, state = _counted(visit)
    triggers = said["feedback"]["triggers"]
    names = [each["name"] for each in (*said["rules"], *triggers)]
    data = {
        **drafts.framed(visit, version, draft, fault),
        "form": Form(visit, live, said, values, faults),
        "rules": [{**rule, "conditions": _conditions(rule["when"])} for rule in said["rules"]],
        "triggers": [{**each, "figures": (*_FIGURES[each["kind"]], "hours")} for each in triggers],
        "words": _WORDS,
        "state": state,
        "run": run,
        "counted_rules": dict.fromkeys(names) | {row["name"]: row for row in run.get("rules", ())},
        "would": _would(visit, triggers),
        "counted_triggers": dict.fromkeys(names) | {row["name"]: row for row in run.get("triggers", ())},
    }
    return View("rules.html", data, status)


def _would(visit: Visit, triggers: Sequence[Mapping[str, Any]]) -> dict[str, tuple[int, int]]:
    """About how many accounts each trigger would have done something while it was in shadow: today, and in 7 days."""
    names = [each["name"] for each in triggers]
    wanted = [(SHADOW_TRIGGER, name, "n") for name in names]
    days = Tallies(visit.access_parts.store).read_some(visit.now, "day", _DAYS, wanted)
    return {name: (counts[-1], sum(counts)) for name, counts in zip(names, zip(*days, strict=True), strict=True)}


def _counted(visit: Visit) -> tuple[dict[str, Any], str]:
    """The latest count, and its state: ``running``, ``done``, ``failed`` or ``none``."""
    try:
        found = visit.parts.policy.runs.get("count", LATEST)
    except Problem as problem:
        return {}, "failed" if problem.code == "run_failed" else "none"
    return found, found["status"]


def _conditions(when: Mapping[str, Mapping[str, Any]]) -> str:
    """The conditions of a rule as they are written."""
    words = {"eq": "is", "ne": "is not", "lt": "<", "le": "≤", "gt": ">", "ge": "≥", "in": "is one of"}
    return " and ".join(
        f"{signal} {words[operator]} {_operand(operand)}"
        for signal, tests in when.items()
        for operator, operand in tests.items()
    )


def _operand(operand: Any) -> str:
    if isinstance(operand, bool):
        return "true" if operand else "false"
    return ", ".join(map(str, operand)) if isinstance(operand, list) else str(operand)


PAGES = (
    Page(path="/limits/rules", handler=show, role="viewer"),
    Page(path="/limits/rules", handler=simulate, role="growth", method="POST", most=limits.MOST),
    Page(path="/limits/rules/count", handler=count, role="growth", method="POST"),
)
