"""Watch: how signups, the queue, mail, clusters and the service fare, as small charts with tables behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from riskapi.console import watch_panels
from riskapi.console.page import Page
from riskapi.console.visit import View, Visit
from riskapi.store.tallies import Tallies, Unit


@dataclass(frozen=True, slots=True)
class Range:
    """What a view shows: so many buckets of a unit, and its words."""

    unit: Unit
    number: int
    words: str


#: Views by their name in the address.
RANGES: Final = {
    "24h": Range("hour", 24, "24 hours, by hour"),
    "7d": Range("day", 7, "7 days, by day"),
    "30d": Range("day", 30, "30 days, by day"),
}


def show(visit: Visit) -> View:
    """The page."""
    name = visit.query["range"] if visit.query["range"] in RANGES else "24h"
    chosen = RANGES[name]
    buckets = Tallies(visit.access_parts.store).read(visit.now, chosen.unit, chosen.number)
    times = watch_panels.times(buckets, chosen.unit)
    checks = watch_panels.health(visit)
    data: dict[str, Any] = {
        "range": name,
        "ranges": RANGES,
        "words": chosen.words,
        "empty": not any(bucket.counts for bucket in buckets),
        "panels": [
            watch_panels.signups(buckets, times),
            watch_panels.queue(visit.access_parts.store, buckets, times, visit.now),
            watch_panels.mail(buckets, times),
            watch_panels.clusters(visit.access_parts.store, buckets),
            watch_panels.thresholds(buckets),
        ],
        "fine": [check.name for check in checks if check.said == "ok"],
        "told": [check for check in checks if check.said != "ok"],
    }
    return View("watch.html", data)


PAGES = (Page(path="/watch", handler=show, role="viewer", entry="Watch"),)
