"""Versions of the policy: who published what and why, two of them compared in words, and the way back."""

from __future__ import annotations

from typing import Any

from riskapi.console.page import Page
from riskapi.console.pages import drafts
from riskapi.console.policy_form import whole
from riskapi.console.visit import Answer, Moved, View, Visit, number
from riskapi.errors import ConfigurationError, Problem, invalid
from riskapi.policy.changes import changes
from riskapi.policy.told_changes import told
from riskapi.policy.versions import Publication, Version
from riskapi.times import rfc3339

_HERE = "/console/limits/versions"
#: Versions of a page.
_ROWS = 50


def show(visit: Visit) -> Answer:
    """The list; with ``to`` and ``since`` in the address the two are compared."""
    policies = visit.parts.policies
    after = visit.query["after"]
    page = policies.page(_ROWS, after if number(after) is not None else None)
    compared, fault = _compared(visit)
    data = {
        "rows": page["versions"],
        "next": page["next_cursor"],
        "compared": compared,
        "fault": fault,
        "query": {"to": visit.query["to"], "since": visit.query["since"]},
        "workers": visit.parts.policy.workers(),
    }
    return View("versions.html", data, 422 if fault else 200)


def show_one(visit: Visit) -> Answer:
    """One version, what it changed, and what going back to it would change."""
    return _shown(visit)


def restore(visit: Visit) -> Answer:
    """Put what a version says into force again, or try that first."""
    number = int(visit.path["version"])
    parts, note = visit.parts, visit.form["note"].strip()
    try:
        if visit.form["do"] == "simulate":
            live = parts.policies.live().version
            draft = drafts.begun(visit, live, parts.policies.get(number).policy, restores=number)
            return Moved(f"{drafts.HERE}/{draft.id}")
        if visit.form["do"] != "restore":
            raise invalid("/do", "expected restore or simulate")
        if not note or len(note) > drafts.NOTE:
            return _shown(visit, f"Note: say why, in up to {drafts.NOTE:,} characters.", 422)
        visit.note("policy rolled back", f"version {number}")
        made = parts.policy.proposals.restore(
            number, Publication(note=note, author=visit.person.name, at=rfc3339(visit.now))
        )
    except ConfigurationError as error:
        return _shown(visit, f"Version {number} would not be taken today. {error.key}: {error.reason}", 422)
    if isinstance(made, Version):
        said = f"Version {made.version} is in force, with what version {number} says."
        return Moved(f"{_HERE}/{made.version}", said)
    return Moved("/console/limits/proposals", "It loosens something, so it waits for a second person.")


def _shown(visit: Visit, fault: str | None = None, status: int = 200) -> View:
    policies, number = visit.parts.policies, int(visit.path["version"])
    found, live = policies.get(number), policies.live()
    try:
        changed = [each["text"] for each in policies.compare(number)["changes"]]
    except Problem:  # it is the first
        changed = None
    back = [told(change)["text"] for change in changes(whole(live), whole(found))]
    data = {
        "version": found.summary(live=found.version == live.version),
        "live": live.version,
        "changed": changed,
        "back": back,
        "workers": visit.parts.policy.workers() if found.version == live.version else None,
        "fault": fault,
        "note": visit.form["note"],
        "may": visit.may("growth"),
    }
    return View("version.html", data, status)


def _compared(visit: Visit) -> tuple[dict[str, Any] | None, str | None]:
    """Two versions in words; what is wrong with what was asked for."""
    asked = visit.query["to"].strip(), visit.query["since"].strip()
    if not any(asked):
        return None, None
    to, since = map(number, asked)
    if to is None or since is None:
        return None, "Compare: give two numbers of versions."
    try:
        found = visit.parts.policies.compare(to, since)
    except Problem as problem:
        return None, problem.detail
    return {**found}, None


PAGES = (
    Page(path="/limits/versions", handler=show, role="viewer"),
    Page(path="/limits/versions/{version}", handler=show_one, role="viewer"),
    Page(path="/limits/versions/{version}", handler=restore, role="growth", method="POST"),
)
