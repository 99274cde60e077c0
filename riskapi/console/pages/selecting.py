"""What can be done with what a search found: decide many accounts at once, put the thing on a list, and undo."""

from __future__ import annotations

import orjson

from riskapi.console import sentences
from riskapi.console.page import Page
from riskapi.console.pages import search
from riskapi.console.pages.deciding import CODES, LABELS, TIERS
from riskapi.console.visit import Answer, Moved, View, Visit
from riskapi.errors import invalid
from riskapi.inputs.json_lines import Row
from riskapi.lists.list_names import ListName
from riskapi.reviews.decisions import Touched
from riskapi.reviews.selections import SelectionDecision, new_selection
from riskapi.search.found_accounts import SearchedAccount
from riskapi.search.search import LISTED, MOST
from riskapi.times import instant, rfc3339

#: Characters of a sentence, as the API takes them.
_SENTENCE = 1800
#: What is put on a list without its value, as what a decision of a review denies is.
_PERSONAL = frozenset({"mailbox", "phone", "device", "payment"})
_LISTS: tuple[ListName, ...] = ("deny", "watch", "allow")


def preview(visit: Visit) -> Answer:
    """What a decision about the accounts selected would do, before and after; nothing is changed."""
    names = _selected(visit)
    if not names:
        text = search.query_of(visit)["q"].strip()
        return search.shown(visit, "Nothing is selected: tick accounts, or all of a page.", 422 if text else 200)
    asked = search.query_of(visit)
    people = {row["user_id"]: row for row in visit.parts.search.of(names, visit.now)}
    found = visit.parts.search.find(asked["q"], search.kind_of(asked["as"]), visit.now, most=1)
    plain = search.is_plain(visit, found)
    rows = {tier: _tried(visit, names, tier, established="established" in visit.query) for tier in TIERS}
    data = {
        "id": new_selection(),
        "here": {name: value for name, value in asked.items() if value},
        "back": search.address(asked),
        "names": names,
        "established": "established" in visit.query,
        "has_established": any(row["established"] for row in rows["limit"]),
        "effects": {tier: sentences.effect(found) for tier, found in rows.items()},
        "rows": [_row(row, people.get(row["user_id"]), plain=plain) for row in rows["limit"]],
        "codes": CODES,
    }
    return View("selection.html", data)


def decide(visit: Visit) -> Answer:
    """Decide the accounts selected, once."""
    tier, code = visit.form["do"], visit.form["code"]
    if tier not in TIERS:
        raise invalid("/do", "expected allow or limit")
    if code not in CODES:
        raise invalid("/code", f"expected one of {', '.join(CODES)}")
    note = visit.form["note"].strip()[:_SENTENCE]
    reason = f"{code}: {note}" if note else code
    decision = SelectionDecision(tier, LABELS[tier], reason, include_established="established" in visit.form)
    action, names = visit.form["id"], list(dict.fromkeys(visit.form.all("user")))[:MOST]
    visit.note("decided a selection", action, decision=tier, accounts=len(names))
    rows = visit.selections.decide(action, names, decision, visit.person.name, visit.now)
    said = f"{tier.capitalize()}: {sentences.effect(rows)}"
    return Moved(search.address(search.query_of(visit)), said, {"undo": action})


