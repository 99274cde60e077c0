"""What waits for a person: one row a cluster, what puts most at stake first."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Literal
from urllib.parse import urlencode

from riskapi.console import masking, sentences
from riskapi.console.page import Page
from riskapi.console.visit import Answer, Fields, Moved, View, Visit
from riskapi.reviews.cases import Applicant, Case
from riskapi.reviews.queue import ReviewStatus
from riskapi.times import instant

#: Rows of a page, people named in a row, and sentences in it.
_ROWS, _NAMED, _REASONS = 50, 2, 3
Sort = Literal["harm", "age", "size", "score"]
SORTS: dict[Sort, str] = {"harm": "harm at stake", "age": "age", "size": "size", "score": "risk"}
#: What each tab shows.
TABS: dict[str, tuple[ReviewStatus, ...]] = {
    "open": ("open", "claimed"),
    "mine": ("claimed",),
    "escalated": ("escalated",),
}


def home(visit: Visit) -> Answer:
    """Where a person begins."""
    return Moved("/console/queue")


def show(visit: Visit) -> Answer:
    """The page."""
    query = visit.query
    tab = query["tab"] if query["tab"] in TABS else "open"
    found = [case for case in visit.cases.waiting(TABS[tab]) if tab != "mine" or is_mine(visit, case)]
    skipped = set(visit.kept.get("skipped", ())) if tab == "open" else set()
    kept = [case for case in found if case.lead["id"] not in skipped]
    codes = sorted({reason["code"] for case in found for reason in case.lead["reasons"]})
    rows = _sorted(_filtered(visit, kept), query)
    first = max(_number(query["from"]) or 0, 0)
    shown = rows[first : first + _ROWS]
    after = f"?{urlencode({**_asked(query), 'from': first + _ROWS})}" if len(rows) > first + _ROWS else None
    people = visit.cases.applicants(name for case in shown for name in _first(case))
    data = {
        "tab": tab,
        "tabs": list(TABS),
        "rows": [_row(visit, case, people) for case in shown],
        "total": len(rows),
        "skipped": len(found) - len(kept),
        "oldest": visit.now - min(case.opened_at for case in found) if found else None,
        "query": {name: query[name] for name in ("q", "reason", "score", "size", "sort")},
        "codes": codes,
        "sorts": SORTS,
        "after": after,
    }
    return View("queue.html", data)


def next_case(visit: Visit, skipped: Collection[str] | None = None) -> str:
    """Where somebody goes who is done with a case: to the next that nobody else holds, or back to the queue.

    ``skipped`` are the cases that they left to others, as their browser keeps them.
    """
    skipped = set(visit.kept.get("skipped", ()) if skipped is None else skipped)
    for case in visit.cases.waiting(TABS["open"]):
        if case.lead["id"] not in skipped and (holder_of(visit, case) in (None, visit.person.name)):
            return f"/console/cases/{case.lead['id']}"
    return "/console/queue"


def is_mine(visit: Visit, case: Case) -> bool:
    """Whether the person holds the case."""
    return holder_of(visit, case) == visit.person.name


def holder_of(visit: Visit, case: Case) -> str | None:
    """Who holds the case, while the claim lasts."""
    return case.lead["reviewer"] if left(visit, case.lead["claimed_at"]) > 0 else None


def left(visit: Visit, claimed_at: str | None) -> float:
    """Seconds that a claim has left; none where there is no claim."""
    if claimed_at is None:
        return 0.0
    lasts = visit.parts.publisher.active.policy.reviews.claim_minutes * 60
    return max(instant(claimed_at).timestamp() + lasts - visit.now, 0.0)


def _filtered(visit: Visit, cases: Sequence[Case]) -> list[Case]:
    query = visit.query
    score, size, code = _number(query["score"]), _number(query["size"]), query["reason"]
    found = [
        case
        for case in cases
        if (score is None or case.lead["risk_score"] >= score)
        and (size is None or case.size >= size)
        and (not code or code in {reason["code"] for reason in case.lead["reasons"]})
    ]
    words = query["q"].casefold().strip()
    if not words:
        return found
    people = visit.cases.applicants(review["user_id"] for case in found for review in case.reviews)
    matching = {name for name, who in people.items() if words in f"{who.user_id} {who.name} {who.mail}".casefold()}
    return [case for case in found if any(review["user_id"] in matching for review in case.reviews)]


def _sorted(cases: Iterable[Case], query: Fields) -> list[Case]:
    sort = query["sort"]
    if sort == "age":
        return sorted(cases, key=lambda case: case.opened_at)
    if sort == "size":
        return sorted(cases, key=lambda case: -case.size)
    if sort == "score":
        return sorted(cases, key=lambda case: -case.lead["risk_score"])
    return list(cases)  # as they come: harm at stake


def _row(visit: Visit, case: Case, people: Mapping[str, Applicant]) -> dict[str, Any]:
    against, _ = sentences.reasons(case.lead["reasons"])
    who = [people[name] for name in _first(case) if name in people]
    holder = holder_of(visit, case)
    return {
        "id": case.lead["id"],
        "tier": case.tier,
        "size": case.size,
        "who": [{"name": each.name or each.user_id, "mail": masking.mail(each.mail)} for each in who],
        "others": case.size - len(who),
        "age": visit.now - case.opened_at,
        "score": case.lead["risk_score"],
        "daily": case.daily,
        "reasons": against[:_REASONS],
        "holder": "you" if holder == visit.person.name else holder,
        "left": left(visit, case.lead["claimed_at"]),
        "escalated": case.lead["escalation_reason"] if case.lead["status"] == "escalated" else None,
    }


def _first(case: Case) -> list[str]:
    return list(dict.fromkeys(review["user_id"] for review in case.reviews))[:_NAMED]


def _asked(query: Fields) -> dict[str, str]:
    return {name: value for name, value in query.items() if name != "from" and value}


def _number(text: str) -> int | None:
    """A whole number that was asked for; None for what is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


PAGES = (
    Page(path="/", handler=home, role="viewer"),
    Page(path="/queue", handler=show, role="viewer", entry="Queue"),
)
