"""A change of the policy before it is published: what it would have done, the note, and who was faster."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from riskapi.console import people
from riskapi.console.page import Page
from riskapi.console.policy_form import in_force, whole
from riskapi.console.visit import Answer, Moved, View, Visit
from riskapi.errors import ConfigurationError, Problem, StoreUnavailable
from riskapi.policy.changes import changes
from riskapi.policy.drafts import Draft, carried_over
from riskapi.policy.loosening import loosening
from riskapi.policy.texts import written
from riskapi.policy.told_changes import told
from riskapi.policy.versions import Publication, Version
from riskapi.times import rfc3339

HERE = "/console/limits/drafts"
#: Seconds a page waits for a simulation before it shows how far that is, and characters of a note, as the API has them.
_WAIT, NOTE = 0.3, 2000


def begun(
    visit: Visit, base: int, said: Mapping[str, Any], text: str | None = None, restores: int | None = None
) -> Draft:
    """Keep a changed policy, made from version ``base``, and try it on recorded signups.

    Raises :class:`ConfigurationError` for a broken one.
    """
    checked = visit.parts.publisher.checked(said).model_dump(mode="json")
    author = visit.person.name
    made = Draft(id="", author=author, at=visit.now, base=base, policy=checked, text=text, restores=restores)
    draft = visit.parts.policy.drafts.keep(made)
    with contextlib.suppress(Problem):  # too many run: the page offers to try it again
        _simulate(visit, draft)
    return draft


def of(visit: Visit) -> Draft | None:
    """The draft that the address or the form names. Raises ``not_found``."""
    named = visit.query["draft"] or visit.form["draft"]
    return visit.parts.policy.drafts.get(named) if named else None


def show(visit: Visit) -> Answer:
    """The draft."""
    return _shown(visit, _draft(visit))


def again(visit: Visit) -> Answer:
    """Try it again, as with what happened since."""
    draft = _draft(visit)
    try:
        _simulate(visit, draft)
    except Problem as problem:
        return _shown(visit, draft, problem.detail, problem.status)
    except ConfigurationError as error:
        return _shown(visit, draft, f"{error.key}: {error.reason}", 422)
    return Moved(f"{HERE}/{draft.id}")


def publish(visit: Visit) -> Answer:
    """Put it into force, or propose it to a second person, if its simulation is done and nobody was faster."""
    draft, note = _draft(visit), visit.form["note"].strip()
    if not note or len(note) > NOTE:
        return _shown(visit, draft, f"Note: say why, in up to {NOTE:,} characters.", 422)
    publication = Publication(
        note=note,
        author=visit.person.name,
        at=rfc3339(visit.now),
        simulation_id=draft.simulation_id,
        restores=draft.restores,
    )
    parts = visit.parts
    try:
        live = parts.policies.live().version
        if live == draft.base:
            parts.policy.runs.fits(draft.simulation_id or "none", parts.publisher.checked(draft.policy), live)
        visit.note("policy published", draft.id, made_from=draft.base, simulation=draft.simulation_id)
        made = parts.policy.proposals.submit(draft.policy, publication, draft.base.__eq__)
    except Problem as problem:
        if problem.code not in ("simulation_unfit", "precondition_failed"):
            raise
        return _shown(visit, draft, f"{problem.detail} Nothing was published.", 409)
    except ConfigurationError as error:
        return _shown(visit, draft, f"{error.key}: {error.reason}", 422)
    with contextlib.suppress(StoreUnavailable):  # it is published; without this its comments are those of before
        parts.policy.texts.keep(made.policy, _text(visit, draft))
    if isinstance(made, Version):
        return Moved(f"/console/limits/versions/{made.version}", f"Version {made.version} is in force.")
    return Moved("/console/limits/proposals", "It loosens something, so it waits for a second person.")


def renew(visit: Visit) -> Answer:
    """Make the same changes to the version that is in force now."""
    draft = _draft(visit)
    live, said = in_force(visit)
    merged = carried_over(whole(visit.parts.policies.get(draft.base)), draft.policy, said)
    try:
        text = None if draft.text is None else written(draft.text, {**merged, "version": live.version})
        made = begun(visit, live.version, merged, text, draft.restores)
    except ConfigurationError as error:
        fault = f"Together with version {live.version} the changes make no good policy. {error.key}: {error.reason}"
        return _shown(visit, draft, fault, 422)
    return Moved(f"{HERE}/{made.id}", f"The changes are made to version {live.version} now.")


def panel(visit: Visit, draft: Draft) -> dict[str, Any]:
    """What the templates show of a draft: what changes, who was faster, what it would have done."""
    live, said = in_force(visit)
    base = said if live.version == draft.base else whole(visit.parts.policies.get(draft.base))
    mine = changes(base, draft.policy)
    run, state = _run(visit, draft)
    most = run["touched"]["most"] if state == "done" else []
    second = said.get("publishing", {}).get("loosening_needs_second")
    return {
        "id": draft.id,
        "author": draft.author,
        "at": draft.at,
        "base": draft.base,
        "changes": [told(change)["text"] for change in mine],
        "loosens": [told(change)["text"] for change in loosening(said, draft.policy)] if second else [],
        "faster": _faster(visit, draft, live, base, said, {change["key"] for change in mine}),
        "state": state,
        "run": run,
        "people": people.named(visit, most),
        "may": visit.may("growth"),
    }


def framed(visit: Visit, version: Version, draft: Draft | None, fault: str | None) -> dict[str, Any]:
    """What every page shows from which a draft is made: the version in force, what the form starts from, the draft
    itself, and what is wrong.
    """
    return {
        "base": version.version if draft is None else draft.base,
        "version": version.summary(live=True),
        "draft": None if draft is None else panel(visit, draft),
        "fault": fault,
        "note": "",
        "may": visit.may("growth"),
    }


def _faster(
    visit: Visit, draft: Draft, live: Version, base: Mapping[str, Any], said: Mapping[str, Any], mine: set[str]
) -> dict[str, Any] | None:
    """Who published meanwhile and what; None where nobody did."""
    if live.version == draft.base:
        return None
    theirs = changes(base, said)
    return {
        "version": live.summary(live=True),
        "changes": [told(change)["text"] for change in theirs],
        "both": [change["key"] for change in theirs if change["key"] in mine],
    }


def _run(visit: Visit, draft: Draft) -> tuple[dict[str, Any], str]:
    """What is known of the simulation, and its state: ``running``, ``done``, ``failed`` or ``gone``."""
    if draft.simulation_id is None:
        return {}, "gone"
    try:
        found = visit.parts.policy.runs.get("simulation", draft.simulation_id)
    except Problem as problem:
        return {}, "failed" if problem.code == "run_failed" else "gone"
    # A draft made by an earlier release does not name whom it touches.
    return {"touched": {"accounts": 0, "most": []}, **found}, found["status"]


def _simulate(visit: Visit, draft: Draft) -> None:
    runs = visit.parts.policy.runs
    run = runs.simulation(draft.policy, None, visit.person.name, visit.now)
    visit.parts.policy.drafts.simulated(draft, run.id)
    runs.start(run, _WAIT)


def _text(visit: Visit, draft: Draft) -> str:
    """The text of a draft: as somebody wrote it, or the one before with its values."""
    if draft.text is not None:
        return draft.text
    base = visit.parts.policies.get(draft.base)
    return written(visit.parts.policy.texts.of(base.policy), {**draft.policy, "version": draft.base + 1})


def _shown(visit: Visit, draft: Draft, fault: str | None = None, status: int = 200) -> View:
    data = {"draft": panel(visit, draft), "fault": fault, "note": visit.form["note"]}
    return View("draft.html", data, status)


def _draft(visit: Visit) -> Draft:
    return visit.parts.policy.drafts.get(visit.path["draft_id"])


PAGES = (
    Page(path="/limits/drafts/{draft_id}", handler=show, role="viewer"),
    Page(path="/limits/drafts/{draft_id}/simulate", handler=again, role="growth", method="POST"),
    Page(path="/limits/drafts/{draft_id}/publish", handler=publish, role="growth", method="POST"),
    Page(path="/limits/drafts/{draft_id}/renew", handler=renew, role="growth", method="POST"),
)
