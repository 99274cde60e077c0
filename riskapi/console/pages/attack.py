"""Attack mode: one switch with an end, what it changes, and who switched it."""

from __future__ import annotations

import re

from riskapi.console.page import Page
from riskapi.console.visit import Answer, Moved, View, Visit
from riskapi.errors import invalid
from riskapi.policy.attacks import LONGEST
from riskapi.policy.changes import changes
from riskapi.policy.told_changes import told
from riskapi.times import HOUR

_HERE = "/console/limits/attack"
#: Switches shown, and characters of a note.
_SHOWN, _NOTE = 20, 2000


def show(visit: Visit) -> Answer:
    """How it is."""
    return _shown(visit)


def switch(visit: Visit) -> Answer:
    """Switch it on until a time, let it end at another, or switch it off."""
    attacks, parts = visit.parts.policy.attacks, visit.parts
    if visit.form["do"] == "end":
        visit.note("attack mode off", "policy")
        attacks.end(None, visit.person.name, visit.now)
        parts.publisher.follow()
        return Moved(_HERE, "Attack mode is off.")
    if visit.form["do"] != "begin":
        raise invalid("/do", "expected begin or end")
    hours, note = visit.form["hours"].strip(), visit.form["note"].strip()
    most = LONGEST // HOUR
    if re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,2})?", hours) is None or not 0 < float(hours) <= most:
        return _shown(visit, ("hours", f"expected a number of hours, up to {most}"))
    if not note or len(note) > _NOTE:
        return _shown(visit, ("note", f"say why, in up to {_NOTE:,} characters"))
    visit.note("attack mode on", "policy", hours=float(hours))
    attacks.begin(visit.now + float(hours) * HOUR, note, visit.person.name, visit.now)
    parts.publisher.follow()
    return Moved(_HERE, "Attack mode is on.")


def _shown(visit: Visit, fault: tuple[str, str] | None = None) -> View:
    attacks, plain = visit.parts.policy.attacks, visit.parts.publisher.plain.policy
    mode = attacks.read(visit.now)
    before, after = (each.model_dump(mode="json") for each in (plain, plain.attacked))
    data = {
        "mode": mode,
        "left": 0 if mode is None else mode.until - visit.now,
        "changes": [told(change)["text"] for change in changes(before, after)],
        "factor": plain.attack.factor,
        "days": plain.attack.days,
        "switched": attacks.switched()[:_SHOWN],
        "typed": {name: visit.form[name] for name in ("hours", "note")} if fault else {"hours": "4", "note": ""},
        "fault": fault,
        "most": LONGEST // HOUR,
        "may": visit.may("growth"),
    }
    return View("attack.html", data, 422 if fault else 200)


PAGES = (
    Page(path="/limits/attack", handler=show, role="viewer"),
    Page(path="/limits/attack", handler=switch, role="growth", method="POST"),
)
