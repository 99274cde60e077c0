"""What waits for a person: one row a cluster, what puts most at stake first."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode

from riskapi.console import masking, sentences
from riskapi.console.page import Page
from riskapi.console.visit import Answer, Fields, Moved, View, Visit
from riskapi.contract import Reason
from riskapi.reviews.cases import Applicant, Case
from riskapi.reviews.limited import LimitedAccounts
from riskapi.reviews.reasons import NamedReasons
from riskapi.reviews.rings import MOST, Ring

#: Rows of a page, people named in a row, and sentences in it.
_ROWS, _NAMED, _REASONS = 50, 2, 3
Sort = Literal["harm", "age", "size", "score"]
SORTS: dict[Sort, str] = {"harm": "harm at stake", "age": "age", "size": "size", "score": "risk"}
#: What each tab shows, in words.
TABS: Mapping[str, str] = {
    "open": "open",
    "limited": "limited without a person",
    "mine": "mine",
    "waiting": "waiting for an answer",
    "escalated": "handed on",
}
#: Ages to choose from, in hours.
AGES: Mapping[str, str] = {"1": "1 h", "4": "4 h", "24": "1 day", "72": "3 days"}
#: What the address of a view says.
_QUERY = ("tab", "q", "reason", "signal", "score", "size", "age", "cohort", "sort", "from")


def home(visit: Visit) -> Answer:
    """Where a person begins."""
    return Moved("/console/queue")


def show(visit: Visit) -> Answer:
    """The page."""
    query = visit.query
    tab = query["tab"] if query["tab"] in TABS else "open"
    tabs = _tabs(visit, visit.cases.waiting(visit.now))
    limited = visit.cases.limited.latest()
    found = tabs.get(tab, [])
    reasons = visit.cases.reasons.named(case.lead for case in found)
    skipped = set(visit.kept.get("skipped", ())) if tab == "open" else set()
    kept = [case for case in found if case.lead.id not in skipped]
    rows = _sorted(_filtered(visit, kept, reasons), query)
    first = query.number("from") or 0
    shown = rows[first : first + _ROWS]
    listed = len(limited) if tab == "limited" else len(rows)
    after = f"?{urlencode({**_asked(query), 'from': first + _ROWS})}" if listed > first + _ROWS else None
    opened = [case.opened_at for case in tabs["open"]]
    data = {
        "tab": tab,
        "tabs": [(name, word, len(limited) if name == "limited" else len(tabs[name])) for name, word in TABS.items()],
        "rows": _rows(visit, shown),
        "limited": _limited(visit, limited[first : first + _ROWS]) if tab == "limited" else [],
        "total": listed,
        "skipped": len(found) - len(kept),
        "oldest": visit.now - min(opened) if opened else None,
        "today": visit.cases.past.today(visit.now),
        "audited": visit.cases.audits.found() if visit.person.role in ("growth", "admin") else None,
        "query": {name: query[name] for name in _QUERY},
        "back": urlencode(_asked(query)),
        "codes": sorted(frozenset().union(*(each.codes for each in reasons.values()))),
        "signals": sorted(frozenset().union(*(each.signals for each in reasons.values()))),
        "cohorts": sorted({_cohort(case) for case in found}),
        "ages": AGES,
        "sorts": SORTS,
        "after": after,
        "decides": visit.may("reviewer"),
    }
    return View("queue.html", data)


def look(visit: Visit) -> Answer:
    """Open the case of an account that was limited without a person."""
    name = visit.form["user_id"]
    latest = visit.parts.profiles.view(name, visit.now)["latest"]["id"]
    policy = visit.parts.publisher.active.policy
    text = "It was limited without a person, and somebody wants to look"
    opened = visit.parts.holds.review(name, visit.now, "PERSON_ASKED", text, f"{name}\0person\0{latest}", policy)
    visit.note("case opened", opened)
    return Moved(f"/console/cases/{opened}")


def next_case(visit: Visit, skipped: Collection[str] | None = None) -> str:
    """Where somebody goes who is done with a case: to the next that nobody else holds, or back to the queue.

    ``skipped`` are the cases that they left to others, as their browser keeps them.
    """
    skipped = set(visit.kept.get("skipped", ()) if skipped is None else skipped)
    for case in _tabs(visit, visit.cases.waiting(visit.now))["open"]:
        if case.lead.id not in skipped and (holder_of(visit, case) in (None, visit.person.name)):
            return f"/console/cases/{case.lead.id}"
    return "/console/queue"


def back_to(query: str) -> str:
    """The view of the queue that a form was on, from its address; nothing else than the queue."""
    known = {name: value for name, value in parse_qsl(query) if name in _QUERY}
    return f"/console/queue?{urlencode(known)}" if known else "/console/queue"


def is_mine(visit: Visit, case: Case) -> bool:
    """Whether the person holds the case."""
    return holder_of(visit, case) == visit.person.name


def holder_of(visit: Visit, case: Case) -> str | None:
    """Who holds the case, while the claim lasts: any review of it."""
    return next((each.reviewer for each in case.reviews if each.reviewer and left(visit, each.claimed_at) > 0), None)


def left(visit: Visit, claimed_at: float) -> float:
    """Seconds that a claim of a Unix time has left; none where there is no claim (0)."""
    lasts = visit.parts.publisher.active.policy.reviews.claim_minutes * 60
    return max(claimed_at + lasts - visit.now, 0.0)


def _tabs(visit: Visit, cases: Iterable[Case]) -> dict[str, list[Case]]:
    """The cases of each tab: one that was handed on, or waits for an answer, is open no more."""
    found: dict[str, list[Case]] = {name: [] for name in TABS}
    for case in cases:
        handed_on = any(review.status == "escalated" for review in case.reviews)
        found["escalated" if handed_on else "waiting" if case.waits else "open"].append(case)
        if is_mine(visit, case):
            found["mine"].append(case)
    return found


def _filtered(visit: Visit, cases: Sequence[Case], reasons: Mapping[str, NamedReasons]) -> list[Case]:
    query = visit.query
    score, size, hours = query.number("score"), query.number("size"), query.number("age")
    code, signal, cohort = query["reason"], query["signal"], query["cohort"]
    found = [
        case
        for case in cases
        if (score is None or case.lead.risk_score >= score)
        and (size is None or case.size >= size)
        and (hours is None or visit.now - case.opened_at >= 3600 * hours)
        and (not cohort or _cohort(case) == cohort)
        and (not code or code in reasons[case.lead.id].codes)
        and (not signal or signal in reasons[case.lead.id].signals)
    ]
    words = query["q"].casefold().strip()
    if not words:
        return found
    people = visit.cases.known((review.user_id for case in found for review in case.reviews), visit.now)
    matching = {name for name, who in people.items() if words in _findable(visit, who).casefold()}
    return [case for case in found if any(review.user_id in matching for review in case.reviews)]


def _findable(visit: Visit, who: Applicant) -> str:
    """What somebody can find an account by: no more than they may see."""
    if visit.may("reviewer"):
        return f"{who.user_id} {who.name} {who.mail}"
    return f"{masking.text(who.user_id)} {masking.mail(who.mail)}"


def _sorted(cases: Iterable[Case], query: Fields) -> list[Case]:
    sort = query["sort"]
    if sort == "age":
        return sorted(cases, key=lambda case: case.opened_at)
    if sort == "size":
        return sorted(cases, key=lambda case: -case.size)
    if sort == "score":
        return sorted(cases, key=lambda case: -case.lead.risk_score)
    return list(cases)  # as they come: harm at stake


def _rows(visit: Visit, cases: Sequence[Case]) -> list[dict[str, Any]]:
    """The rows of these cases, read together."""
    rings = visit.cases.rings.of(((case.lead.user_id, case.lead.cluster_id) for case in cases), visit.now)
    firsts = [ring.first.user_id for ring in rings.values() if ring.first is not None]
    people = visit.cases.applicants([*(name for case in cases for name in _first(case)), *firsts])
    reasons = visit.cases.reasons.of(review.id for case in cases for review in case.reviews[:MOST])
    return [_row(visit, case, rings[case.lead.user_id], people, reasons) for case in cases]


def _row(
    visit: Visit, case: Case, ring: Ring, people: Mapping[str, Applicant], reasons: Mapping[str, Sequence[Reason]]
) -> dict[str, Any]:
    who = [people[name] for name in _first(case) if name in people]
    holder = holder_of(visit, case)
    said = [sentences.ring(case.size, ring.seconds, ring.kinds)] if case.size > 1 and ring.kinds else []
    plain = sentences.plain([reasons[review.id] for review in case.reviews[:MOST]], _REASONS - len(said))
    first = people.get(ring.first.user_id) if ring.first is not None else None
    return {
        "id": case.lead.id,
        "tier": case.lead.tier,
        "size": case.size,
        "who": [named(visit, each) for each in who],
        "others": case.size - len(who),
        "age": visit.now - case.opened_at,
        "score": case.lead.risk_score,
        "daily": case.daily,
        "sent": ring.sent,
        "established": ring.established,
        "first": named(visit, first) if first is not None else None,
        "reasons": [*said, *plain],
        "holder": "you" if holder == visit.person.name else holder,
        "left": max(left(visit, each.claimed_at) for each in case.reviews),
        "escalated": next((each.escalation_reason for each in case.reviews if each.escalation_reason), None),
        "question": next((each.question for each in case.reviews if each.question), None) if case.waits else None,
        "waits_until": next((each.waits_until for each in case.reviews if each.waits_until), None),
    }


def named(visit: Visit, who: Applicant) -> dict[str, str]:
    """The name and the mail address of somebody, as the person may see them in a list."""
    plain = visit.may("reviewer")
    shown = who.name if plain else masking.name(who.name)
    return {"name": shown or (who.user_id if plain else masking.text(who.user_id)), "mail": masking.mail(who.mail)}


def _limited(visit: Visit, rows: Sequence[LimitedAccounts]) -> list[dict[str, Any]]:
    return [
        {
            "user_id": case.accounts.user_id,
            "who": named(visit, Applicant(case.accounts.user_id, case.name, case.mail)),
            "count": case.accounts.count,
            "age": visit.now - case.accounts.at,
            "score": case.risk_score,
            "reasons": sentences.plain([case.reasons], _REASONS),
        }
        for case in visit.cases.limited.shown(rows)
    ]


def _first(case: Case) -> list[str]:
    return list(dict.fromkeys(review.user_id for review in case.reviews))[:_NAMED]


def _cohort(case: Case) -> str:
    """The week (ISO 8601) in which the account signed up, as ``2026-W47``."""
    return _week(int(case.lead.signed_up_at // 86400))


@lru_cache(maxsize=400)
def _week(day: int) -> str:
    return datetime.fromtimestamp(day * 86400, UTC).strftime("%G-W%V")


def _asked(query: Fields) -> dict[str, str]:
    return {name: query[name] for name in _QUERY if name != "from" and query[name]}


PAGES = (
    Page(path="/", handler=home, role="viewer"),
    Page(path="/queue", handler=show, role="viewer", entry="Queue"),
    Page(path="/queue/look", handler=look, role="reviewer", method="POST"),
)
