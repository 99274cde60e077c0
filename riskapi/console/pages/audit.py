"""What people, keys and rules did, for admins: filtered, in pages, with a button where it can be undone."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import urlencode

from riskapi.access.audit_log import PLACE, Noted, Wanted
from riskapi.api.reviews import count_undo
from riskapi.console.page import Page
from riskapi.console.reversals import reversals
from riskapi.console.sentences import many
from riskapi.console.visit import Answer, Moved, View, Visit
from riskapi.errors import Problem
from riskapi.lists.list_names import ListName
from riskapi.times import DAY, rfc3339

#: Notes of a page.
_ROWS = 50
#: What is in the URL.
_FILTERS = ("actor", "action", "subject", "from", "to")
#: Actions that filters propose; others can be typed, and each row leads to its own.
ACTIONS = (
    "signed in",
    "sign-in refused",
    "personal data shown",
    "decided",
    "undone",
    "labelled",
    "list entry put",
    "link cut",
    "policy published",
    "user added",
    "role changed",
    "account limited",
    "account paused",
)
#: Actions whose subject is an account.
_ACCOUNTS = frozenset({"labelled", "label spread", "caps set", "caps removed"})
#: Ids that search finds: clusters, decisions about a selection, and batches of lists.
_FOUND = re.compile("(?:clu|sel|lsb)_")
_CASE = re.compile(r"rev_[A-Za-z0-9_-]{1,60}")


def show(visit: Visit) -> Answer:
    """A page of notes, newest first."""
    query = {name: visit.query[name].strip()[:200] for name in _FILTERS}
    since, until = _day(query["from"]), _day(query["to"])
    wanted = Wanted(
        actor=query["actor"] or None,
        action=query["action"] or None,
        subject=query["subject"] or None,
        since=since,
        until=None if until is None else until + DAY,
    )
    after = visit.query["after"] if PLACE.fullmatch(visit.query["after"]) else None
    found = visit.parts.audit.page(wanted, _ROWS, after)
    asked = {name: value for name, value in query.items() if value}
    bad = [name for name, at in (("from", since), ("to", until)) if query[name] and at is None]
    undone = reversals(visit, [note for note in found.notes if _is_undoable(note)])
    data = {
        "notes": [{**_row(note), "undone": undone.get(note.id)} for note in found.notes],
        "query": query,
        "is_filtered": bool(asked),
        "fault": f"Not a day: {' and '.join(bad)}. Write it as 2026-11-22." if bad else None,
        "actions": ACTIONS,
        "here": _address({**asked, **({"after": after} if after else {})}),
        "newest": _address(asked) if after else None,
        "after": _address({**asked, "after": found.after}) if found.after else None,
    }
    return View("audit.html", data)


def undo(visit: Visit) -> Answer:
    """Take back what a note says."""
    place = visit.form["note"]
    note = visit.parts.audit.get(place) if PLACE.fullmatch(place) else None
    if note is None or not _is_undoable(note):
        raise Problem("not_found", "There is nothing to undo.")
    said = UNDO[note.action](visit, note)
    back = visit.form["back"]
    return Moved(back if re.fullmatch(r"/console/audit(\?[\x21-\x7e]*)?", back) else "/console/audit", said)


def _undo_decision(visit: Visit, note: Noted) -> str:
    visit.note("undone", note.subject)
    name, of = visit.person.name, rfc3339(note.at)
    answer = visit.parts.review_decisions.undo(note.subject, None, name, visit.now, name, of=of)
    count_undo(visit.parts.metrics, answer)
    return f"The decision is undone, for {many(len(answer['accounts']), 'account')}."


def _undo_cut(visit: Visit, note: Noted) -> str:
    cut = _detail(note, "made")
    visit.note("cut undone", cut)
    visit.parts.cuts.undo(cut, visit.person.name, visit.now)
    return "The cut is undone."


def _undo_batch(visit: Visit, note: Noted) -> str:
    visit.note("list batch undone", note.subject)
    done = visit.parts.list_batches.undo(note.subject, visit.person.name, visit.now)
    return f"{done['removed']} removed, {done['restored']} as they were, {done['left']} left."


def _undo_entry(visit: Visit, note: Noted) -> str:
    name = _detail(note, "list")
    if name not in ("allow", "deny", "watch"):
        raise Problem("not_found", "The note does not say of which list it is.")
    visit.note("list entry removed", note.subject, list=name)
    visit.parts.lists.remove(cast("ListName", name), note.subject, visit.person.name, visit.now)
    visit.parts.metrics.list_change(name, "removed")
    return f"The entry is off the list {name}."


#: What can be taken back, and how. Each says what became of it, and raises ``Problem`` where it cannot.
UNDO: Mapping[str, Callable[[Visit, Noted], str]] = {
    "decided": _undo_decision,
    "link cut": _undo_cut,
    "list batch put": _undo_batch,
    "list entry put": _undo_entry,
}


def _detail(note: Noted, name: str) -> str:
    return str(note.details.get(name, ""))


def _row(note: Noted) -> dict[str, Any]:
    return {
        "note": note,
        "by_actor": _address({"actor": note.actor}),
        "by_action": _address({"action": note.action}),
        "by_subject": _address({"subject": note.subject}) if note.subject else None,
        "more": _more(note),
        "undoable": _is_undoable(note),
    }


def _more(note: Noted) -> tuple[str, str] | None:
    """Address and word of where to look at what a note is about: its case, its account, or what search finds of it."""
    if _CASE.fullmatch(note.subject):
        return f"/console/cases/{note.subject}", "case"
    if note.actor.startswith("rule ") or note.action in _ACCOUNTS or _FOUND.match(note.subject):
        return f"/console/search?{urlencode({'q': note.subject})}", "look"
    return None


def _is_undoable(note: Noted) -> bool:
    """Whether a note says enough to undo it: one that was written before the change may not know what was made."""
    needed = {"link cut": "made", "list entry put": "list"}.get(note.action)
    if note.action == "decided" and not _CASE.fullmatch(note.subject):
        return False
    return note.action in UNDO and (needed is None or needed in note.details)


def _day(text: str) -> float | None:
    """The beginning of a day in UTC; None for what is not a day."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def _address(query: Mapping[str, str]) -> str:
    return "/console/audit" + (f"?{urlencode(query)}" if query else "")


PAGES = (
    Page(path="/audit", handler=show, role="admin", entry="Audit"),
    Page(path="/audit/undo", handler=undo, role="admin", method="POST"),
)
