"""Thresholds for somebody who has 40 reviews a day and may bother 1 % of good users, and how sure they are."""

from __future__ import annotations

import re

from riskapi.console.page import Page
from riskapi.console.visit import Answer, Moved, View, Visit
from riskapi.errors import Problem
from riskapi.simulations.suggestion import Asked

_HERE = "/console/limits/suggestions"
#: Seconds a page waits before it shows how far the work is; reviews a day at most, as the API has them.
_WAIT, _MOST = 0.3, 10**6


def show(visit: Visit) -> Answer:
    """The form."""
    return _shown(visit)


def ask(visit: Visit) -> Answer:
    """Have thresholds proposed."""
    reviews, percent = _number(visit.form["reviews"], _MOST), _number(visit.form["percent"], 100)
    if reviews is None:
        return _shown(visit, ("reviews", f"expected a number from 0 to {_MOST:,}"), 422)
    if percent is None:
        return _shown(visit, ("percent", "expected a number from 0 to 100"), 422)
    asked: Asked = {"reviews_per_day": reviews, "legitimate_limited": percent / 100}
    runs = visit.parts.policy.runs
    run = runs.suggestion(asked, None, visit.person.name, visit.now)
    try:
        runs.start(run, _WAIT)
    except Problem as problem:
        return _shown(visit, ("", problem.detail), problem.status)
    return Moved(f"{_HERE}/{run.id}")


def show_one(visit: Visit) -> Answer:
    """What came of it, or how far it is."""
    found = visit.parts.policy.runs.get("suggestion", visit.path["suggestion_id"])
    asked, typed = found.get("asked"), {"reviews": "", "percent": ""}  # what was asked is not told while it runs
    if asked is not None:
        reviews, share = asked["reviews_per_day"], asked["legitimate_limited"]
        typed = {"reviews": f"{reviews:g}", "percent": f"{share * 100:g}"}
    return View("suggestion.html", {"found": found, "typed": typed, "fault": None, "may": visit.may("growth")})


def _shown(visit: Visit, fault: tuple[str, str] | None = None, status: int = 200) -> View:
    typed = {name: visit.form[name] for name in ("reviews", "percent")} if fault else {"reviews": "40", "percent": "1"}
    return View("suggestion.html", {"found": None, "typed": typed, "fault": fault, "may": visit.may("growth")}, status)


def _number(text: str, most: float) -> float | None:
    """What was typed, from 0 to ``most``; None for anything else."""
    text = text.strip()
    if len(text) > 20 or re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) is None:
        return None
    return float(text) if float(text) <= most else None


PAGES = (
    Page(path="/limits/suggestions", handler=show, role="viewer"),
    Page(path="/limits/suggestions", handler=ask, role="growth", method="POST"),
    Page(path="/limits/suggestions/{suggestion_id}", handler=show_one, role="viewer"),
)