def put(visit: Visit) -> Answer:
    """Put what was searched for on a list, as a batch of one, which can be undone."""
    name, asked = visit.form["list"], search.query_of(visit)
    if name not in _LISTS:
        raise invalid("/list", f"expected one of {', '.join(_LISTS)}")
    if visit.form["lasts"] not in search.LASTS:
        raise invalid("/lasts", f"expected one of {', '.join(search.LASTS)}")
    hours = search.LASTS[visit.form["lasts"]]
    found = visit.parts.search.find(asked["q"], search.kind_of(asked["as"]), visit.now, most=MOST)
    chosen = found["read_as"]
    if chosen is None or chosen["value"] is None or chosen["kind"] not in LISTED:
        return search.shown(
            visit, "This cannot be put on a list: its value is not known, or no list has its kind.", 422
        )
    kind = LISTED[chosen["kind"]]
    reason = visit.form["reason"].strip()[:_SENTENCE]
    entry = {
        "kind": kind,
        "value": chosen["value"],
        "hashed": chosen["kind"] in _PERSONAL,
        **({"reason": reason} if reason else {}),
        **({"expires_at": rfc3339(visit.now + hours * 3600)} if hours else {}),
    }
    visit.note("put on a list", search.subject_of(found), list=name, kind=kind, lasts=visit.form["lasts"])
    taken = visit.parts.list_batches.take(name, [Row(1, orjson.dumps(entry))], author=visit.person.name, now=visit.now)
    if taken.rejected:
        return search.shown(visit, f"Not put on the list: {taken.rejected[0].detail}.", 422)
    if taken.unchanged:
        return Moved(search.address(asked), f"It is on the {name} list already, with the same values.")
    visit.parts.metrics.list_change(name, "put")
    word = sentences.SEARCHED[chosen["kind"]]
    said = f"This {word} is on the {name} list, {visit.form['lasts']}: signups from now on."
    return Moved(search.address(asked), said, {"undo": taken.id})


def show(visit: Visit) -> Answer:
    """What was done under an id that the audit log names, for whoever wants to take it back."""
    action = visit.path["action_id"]
    if action.startswith("lsb_"):
        batch = visit.parts.list_batches.get(action)
        count = batch["put"] + batch["replaced"]
        said = f"{batch['author']} put {sentences.many(count, 'value')} on the {batch['list']} list."
        done, at = batch["undone_at"] is not None, instant(batch["created_at"]).timestamp()
    else:
        made = visit.selections.get(action)
        said = f"{made['actor']} decided {sentences.many(made['accounts'], 'account')}: {made['tier']}."
        done, at = made["undone_by"] is not None, made["at"]
    return View("action.html", {"action": action, "said": said, "at": at, "done": done})


def undo(visit: Visit) -> Answer:
    """Take back what was done to a selection, or an entry of a list."""
    action = visit.path["action_id"]
    visit.note("undone", action)
    if action.startswith("lsb_"):
        batch = visit.parts.list_batches.undo(action, visit.person.name, visit.now)
        if batch["removed"]:
            visit.parts.metrics.list_change(batch["list"], "removed")
        return Moved(search.HERE, f"Undone: the {batch['list']} list is as before.", {"undo": None})
    rows = visit.selections.undo(action, visit.person.name, visit.now)
    return Moved(search.HERE, sentences.undone(rows), {"undo": None})


def _selected(visit: Visit) -> list[str]:
    """The accounts ticked, or all of the page."""
    given = visit.query.all("on_page") if "all" in visit.query else visit.query.all("user")
    return list(dict.fromkeys(given))[:MOST]


def _tried(visit: Visit, names: list[str], tier: str, *, established: bool) -> list[Touched]:
    tried = next(each for each in TIERS if each == tier)
    decision = SelectionDecision(tried, LABELS[tried], include_established=established)
    return visit.selections.preview(names, decision, visit.now)


def _row(row: Touched, account: SearchedAccount | None, *, plain: bool) -> dict[str, object]:
    told = {"name": "", "mail": "", "organization": ""} if account is None else search.in_line(account, plain=plain)
    return {**row, **told}


PAGES = (
    Page(path="/search/selection", handler=preview, role="reviewer"),
    Page(path="/search/decide", handler=decide, role="reviewer", method="POST"),
    Page(path="/search/list", handler=put, role="reviewer", method="POST"),
    Page(path="/search/actions/{action_id}", handler=show, role="reviewer"),
    Page(path="/search/actions/{action_id}/undo", handler=undo, role="reviewer", method="POST"),
)
