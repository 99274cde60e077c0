"""Who hits caps, by tier and plan."""

from __future__ import annotations

from riskapi.console import people
from riskapi.console.page import Page
from riskapi.console.visit import Answer, View, Visit
from riskapi.sending.cap_hits import MOST
from riskapi.times import DAY, instant

#: Days that can be asked for, accounts named, and entries read unless more is asked for: a page is quick.
_DAYS, _NAMED, _QUICK = (1, 7, 30), 50, 2_000
#: The caps in words.
_WINDOWS = {"hourly": "hour", "daily": "day", "monthly": "30 days"}


def show(visit: Visit) -> Answer:
    """The hits of some days, read from the newest on."""
    asked = visit.query["days"]
    days = int(asked) if asked in map(str, _DAYS) else 7
    deep = visit.query["all"] == "1"
    most = MOST if deep else _QUICK
    found = visit.parts.policy.cap_hits(visit.now - days * DAY, visit.now, _NAMED, most)
    data = {
        "found": found,
        "people": [{**row, "at": instant(row["last_at"]).timestamp()} for row in people.named(visit, found["most"])],
        "days": days,
        "choices": _DAYS,
        "deep": deep,
        "since": instant(found["since"]).timestamp(),
        "groups": [{**row, "word": _cap(row["limit"])} for row in found["groups"]],
    }
    return View("cap_hits.html", data)


def _cap(name: str) -> str:
    """A cap as people call it: ``cluster_daily`` as ``cluster, day``."""
    owner, _, window = name.rpartition("_")
    return f"{owner}, {_WINDOWS[window]}" if window in _WINDOWS else name.replace("_", " ")


PAGES = (Page(path="/limits/hits", handler=show, role="viewer"),)
