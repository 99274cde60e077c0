"""What the page Watch shows: each panel as a chart, and the tables behind it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

from riskapi.clusters.sizes import grown
from riskapi.console import rendering
from riskapi.console.chart import Chart, Series, over_time, side_by_side
from riskapi.console.drift import MUCH, drift
from riskapi.console.visit import Visit
from riskapi.feedback.mail_rates import GROUPS, Rates, rates
from riskapi.policy.tables import SEVERITY
from riskapi.reviews.backlog import backlog
from riskapi.store.connections import Store
from riskapi.store.heartbeats import working
from riskapi.store.tallies import REST, Bucket, Unit, totals
from riskapi.times import instant

#: Things of a chart, and of a table.
_DRAWN, _LISTED = 6, 50
#: Seconds after the last look of a worker from which it is asked whether one runs: five looks.
_SILENT = 300
_HEAD: Final = ("delivered", "complaints", "rate", "bounces", "rate", "blocks", "rate")


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a table: its cells, and where the first leads."""

    cells: Sequence[str]
    link: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table behind a chart."""

    title: str
    head: Sequence[str]
    rows: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Panel:
    """One of the small charts. ``empty`` says what would be here where nothing is yet; ``link`` leads on."""

    title: str
    said: str
    chart: Chart | None
    tables: Sequence[Table]
    empty: str
    link: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """How one part of the service fares: ``ok``, or what is wrong; ``quiet`` where it is switched off."""

    name: str
    said: str
    state: str = field(default="ok")


def times(buckets: Sequence[Bucket], unit: Unit) -> list[str]:
    """Hours or days in UTC, as tables name them."""
    form = "%H:%M" if unit == "hour" else "%Y-%m-%d"
    return [datetime.fromtimestamp(bucket.at, UTC).strftime(form) for bucket in buckets]


def signups(buckets: Sequence[Bucket], names: Sequence[str]) -> Panel:
    """Signups by decision."""
    counts = {tier: [bucket.count("signup", tier, "n") for bucket in buckets] for tier in SEVERITY}
    total = sum(map(sum, counts.values()))
    series = [
        Series(f"{rendering.SHAPES[tier]} {tier}", values, rendering.count(sum(values)))
        for tier, values in counts.items()
    ]
    rows = [Line([name, *map(rendering.count, row)]) for name, *row in zip(names, *counts.values(), strict=True)]
    return Panel(
        "Signups by decision",
        _many(total, "signup"),
        over_time(series, together=True) if total else None,
        [Table("Signups by decision and time", ["time (UTC)", *counts], rows)],
        "Each signup counts here by its decision. POST /v1/signups makes one.",
        ("/console/queue", "Open the queue"),
    )


def queue(store: Store, buckets: Sequence[Bucket], names: Sequence[str], now: float) -> Panel:
    """The queue and its age: reviews that wait, opened and decided."""
    here = backlog(store, now)
    waiting = [bucket.most.get("waiting") for bucket in buckets[:-1]] + [float(here.waiting)]
    ages = [bucket.most.get("oldest") for bucket in buckets[:-1]] + [here.oldest]
    moved = {word: [bucket.count("review", word, "n") for bucket in buckets] for word in ("opened", "decided")}
    series = [
        Series("waiting", waiting, rendering.count(here.waiting)),
        Series("oldest", ages, rendering.span(here.oldest)),
        *(Series(word, values, rendering.count(sum(values))) for word, values in moved.items()),
    ]
    rows = [
        Line([name, _counted(wait), "–" if age is None else rendering.span(age), str(opened), str(decided)])
        for name, wait, age, opened, decided in zip(names, waiting, ages, *moved.values(), strict=True)
    ]
    said = f"{_many(here.waiting, 'review')} {'waits' if here.waiting == 1 else 'wait'}"
    return Panel(
        "Queue and its age",
        f"{said}, the oldest for {rendering.span(here.oldest)}" if here.waiting else f"{said} now",
        over_time(series, together=False) if here.waiting or any(map(sum, moved.values())) else None,
        [Table("Reviews by time", ["time (UTC)", "most waiting", "oldest", "opened", "decided"], rows)],
        "A signup in the tier review, a hold and company of abusive accounts open a review. None is there.",
        ("/console/queue?sort=age", "Open the oldest"),
    )


def mail(buckets: Sequence[Bucket], names: Sequence[str]) -> Panel:
    """Complaints, bounces and blocks, over time and by whose mail it was."""
    met = [rates(totals([bucket], "mail").get("all", {})) for bucket in buckets]
    whole = rates(totals(buckets, "mail").get("all", {}))
    series = [
        Series("complaints", [each.complaint_rate for each in met], _share(whole.complaint_rate)),
        Series("hard bounces", [each.bounce_rate for each in met], _share(whole.bounce_rate)),
        Series("blocks", [each.block_rate for each in met], _share(whole.block_rate)),
    ]
    head = [*_HEAD]
    rows = [Line([name, *_rated(each)]) for name, each in zip(names, met, strict=True)]
    tables = [Table("Mail by time", ["time (UTC)", *head], rows)]
    for group, words in GROUPS.items():
        found = sorted(totals(buckets, group).items(), key=lambda row: (-sum(row[1].values()), row[0]))[:_LISTED]
        lines = [Line([_named(group, id), *_rated(rates(counts))], _leads(group, id)) for id, counts in found]
        tables.append(Table(f"Mail by {words}", [words, *head], lines))
    said = f"{_many(whole.delivered, 'recipient')} reached, {_many(whole.complaints, 'complaint')}"
    if whole.reported and not whole.delivered:
        said = f"{_many(whole.complaints, 'complaint')}; shares need deliveries, which are not reported"
    return Panel(
        "What mail met",
        said,
        over_time(series, together=False) if whole.reported else None,
        tables,
        "Complaints, bounces and blocks count here. Send them to POST /v1/feedback, or turn a provider's feed on.",
    )


def clusters(store: Store, buckets: Sequence[Bucket]) -> Panel:
    """Clusters and waves that grow."""
    found = {id: counts["n"] for id, counts in totals(buckets, "cluster").items() if id != REST}
    most = sorted(found, key=lambda id: (-found[id], id))[:_LISTED]
    now = grown(store, most)
    rows = [(id, found[id], now[id]) for id in most if now[id].size > 1]
    drawn = [
        (f"{'wave' if each.wave else 'cluster'} of {each.size}", float(came), f"+{came}")
        for _, came, each in rows[:_DRAWN]
    ]
    lines = [
        Line([id, f"+{came}", rendering.count(each.size), "a wave" if each.wave else "shared things"], _search(id))
        for id, came, each in rows
    ]
    return Panel(
        "Clusters and waves that grow",
        f"{_many(len(rows), 'cluster')} grew, {sum(each.wave for _, _, each in rows)} by a wave",
        side_by_side(drawn) if rows else None,
        [Table("Clusters that grew", ["cluster", "joined", "accounts now", "bound by"], lines)],
        "Accounts that share a device, a number or more, and those that arrive together, are clusters. None grew.",
    )


def thresholds(buckets: Sequence[Bucket]) -> Panel:
    """Thresholds crossed, by rule."""
    found = Counter({rule: counts["n"] for rule, counts in totals(buckets, "threshold").items()})
    rows = found.most_common(_LISTED)
    drawn = [(rule.replace("_", " "), float(count), rendering.count(count)) for rule, count in rows[:_DRAWN]]
    return Panel(
        "Thresholds crossed",
        f"{rendering.count(sum(found.values()))} times, by {_many(len(found), 'rule')}",
        side_by_side(drawn) if rows else None,
        [Table("Thresholds by rule", ["rule", "times"], [Line([rule, rendering.count(n)]) for rule, n in rows])],
        "Triggers of the policy, lost steps, holds and alarms count here. None of them acted.",
    )


def health(visit: Visit) -> list[Check]:
    """How the parts of the service fare, what is wrong first."""
    parts = visit.parts
    found = [_check(name, said) for name, said in parts.readiness().items()]
    platform = parts.monitor.view(visit.now)
    found.append(_worker(visit, platform["watched_at"]))
    silent = [each["subject"] for each in platform["alarms"] if each["rule"].startswith("feed_")]
    heard = sum(each["last_at"] is not None for each in platform["feeds"])
    said = f"alarm about {', '.join(silent)}" if silent else f"{heard or 'none'} heard of"
    found.append(Check("feeds", said, "bad" if silent else "ok" if heard else "quiet"))
    found.append(_webhooks(visit))
    moved = drift(visit.access_parts.store, visit.now)
    state = "quiet" if moved.index is None else "bad" if moved.index >= MUCH else "ok"
    found.append(Check("model drift", moved.said, state))
    return sorted(found, key=lambda check: {"bad": 0, "ok": 1, "quiet": 2}[check.state])


def _worker(visit: Visit, looked: str | None) -> Check:
    """Whether a worker runs, and when one looked. In a store that a replay filled, the last look is of its clock."""
    ago = None if looked is None else max(visit.now - instant(looked).timestamp(), 0.0)
    if ago is not None and ago < _SILENT:
        return Check("worker", f"looked {rendering.span(ago)} ago")
    before = "did not look yet" if ago is None else f"did not look yet; the look before is {rendering.span(ago)} old"
    if working(visit.access_parts.store, visit.now):
        return Check("worker", f"runs, and {before}. It looks once a minute", "quiet")
    said = "no worker ever looked" if ago is None else f"none runs, and none looked for {rendering.span(ago)}"
    return Check("worker", f"{said}; python -m riskapi worker starts one", "bad")


def _webhooks(visit: Visit) -> Check:
    endpoints = visit.parts.webhooks.list()["webhooks"]
    if not endpoints:
        return Check("webhooks", "none", "quiet")
    counts = visit.parts.deliveries.counts([each["id"] for each in endpoints]).values()
    dead, waiting = (sum(each[status] for each in counts) for status in ("dead", "pending"))
    disabled = sum(not each["enabled"] for each in endpoints)
    said = f"{len(endpoints)}, {disabled} disabled; deliveries: {waiting} waiting, {dead} given up"
    return Check("webhooks", said, "bad" if dead or disabled else "ok")


def _check(name: str, said: str) -> Check:
    return Check(name, said, said if said == "ok" else "quiet" if said == "off" else "bad")


def _rated(found: Rates) -> list[str]:
    pairs = (
        (found.complaints, found.complaint_rate),
        (found.bounced, found.bounce_rate),
        (found.blocked, found.block_rate),
    )
    cells = [cell for count, rate in pairs for cell in (rendering.count(count), _share(rate))]
    return [rendering.count(found.delivered), *cells]


def _many(number: int, word: str) -> str:
    return f"{rendering.count(number)} {word}{'' if number == 1 else 's'}"


def _share(rate: float | None) -> str:
    return "–" if rate is None else f"{rate:.2%}"


def _counted(value: float | None) -> str:
    return "–" if value is None else rendering.count(value)


def _named(group: str, id: str) -> str:
    if id == REST:
        return "all smaller"
    # What stands under its hash is too small to have its name kept.
    return "a small domain" if group == "domain" and "." not in id and id != "unknown" else id


def _leads(group: str, id: str) -> str:
    return _search(id) if group in ("asn", "domain") and id not in (REST, "unknown") and _named(group, id) == id else ""


def _search(text: str) -> str:
    return f"/console/search?{urlencode({'q': text})}"
