"""Policies that loosen something and wait for a second person, who approves or refuses them."""

from __future__ import annotations

import contextlib

from riskapi.console.page import Page
from riskapi.console.visit import Answer, Moved, View, Visit
from riskapi.errors import ConfigurationError, Problem, invalid
from riskapi.policy.proposals import StoredProposal

_HERE = "/console/limits/proposals"


def show(visit: Visit) -> Answer:
    """What waits."""
    return _shown(visit)


def decide(visit: Visit) -> Answer:
    """Approve as a second person, refuse, or take back one's own."""
    id, proposals = visit.path["proposal_id"], visit.parts.policy.proposals
    found = next((each for each in proposals.waiting(visit.now) if each.id == id), None)
    if found is None:
        raise Problem("not_found", "This proposal does not wait any more: it was decided, or it is over.")
    if visit.form["do"] not in ("approve", "refuse", "withdraw"):
        raise invalid("/do", "expected approve, refuse or withdraw")
    if visit.form["do"] == "approve":
        return _approve(visit, found)
    word = "withdrawn" if found.author == visit.person.name else "refused"
    visit.note(f"policy {word}", id, proposed_by=found.author)
    proposals.withdraw(id, visit.now)
    return Moved(_HERE, f"The proposal of {found.author} is {word}. Nothing was changed.")


def _approve(visit: Visit, found: StoredProposal) -> Answer:
    if found.author == visit.person.name:
        return _shown(visit, "A second person has to approve it, not the one who proposed it.", 403)
    visit.note("policy approved", found.id, proposed_by=found.author)
    try:
        made = visit.parts.policy.proposals.approve(found.id, visit.person.name, visit.now)
    except ConfigurationError as error:
        return _shown(visit, f"It would not be taken today. {error.key}: {error.reason}", 422)
    except Problem as problem:
        if problem.code not in ("precondition_failed", "same_person"):
            raise
        return _shown(visit, f"{problem.detail} It was proposed for version {found.base}. Nothing was published.", 409)
    return Moved(f"/console/limits/versions/{made.version}", f"Version {made.version} is in force.")


def _shown(visit: Visit, fault: str | None = None, status: int = 200) -> View:
    policies, live = visit.parts.policies, visit.parts.policies.live()
    waiting = visit.parts.policy.proposals.waiting(visit.now)
    bases = {each.base for each in waiting}
    faster = {base: list[str]() for base in bases}
    for base in bases - {live.version}:
        with contextlib.suppress(Problem):
            faster[base] = [each["text"] for each in policies.compare(live.version, base)["changes"]]
    data = {
        "rows": [each.view() for each in waiting],
        "live": live.summary(live=True),
        "faster": faster,
        "asked": visit.parts.publisher.plain.policy.publishing.loosening_needs_second,
        "me": visit.person.name,
        "fault": fault,
        "may": visit.may("growth"),
    }
    return View("proposals.html", data, status)


PAGES = (
    Page(path="/limits/proposals", handler=show, role="viewer"),
    Page(path="/limits/proposals/{proposal_id}", handler=decide, role="growth", method="POST"),
)
