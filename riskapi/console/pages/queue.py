"""What waits for a person: one row a cluster, what puts most at stake first."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode

from riskapi.console import masking, sentences
from riskapi.console.page import Page
from riskapi.console.queue_rows import QueueRow
from riskapi.console.rendering import line
from riskapi.console.visit import Answer, Fields, Moved, View, Visit
from riskapi.reviews.cases import Applicant, ReviewCase
from riskapi.reviews.limited_accounts import LimitedAccounts
from riskapi.times import DAY

#: Rows of a page, and sentences of a row of what was limited.
_ROWS, _REASONS = 50, 3
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
_FILTERS = ("q", "reason", "signal", "score", "size", "age", "cohort")
_QUERY = ("tab", *_FILTERS, "sort", "from")


def home(visit: Visit) -> Answer:
    """Where a person begins."""
    return Moved("/console/queue")


def show(visit: Visit) -> Answer:
    """The page."""
    query = visit.query
    tab = query["tab"] if query["tab"] in TABS else "open"
    waiting = visit.cases.waiting(visit.now)
    tabs = _tabs(visit, waiting.cases)
    limited = visit.cases.limited.latest() if tab == "limited" else []
    counts = {name: len(found) for name, found in tabs.items()}
    counts["limited"] = len(limited) if tab == "limited" else visit.rows.limited(visit.now)
    found = tabs[tab]
    choices = visit.rows.choices(tab, found, waiting)
    skipped = set(visit.kept.get("skipped", ())) if tab == "open" else set()
    kept = [case for case in found if case.lead.id not in skipped] if skipped else found
    rows = _sorted(_filtered(visit, kept), query)
    first = query.number("from") or 0
    shown = rows[first : first + _ROWS]
    listed = len(limited) if tab == "limited" else len(rows)
    after = f"?{urlencode({**_asked(query), 'from': first + _ROWS})}" if listed > first + _ROWS else None
    oldest = min((case.opened_at for case in tabs["open"]), default=None)
    data = {
        "tab": tab,
        "tabs": [(name, word, counts[name]) for name, word in TABS.items()],
        "rows": _rows(visit, shown),
        "limited": _limited(visit, limited[first : first + _ROWS]) if tab == "limited" else [],
        "total": listed,
        "found": len(found),
        "skipped": len(found) - len(kept),
        "filtered": any(query[name] for name in _FILTERS),
        "oldest": None if oldest is None else visit.now - oldest,
        "today": visit.rows.today(waiting, visit.now),
        "audited": visit.cases.audits.found() if visit.person.role in ("growth", "admin") else None,
        "query": {name: query[name] for name in _QUERY},
        "back": urlencode(_asked(query)),
        "codes": choices.codes,
        "signals": choices.signals,
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
    for case in _tabs(visit, visit.cases.waiting(visit.now).cases)["open"]:
        if case.lead.id not in skipped and (holder_of(visit, case) in (None, visit.person.name)):
            return f"/console/cases/{case.lead.id}"
    return "/console/queue"


def back_to(query: str) -> str:
    """The view of the queue that a form was on, from its address; nothing else than the queue."""
    known = {name: value for name, value in parse_qsl(query) if name in _QUERY}
    return f"/console/queue?{urlencode(known)}" if known else "/console/queue"


def is_mine(visit: Visit, case: ReviewCase) -> bool:
    """Whether the person holds the case."""
    return holder_of(visit, case) == visit.person.name


def holder_of(visit: Visit, case: ReviewCase) -> str | None:
    """Who holds the case, while the claim lasts: any review of it."""
    return next((each.reviewer for each in case.claimed if left(visit, each.claimed_at) > 0), None)


def left(visit: Visit, claimed_at: float) -> float:
    """Seconds that a claim of a Unix time has left; none where there is no claim (0)."""
    lasts = visit.parts.publisher.active.policy.reviews.claim_minutes * 60
    return max(claimed_at + lasts - visit.now, 0.0)


def _tabs(visit: Visit, cases: Iterable[ReviewCase]) -> dict[str, list[ReviewCase]]:
    """The cases of each tab: one that was handed on, or waits for an answer, is open no more."""
    found: dict[str, list[ReviewCase]] = {name: [] for name in TABS}
    for case in cases:
        found["escalated" if case.handed_on else "waiting" if case.waits else "open"].append(case)
        if case.claimed and is_mine(visit, case):
            found["mine"].append(case)
    return found


def _filtered(visit: Visit, cases: Sequence[ReviewCase]) -> Sequence[ReviewCase]:
    query = visit.query
    score, size, hours = query.number("score"), query.number("size"), query.number("age")
    code, signal, cohort = query["reason"], query["signal"], query["cohort"]
    found = cases
    if score is not None or size is not None or hours is not None or cohort:
        found = [
            case
            for case in found
            if (score is None or case.lead.risk_score >= score)
            and (size is None or case.size >= size)
            and (hours is None or visit.now - case.opened_at >= 3600 * hours)
            and (not cohort or _cohort(case) == cohort)
        ]
    if code or signal:
        reasons = visit.cases.reasons.named(case.lead for case in found)
        named = [(case, reasons[case.lead.id]) for case in found]
        found = [
            case for case, each in named if (not code or code in each.codes) and (not signal or signal in each.signals)
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


def _sorted(cases: Iterable[ReviewCase], query: Fields) -> list[ReviewCase]:
    sort = query["sort"]
    if sort == "age":
        return sorted(cases, key=lambda case: case.opened_at)
    if sort == "size":
        return sorted(cases, key=lambda case: -case.size)
    if sort == "score":
        return sorted(cases, key=lambda case: -case.lead.risk_score)
    return list(cases)  # as they come: harm at stake


def _rows(visit: Visit, cases: Sequence[ReviewCase]) -> list[dict[str, Any]]:
    """The rows of these cases."""
    rows = visit.rows.of(cases, visit.now)
    return [_row(visit, case, row) for case, row in zip(cases, rows, strict=True)]


def _row(visit: Visit, case: ReviewCase, row: QueueRow) -> dict[str, Any]:
    holder = holder_of(visit, case)
    return {
        "id": case.lead.id,
        "tier": case.lead.tier,
        "size": case.size,
        "who": [named(visit, each) for each in row.who],
        "others": case.size - len(row.who),
        "age": visit.now - case.opened_at,
        "score": case.lead.risk_score,
        "daily": case.daily,
        "sent": row.sent,
        "established": row.established,
        "first": named(visit, row.first) if row.first is not None else None,
        "reasons": row.reasons,
        "holder": "you" if holder == visit.person.name else holder,
        "left": max((left(visit, each.claimed_at) for each in case.claimed), default=0.0),
        "escalated": next((each.escalation_reason for each in case.reviews if each.escalation_reason), None),
        "question": next((each.question for each in case.reviews if each.question), None) if case.waits else None,
        "waits_until": next((each.waits_until for each in case.reviews if each.waits_until), None),
    }


def named(visit: Visit, who: Applicant) -> dict[str, str]:
    """The name and the mail address of somebody, as the person may see them in a list."""
    plain = visit.may("reviewer")
    shown = line(who.name if plain else masking.name(who.name))
    name = shown or (who.user_id if plain else masking.text(who.user_id))
    return {"name": name, "mail": line(masking.mail(who.mail))}


def _limited(visit: Visit, rows: Sequence[LimitedAccounts]) -> list[dict[str, Any]]:
    return [
        {
            "user_id": case.accounts.user_id,
            "who": named(visit, Applicant(case.accounts.user_id, case.name, case.mail)),
            "count": case.accounts.count,
            "age": visit.now - case.accounts.at,
            "score": case.risk_score,
            "reasons": sentences.plain([case.reasons], _REASONS),
            "cause": sentences.limited_by(case.accounts.source, case.accounts.reason),
        }
        for case in visit.cases.limited.shown(rows)
    ]


def _cohort(case: ReviewCase) -> str:
    """The week (ISO 8601) in which the account signed up, as ``2026-W47``."""
    return _week(int(case.lead.signed_up_at // DAY))


@lru_cache(maxsize=400)
def _week(day: int) -> str:
    return datetime.fromtimestamp(day * DAY, UTC).strftime("%G-W%V")


def _asked(query: Fields) -> dict[str, str]:
    return {name: query[name] for name in _QUERY if name != "from" and query[name]}


PAGES = (
    Page(path="/", handler=home, role="viewer"),
    Page(path="/queue", handler=show, role="viewer", entry="Queue"),
    Page(path="/queue/look", handler=look, role="reviewer", method="POST"),
)
