"""Webhooks, for admins: who is told of changes, what could not be delivered and why, and sending it again."""

from __future__ import annotations

import re
import secrets
from typing import Any, cast

from riskapi.console.page import Page
from riskapi.console.visit import Answer, Moved, View, Visit
from riskapi.errors import Problem, invalid
from riskapi.times import instant
from riskapi.webhooks.deliveries import Status
from riskapi.webhooks.endpoints import EVENT_TYPES, EventType

_HERE = "/console/webhooks"
#: Deliveries of a page.
_ROWS = 50
#: Tabs of deliveries: where they stand, and words for it.
STATUSES: dict[Status, str] = {"dead": "given up", "pending": "waiting", "delivered": "delivered"}
#: What is wrong with a try, in words.
ERRORS = {
    "timeout": "it did not answer in time",
    "connect": "no connection",
    "tls": "its certificate is not good",
    "broken": "the connection broke off",
    "refused": "its address may not be connected to",
    "queue_full": "too many were waiting",
    "defect": "a defect of ours; the log says more",
}
#: A time as ``datetime-local`` of HTML writes it.
_LOCAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?")
#: Replays asked for in one request, each of which looks through some 20,000 records.
_ROUNDS = 5


def show(visit: Visit) -> Answer:
    """Every endpoint."""
    return _shown(visit)


def make(visit: Visit) -> Answer:
    """Register an endpoint; the page shows its secret this once."""
    url, events = visit.form["url"].strip(), visit.form.all("event")
    if not events or not set(events) <= set(EVENT_TYPES):
        return _shown(visit, fault="Choose what it is told of.")
    visit.note("webhook made", _host(url), events=" ".join(events))
    try:
        made = visit.parts.webhooks.create(
            url, cast("list[EventType]", list(events)), visit.person.name, visit.parts.clock()
        )
    except Problem as problem:
        return _shown(visit, fault=_why(problem))
    return _shown(visit, made=(made["url"], made["secret"]))


def one(visit: Visit) -> Answer:
    """One endpoint with its deliveries."""
    return _one(visit)


def change(visit: Visit) -> Answer:
    """Enable, disable, test, delete an endpoint, give it another secret, or send given up deliveries again."""
    id, do = _id(visit), visit.form["do"]
    webhooks, deliveries, now = visit.parts.webhooks, visit.parts.deliveries, visit.parts.clock()
    found = webhooks.get(id)
    if do not in ("enable", "disable", "rotate", "test", "redeliver", "delete"):
        raise invalid("/do", "expected enable, disable, rotate, test, redeliver or delete")
    visit.note(f"webhook {do}", id, host=_host(found["url"]))
    said = "It is told again from now on; what it missed can be sent from a time on."
    if do == "enable":
        webhooks.enable(id)
    elif do == "disable":
        webhooks.disable(id, "person")
        said = "It is told nothing until somebody enables it."
    elif do == "rotate":
        made = webhooks.rotate(id, now)
        return _one(visit, secret=made["secret"])
    elif do == "test":
        visit.parts.notices.test(id, secrets.token_hex(12))
        said = "An event of the type test is on its way; it is among the deliveries."
    elif do == "redeliver":
        webhooks.enabled(id)
        said = f"Sent again: {deliveries.redeliver_dead(id, now)} deliveries that were given up."
    else:
        webhooks.delete(id)
        deliveries.forget(id)
        return Moved(_HERE, "The webhook is deleted, with what waited for it.")
    return Moved(f"{_HERE}/{id}", said)


def redeliver(visit: Visit) -> Answer:
    """Send one delivery again."""
    id, delivery = _id(visit), visit.path["delivery_id"]
    visit.parts.webhooks.enabled(id)
    visit.note("webhook delivery sent again", id, delivery=delivery)
    visit.parts.deliveries.redeliver(id, delivery, visit.parts.clock())
    return Moved(f"{_HERE}/{id}?status=pending", "It is sent again, and tried for a day.")


def replay(visit: Visit) -> Answer:
    """Send again what happened from a time on."""
    id, since = _id(visit), visit.form["since"].strip()
    if not _LOCAL.fullmatch(since):
        return _one(visit, fault="Since when: expected a day and a time in UTC.")
    try:
        at = instant(since + ("Z" if since.count(":") == 2 else ":00Z")).timestamp()
    except ValueError:
        return _one(visit, fault="Since when: there is no such day or time.")
    delivered = visit.form["delivered"] == "1"
    visit.note("webhook sent again from", id, since=since, delivered=delivered)
    queued, cursor = 0, None
    for _ in range(_ROUNDS):
        found = visit.parts.recovery.replay(id, at, cursor, delivered=delivered)
        queued, cursor = queued + found["queued"], found["next_cursor"]
        if cursor is None:
            return Moved(f"{_HERE}/{id}?status=pending", f"{queued} events are sent again.")
    more = "There is more than a page can look through: POST /v1/webhooks/…/replay goes on."
    return Moved(f"{_HERE}/{id}?status=pending", f"{queued} events are sent again. {more}")


def _id(visit: Visit) -> str:
    return visit.path["webhook_id"]


def _host(url: str) -> str:
    """Whom a URL leads to; its path may hold a secret, which the audit has no need of."""
    return url.partition("//")[2].partition("/")[0].rpartition("@")[2][:200] or "no host"


def _why(problem: Problem) -> str:
    wrong = " ".join(each["detail"] for each in problem.errors)
    return f"The address: {wrong or problem.detail}."


def _shown(visit: Visit, *, fault: str | None = None, made: tuple[str, str] | None = None) -> Answer:
    found = visit.parts.webhooks.list()["webhooks"]
    counts = visit.parts.deliveries.counts([each["id"] for each in found])
    rows = [{**each, **counts[each["id"]]} for each in found]
    shown = {"webhooks": rows, "types": EVENT_TYPES, "fault": fault, "made": made}
    typed = {"url": visit.form["url"], "chosen": visit.form.all("event")} if fault else {"url": "", "chosen": ()}
    return View("webhooks.html", {**shown, **typed}, 422 if fault else 200)


def _one(visit: Visit, *, fault: str | None = None, secret: str | None = None) -> Answer:
    id = _id(visit)
    found = visit.parts.webhooks.get(id)
    asked = visit.query["status"]
    status: Status = asked if asked in STATUSES else "dead"
    page = visit.parts.deliveries.page(id, status, _ROWS, visit.query["cursor"][:256] or None)
    data: dict[str, Any] = {
        "webhook": found,
        "counts": visit.parts.deliveries.counts([id])[id],
        "status": status,
        "statuses": STATUSES,
        "rows": page["deliveries"],
        "next": page["next_cursor"],
        "errors": ERRORS,
        "fault": fault,
        "secret": secret,
    }
    return View("webhook.html", data, 422 if fault else 200)


PAGES = (
    Page(path="/webhooks", handler=show, role="admin"),
    Page(path="/webhooks", handler=make, role="admin", method="POST"),
    Page(path="/webhooks/{webhook_id}", handler=one, role="admin"),
    Page(path="/webhooks/{webhook_id}", handler=change, role="admin", method="POST"),
    Page(path="/webhooks/{webhook_id}/replay", handler=replay, role="admin", method="POST"),
    Page(path="/webhooks/{webhook_id}/deliveries/{delivery_id}", handler=redeliver, role="admin", method="POST"),
)
