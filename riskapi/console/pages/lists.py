"""Lists: what people allow, deny and watch. Entries, those nobody needs, new ones, and many at once with one undo."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, cast
from urllib.parse import urlencode

from riskapi.console import masking, sentences
from riskapi.console.page import Page
from riskapi.console.visit import Answer, Fields, Moved, View, Visit
from riskapi.errors import Problem
from riskapi.lists.entries import ListEntry, StoredEntry
from riskapi.lists.entry_rows import Format, rows
from riskapi.lists.list_names import ListName
from riskapi.lists.lists import StaleReport
from riskapi.lists.matching import HASHED, KINDS, LETTERS
from riskapi.times import DAY

_HERE = "/console/lists"
#: Entries of a page, rejected rows that are shown, days after which an entry without hits is stale, characters of a
#: reason as the API takes them.
_ROWS, _REJECTED, _STALE, _REASON = 50, 20, 90, 2000
LISTS: tuple[ListName, ...] = tuple(sorted(LETTERS.values()))
FORMATS: dict[Format, str] = {"csv": "CSV", "jsonl": "JSON lines"}
#: Why somebody should look at an entry again.
WHY = {
    "expired": "it has expired",
    "never_hit": "it never named anybody",
    "not_hit_lately": f"it named nobody for {_STALE} days",
    "never_expires": "it never expires, and nobody wrote it anew for a year",
}
_MASKS: Mapping[str, Callable[[str], str]] = {
    "email": masking.mail,
    "mailbox": masking.mail,
    "ip": masking.ip,
    "cidr": masking.ip,
    "phone": masking.phone,
    "device": masking.token,
    "payment": masking.token,
}
_DAYS = re.compile(r"[1-9][0-9]{0,3}")
#: Fields of the form of a new entry.
_FIELDS = ("list", "kind", "value", "days", "reason", "hashed", "silences", "replace")


def show(visit: Visit) -> Answer:
    """The page."""
    return _shown(visit)


def add(visit: Visit) -> Answer:
    """Put an entry on a list, or say what it would name."""
    form = visit.form
    try:
        draft = _draft(visit)
        if form["do"] == "check":
            return _shown(visit, checked=_effect(visit, draft))
        visit.note("list entry put", f"{draft.list} {draft.kind}")
        made = visit.parts.lists.put(draft, visit.now, replace=form["replace"] == "1")
    except Problem as problem:
        return _shown(visit, fault=_why(problem))
    visit.parts.metrics.list_change(draft.list, "put")
    return Moved(f"{_HERE}?list={draft.list}", f"It is {'written anew' if made.replaced else 'on the list'} now.")


def remove(visit: Visit) -> Answer:
    """Take an entry off its list."""
    name, entry = cast("ListName", visit.path["list"]), visit.path["entry_id"]
    visit.note("list entry removed", entry, list=name)
    gone = visit.parts.lists.remove(name, entry, visit.person.name, visit.now)
    visit.parts.metrics.list_change(name, "removed")
    return Moved(f"{_HERE}?list={name}", f"The entry is off the list; it named {sentences.many(gone.hits, 'account')}.")


def take(visit: Visit) -> Answer:
    """Put many entries on a list, or say what would become of them."""
    form = visit.form
    name, form_ = form["list"], form["format"]
    if name not in LISTS or form_ not in FORMATS or not form["rows"].strip():
        return _shown(visit, fault="Choose a list and a format, and paste rows.")
    dry = form["do"] == "check"
    if not dry:
        visit.note("list import", name, bytes=len(form["rows"]))
    try:
        taken = visit.parts.list_batches.take(
            name,
            rows(form["rows"].encode("utf-8", "replace"), form_),
            author=visit.person.name,
            now=visit.now,
            replace=form["replace"] == "1",
            dry_run=dry,
        )
    except Problem as problem:
        return _shown(visit, fault=_why(problem))
    for _ in range(0 if dry else taken.put + taken.replaced):
        visit.parts.metrics.list_change(name, "put")
    return _shown(visit, taken=taken, dry=dry)


def undo(visit: Visit) -> Answer:
    """Take all of an import back."""
    batch = visit.path["batch_id"]
    visit.note("list import undone", batch)
    found = visit.parts.list_batches.undo(batch, visit.person.name, visit.now)
    said = f"Undone: {found['removed']} removed, {found['restored']} as before"
    return Moved(f"{_HERE}?list={found['list']}", f"{said}, {found['left']} left, because somebody changed them since.")


def show_data(visit: Visit) -> Answer:
    """Show values in plain to this person until they sign out, and note that they looked."""
    visit.note("list values shown", "lists")
    return Moved(_HERE, keep={"lists_plain": True})


def _draft(visit: Visit) -> StoredEntry:
    form = visit.form
    name, kind, days = form["list"], form["kind"], form["days"].strip()
    if name not in LISTS or kind not in KINDS:
        raise Problem("invalid", "Choose a list and what the value is.")
    if days and not _DAYS.fullmatch(days):
        raise Problem("invalid", "For how many days: expected a number from 1 to 9999, or nothing.")
    if not form["value"].strip():
        raise Problem("invalid", "The value is missing.")
    return visit.parts.lists.draft(
        name,
        kind,
        form["value"].strip()[:2048],
        expires_at=visit.now + int(days) * DAY if days else None,
        reason=form["reason"].strip()[:_REASON] or None,
        author=visit.person.name,
        silences_feedback=form["silences"] == "1",
        hashed=form["hashed"] == "1",
        now=visit.now,
    )


def _effect(visit: Visit, draft: StoredEntry) -> str:
    """What an entry would name, and what it would replace, in a sentence."""
    found = visit.parts.lists.would_match(draft)
    some = ", ".join(found["would_match"][:5])
    more = "" if found["would_match_complete"] else " or more"
    said = f"It would name {sentences.many(found['would_match_count'], 'account')}{more} there are"
    said += f" ({some}{' …' if found['would_match_count'] > 5 else ''})." if some else "."
    return f"{said} It would replace an entry." if visit.parts.lists.standing(draft) else said


def _why(problem: Problem) -> str:
    wrong = " ".join(each["detail"] for each in problem.errors)
    return wrong[:1].upper() + wrong[1:] + "." if wrong else problem.detail


def _page(visit: Visit) -> tuple[list[Any], str | None, StaleReport | None]:
    """The entries that are asked for, the address of the next page, and the report of stale ones where it is."""
    query, lists = visit.query, visit.parts.lists
    name = query["list"] if query["list"] in LISTS else None
    kind = query["kind"] if query["kind"] in KINDS else None
    if query["tab"] == "stale":
        report = lists.stale(visit.now, _STALE)
        return list(report["entries"][:_ROWS]), None, report
    if value := query["value"].strip()[:2048]:
        return list(lists.of_value(name, kind, value, visit.now)["entries"]), None, None
    page = lists.page(name, kind, _ROWS, query["cursor"][:256] or None, visit.now)
    onward = {"list": name or "", "kind": kind or "", "cursor": page["next_cursor"] or ""}
    after = f"{_HERE}?{urlencode({key: text for key, text in onward.items() if text})}"
    return list(page["entries"]), after if page["next_cursor"] else None, None


def _row(entry: ListEntry, *, plain: bool) -> dict[str, Any]:
    value = entry["value"]
    shown = entry["normalized"] if value is None else value if plain else _MASKS.get(entry["kind"], str)(value)
    reason = entry["reason"] or ""
    return {**entry, "shown": shown, "reason": reason if plain else masking.text(reason)}


def _shown(visit: Visit, fault: str | None = None, **more: Any) -> Answer:
    may, query = visit.may("reviewer"), visit.query
    plain = may and bool(visit.kept.get("lists_plain"))
    try:
        entries, after, report = _page(visit)
    except Problem as problem:
        entries, after, report, fault = [], None, None, fault or _why(problem)
    data: dict[str, Any] = {
        "rows": [_row(entry, plain=plain) for entry in entries],
        "after": after,
        "report": report,
        "why": WHY,
        "stale_days": _STALE,
        "tab": "stale" if query["tab"] == "stale" else "entries",
        "query": {name: query[name] for name in ("list", "kind", "value")},
        "lists": LISTS,
        "kinds": KINDS,
        "hashable": sorted(set(HASHED.values())),
        "formats": FORMATS,
        "may": may,
        "plain": plain,
        "fault": fault,
        "typed": _typed(visit.form),
        "pasted": visit.form["rows"] if fault or more.get("dry") else "",
        "rejected_most": _REJECTED,
        "checked": None,
        "taken": None,
        "dry": False,
    }
    return View("lists.html", {**data, **more}, 422 if fault else 200)


def _typed(form: Fields) -> dict[str, str]:
    """What somebody typed in the form of a new entry, for the page that shows it again."""
    return {name: form[name] for name in _FIELDS} if form["do"] else dict.fromkeys(_FIELDS, "")


PAGES = (
    Page(path="/lists", handler=show, role="viewer", entry="Lists"),
    Page(path="/lists", handler=add, role="reviewer", method="POST"),
    Page(path="/lists/import", handler=take, role="reviewer", method="POST"),
    Page(path="/lists/show", handler=show_data, role="reviewer", method="POST"),
    Page(path="/lists/batches/{batch_id}/undo", handler=undo, role="reviewer", method="POST"),
    Page(path="/lists/{list}/{entry_id}/remove", handler=remove, role="reviewer", method="POST"),
)
