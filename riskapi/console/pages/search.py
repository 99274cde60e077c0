"""Search: one box for anything; what it is, who has it, what else these accounts share, and a file of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from riskapi.console import masking, sentences, spreadsheet
from riskapi.console.page import Page, pattern
from riskapi.console.rendering import line
from riskapi.console.visit import Answer, Fields, File, Moved, View, Visit
from riskapi.errors import Problem
from riskapi.inputs.visitor_values import LONGEST
from riskapi.search.found_accounts import SearchedAccount
from riskapi.search.meanings import KINDS, SearchKind
from riskapi.search.results import SearchAnswer, SearchMeaning
from riskapi.search.search import LISTED
from riskapi.times import instant

HERE = "/console/search"
#: Searches that somebody can look at unmasked at once.
_SHOWN = 10
#: How values are masked that are personal data; others stay as they are.
_MASKS = {
    "mailbox": masking.mail,
    "phone": masking.phone,
    "phone_block": masking.phone,
    "ip": masking.ip,
    "device": masking.token,
    "payment": masking.token,
    "name": masking.name,
}
#: What a value is part of, and is read as where nobody has the value itself.
_WIDER: Mapping[str, tuple[SearchKind, ...]] = {
    "mailbox": ("pattern", "mail_domain"),
    "ip": ("network", "asn"),
    "phone": ("phone_block",),
}
#: How long an entry of a list lasts, in hours; none for good.
LASTS: Mapping[str, int | None] = {"24 hours": 24, "30 days": 720, "a year": 8760, "for good": None}
_COLUMNS = (
    "user_id", "name", "organization", "email", "created_at", "tier", "label", "established", "proved", "sent_30d",
    "cluster_id",
)  # fmt: skip


def show(visit: Visit) -> Answer:
    """The page; for the id of something that was done here, the page of that."""
    text = visit.query["q"].strip()
    return Moved(f"{HERE}/actions/{text}") if pattern("action_id").fullmatch(text) else shown(visit)


def shown(visit: Visit, fault: str | None = None, status: int = 200) -> View:
    """The page for what its address or form asks, with what went wrong."""
    asked = query_of(visit)
    text, kind = asked["q"].strip(), kind_of(asked["as"])
    if not text:
        return View(
            "search.html", {"found": None, "q": "", "kind": "", "words": sentences.SEARCHED, "fault": fault}, status
        )
    found = _found(visit, text, kind, asked["cursor"])
    plain = is_plain(visit, found)
    chosen = found["read_as"]
    data = {
        "found": found,
        "q": asked["q"],
        "kind": asked["as"],
        "query": query_text(asked),
        "here": {name: value for name, value in asked.items() if value},
        "words": sentences.SEARCHED,
        "read_as": None if chosen is None else _meaning(chosen, plain=plain),
        "others": [
            {**_meaning(each, plain=plain), "address": address({"q": asked["q"], "as": each["kind"]})}
            for each in found["others"]
            if each["accounts"] or not found["total"]  # what nobody has is of interest where nothing is found
        ],
        "missing": None if chosen is None else _missing(chosen, found["others"]),
        "entries": [_entry(each, plain=plain) for each in found["lists"]],
        "people": [_person(each, visit.now, plain=plain) for each in found["accounts"]],
        "shared": [
            {
                **each,
                "word": sentences.SEARCHED[each["kind"]],
                "shown": value(each["kind"], each["value"], plain=plain),
                "address": address({"q": each["thing"]}),
            }
            for each in found["shared"]
        ],
        "after": address({**asked, "cursor": found["next_cursor"]}) if found["next_cursor"] else None,
        "plain": plain,
        "decides": visit.may("reviewer"),
        "can_list": chosen is not None and chosen["value"] is not None and chosen["kind"] in LISTED,
        "lasts": list(LASTS),
        "fault": fault,
    }
    return View("search.html", data, status)


def show_data(visit: Visit) -> Answer:
    """Show the personal data of what a search found in plain to this person, and note that they looked."""
    asked = query_of(visit)
    subject = subject_of(_found(visit, asked["q"], kind_of(asked["as"]), asked["cursor"]))
    visit.note("personal data shown", subject)
    seen = [*(each for each in visit.kept.get("seen", ()) if each != subject), subject][-_SHOWN:]
    return Moved(address(asked), keep={"seen": seen})


def export(visit: Visit) -> Answer:
    """All accounts that a search finds, as a file; masked for those who may not see personal data."""
    asked = query_of(visit)
    text, kind = asked["q"], kind_of(asked["as"])
    plain = visit.may("reviewer")
    subject = subject_of(_found(visit, text, kind, ""))
    rows = visit.parts.search.accounts(text, kind, visit.now)
    visit.note("accounts exported", subject, accounts=len(rows), personal_data="in plain" if plain else "masked")
    cells = [[_cell(name, row, plain=plain) for name in _COLUMNS] for row in rows]
    return File("accounts.csv", spreadsheet.written(_COLUMNS, cells), spreadsheet.MEDIA)


def query_of(visit: Visit) -> dict[str, str]:
    """What is searched for, as the URL says it, or the form on such a page."""
    given: Fields = visit.form if "q" in visit.form else visit.query
    return {"q": given["q"][: LONGEST + 1], "as": given["as"], "cursor": given["cursor"][:256]}


def query_text(asked: Mapping[str, str | None]) -> str:
    """The query of an address."""
    return urlencode({name: value for name, value in asked.items() if value})


def address(asked: Mapping[str, str | None]) -> str:
    """The address of a search."""
    return f"{HERE}?{query_text(asked)}"


def subject_of(found: SearchAnswer) -> str:
    """What the audit log calls a search: the HMAC of what was searched for, or an id; no data of applicants."""
    chosen = found["read_as"]
    if found["thing"] is not None:
        return found["thing"]
    if chosen is not None and chosen["kind"] in ("user", "cluster", "network"):
        return chosen["value"] or chosen["kind"]
    return "" if chosen is None else f"a {chosen['kind']}"


def is_plain(visit: Visit, found: SearchAnswer) -> bool:
    """Whether the person asked to see this in plain, and may."""
    subject = subject_of(found)
    return visit.may("reviewer") and bool(subject) and subject in visit.kept.get("seen", ())


def value(kind: str, text: str | None, *, plain: bool) -> str:
    """A value as it is to be shown; where only its HMAC is known, nothing of it."""
    if text is None:
        return "value not kept"
    return text if plain else _MASKS.get(kind, str)(text)


def who(account: SearchedAccount, *, plain: bool) -> dict[str, str]:
    """Name and mail address of an account, as they are to be shown."""
    name, organization = account["name"] or "", account["organization"] or ""
    if plain:
        return {"name": name, "organization": organization, "mail": account["email"]}
    mail = masking.mail(account["email"])
    return {"name": masking.name(name), "organization": masking.name(organization), "mail": mail}


def in_line(account: SearchedAccount, *, plain: bool) -> dict[str, str]:
    """The same, each in one line of a table."""
    return {name: line(told) for name, told in who(account, plain=plain).items()}


def _found(visit: Visit, text: str, kind: SearchKind | None, cursor: str) -> SearchAnswer:
    try:
        return visit.parts.search.find(text, kind, visit.now, cursor=cursor or None)
    except Problem as problem:
        if problem.code != "invalid":
            raise
        return visit.parts.search.find(text, kind, visit.now)  # an address that was cut or typed: its first page


def kind_of(text: str) -> SearchKind | None:
    """The kind that a word of an address names."""
    return next((kind for kind in KINDS if kind == text), None)


def _meaning(found: SearchMeaning, *, plain: bool) -> dict[str, Any]:
    shown = value(found["kind"], found["value"], plain=plain)
    note = found["note"] if plain or found["note"] is None else masking.text(found["note"])
    return {"word": sentences.SEARCHED[found["kind"]], "shown": shown, "accounts": found["accounts"], "note": note}


def _missing(chosen: SearchMeaning, others: Sequence[SearchMeaning]) -> str | None:
    """The word for what was typed and nobody has, where only what it is part of was found."""
    words = (
        sentences.SEARCHED[each["kind"]]
        for each in others
        if each["accounts"] == 0 and chosen["accounts"] and chosen["kind"] in _WIDER.get(each["kind"], ())
    )
    return next(words, None)


def _entry(entry: Mapping[str, Any], *, plain: bool) -> dict[str, Any]:
    reason = entry["reason"] or ""
    return {**entry, "said": reason if plain else masking.text(reason)}


def _person(account: SearchedAccount, now: float, *, plain: bool) -> dict[str, Any]:
    proved = [sentences.SEARCHED.get(kind, kind) for kind in account["proved"]]
    age = now - instant(account["created_at"]).timestamp()
    return {**account, **in_line(account, plain=plain), "proved": proved, "age": age}


def _cell(name: str, account: SearchedAccount, *, plain: bool) -> object:
    told = {"name": "name", "organization": "organization", "email": "mail"}
    if name in told:
        return who(account, plain=plain)[told[name]]
    if name == "proved":
        return " ".join(account["proved"])
    found: object = account[name]  # type: ignore[literal-required]
    return str(found).lower() if isinstance(found, bool) else found


PAGES = (
    Page(path="/search", handler=show, role="viewer", entry="Search"),
    Page(path="/search/show", handler=show_data, role="reviewer", method="POST"),
    Page(path="/search/export", handler=export, role="viewer", method="POST"),
)
