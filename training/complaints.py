"""What complaints bring about: how soon a ring is contained after the first one, and what good accounts lose by one.

Played on a service of its own in replay time with a worker, once with every complaint told to ``POST /v1/feedback`` and
once with none. Figures without a source are what is tried, not what was measured of anybody.
"""

from __future__ import annotations

import heapq
import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

from rich.console import Console

from training.progress import counting
from training.report import Report, interval, percent
from training.rings.product import Product
from training.server import Service
from training.simulator.timeline import DAY, HOUR

#: Accounts of the rings that are tried.
SIZES: Final = (1, 10, 100)
#: Share of recipients of spam that complain, and seconds until they do on average. Good mail stays below 0.1 %
#: (Gmail's sender guidelines).
_ANGRY, _DELAY = 0.01, 600.0
#: Seconds between two requests of an account in the first hour, and later; recipients that it asks for at once.
_SOON, _LATER, _MANY = 300.0, HOUR, 20
#: For how long a ring is watched, seconds.
_WATCHED = DAY
#: Complaints after which every account is looked at as soon as the worker is done; later, each when it asks to send.
_LOOKS = 2
#: Days for which good accounts send, and the median and spread (of logarithms) of what they send.
_DAYS, _MEDIAN, _SPREAD = 10, 1000.0, 1.3
#: The share of good accounts with one angry recipient that may be touched.
AIM: Final = 0.005
_SETTINGS = {"RISKAPI_SERVE_WORKER": "on", "RISKAPI_STORE_TIMEOUT_MS": "20000"}


@dataclass(frozen=True, slots=True)
class Contained:
    """What became of a ring of ``size``. ``seconds`` from the first complaint until every account was paused or had
    left the tier ``allow``, None for never within a day; ``recipients`` were granted to it in the day after the first.
    """

    size: int
    loop: bool
    seconds: float | None
    recipients: int


@dataclass(frozen=True, slots=True)
class Touched:
    """Good accounts with one angry recipient; ``touched`` lost their tier or were paused, ``first`` of them within
    their first 50 recipients.
    """

    accounts: int
    touched: int
    first: int


def run(
    databases: tuple[Path, Path | None], policy: Path, start: float, good: int, seed: int, console: Console
) -> tuple[list[Contained], Touched]:
    """Play every ring with and without the loop, and so many good accounts. Raises ServiceError."""
    with counting(console) as progress:
        task = progress.add_task("rings and good accounts", total=2 * len(SIZES) + 1, rate=0.0)
        rings = []
        for size in SIZES:
            for loop in (True, False):
                with _Playing(databases, policy, start) as (product, service):
                    rings.append(_ring(product, service, start, size, loop, seed))
                progress.advance(task)
        with _Playing(databases, policy, start) as (_, service):
            touched = _good(service, start, good, seed)
        progress.advance(task)
    return rings, touched


def show(rings: Sequence[Contained], good: Touched, report: Report) -> bool:
    """Print what it came to; returns whether good accounts were touched as rarely as is aimed at."""
    report.table(
        "From the first complaint to containment",
        ("accounts of the ring", "loop", "seconds", "spam recipients"),
        [(f"{row.size}", "on" if row.loop else "off", _seconds(row.seconds), f"{row.recipients:,}") for row in rings],
        note="Seconds until every account of the ring is paused or out of the tier allow; the clock goes on in steps "
        f"of 3 seconds. Recipients: granted to the ring in the day after the first complaint. {percent(_ANGRY)} of "
        "recipients complain, after ten minutes on average.",
    )
    share = good.touched / good.accounts if good.accounts else 0.0
    low, high = interval(good.touched, good.accounts)
    report.table(
        "Good accounts with one angry recipient",
        ("accounts", "touched", "of these in the first 50 recipients", "share", "95 % interval"),
        [
            (
                f"{good.accounts}", f"{good.touched}", f"{good.first}", percent(share),
                f"{percent(low)} to {percent(high)}",
            )
        ],
        note="Touched: tier lowered or paused. Any recipient is as likely to complain as any other, so large senders "
        "have the one complaint more often.",
    )  # fmt: skip
    holds = share < AIM
    report.line(f"{'PASS' if holds else 'MISSED'}: under {percent(AIM)} of good accounts are touched by one complaint")
    return holds


class _Playing:
    """A service of its own, and how its product talks to it."""

    def __init__(self, databases: tuple[Path, Path | None], policy: Path, start: float) -> None:
        self._scratch = tempfile.TemporaryDirectory(prefix="riskapi-feedback-")
        settings = _SETTINGS | {"RISKAPI_POLICY_FILE": str(policy.absolute())}
        self._service, self._start = Service(Path(self._scratch.name), databases, settings), start

    def __enter__(self) -> tuple[Product, Service]:
        service = self._service.__enter__()
        return Product(service, self._start - 60 * DAY), service

    def __exit__(self, *error: Any) -> None:
        self._service.__exit__(None, None, None)
        self._scratch.cleanup()


def _ring(product: Product, service: Service, start: float, size: int, loop: bool, seed: int) -> Contained:
    """A ring on one device and one card, that sends from an hour after its signups on."""
    draw = Random(f"{seed}:{size}")
    names = [f"ring-{number}" for number in range(size)]
    for number, name in enumerate(names):
        body = _signup(name, number) | {
            "device": {"id": "dev-ring", "ip_address": f"198.19.{number // 250}.{number % 250 + 1}"}
        }
        service.post("/v1/signups", body, start + number * 20)
    begun = product.await_worker(start + size * 20) + HOUR
    complaints: list[tuple[float, int, str]] = []
    first: float | None = None
    seconds: float | None = None
    granted = told = looks = 0
    held: set[str] = set()
    due = [(begun + draw.random() * _SOON, name) for name in names]
    heapq.heapify(due)
    while due and due[0][0] < (first or begun) + _WATCHED:
        at, name = heapq.heappop(due)
        while complaints and complaints[0][0] <= at:
            when, told, angry = heapq.heappop(complaints)
            first = first or when
            if loop:
                _complain(service, angry, told, when)
                if seconds is None and looks < _LOOKS:
                    looks += 1
                    now = product.await_worker(when)
                    if all(_is_held(service, each, now) for each in names):
                        seconds = now - first
        body = {"recipients": _MANY, "partial": True}
        grant = service.post(f"/v1/accounts/{name}/sends", body, at)
        got = grant["granted"]
        (held.add if grant["tier"] != "allow" or grant.get("denied_by") == "paused" else held.discard)(name)
        if first is None and len(held) == size:
            return Contained(size, loop, 0.0, 0)
        if first is not None:
            granted += got
            seconds = at - first if seconds is None and len(held) == size else seconds
        for _ in range(got):
            if draw.random() < _ANGRY:
                told += 1
                heapq.heappush(complaints, (at + draw.expovariate(1 / _DELAY), told, name))
        heapq.heappush(due, (at + (_SOON if at < begun + HOUR else _LATER), name))
    return Contained(size, loop, seconds, granted)


def _good(service: Service, start: float, count: int, seed: int) -> Touched:
    """Good accounts that have nothing to do with each other; one recipient of each complains."""
    draw = Random(f"{seed}:good")
    touched = early = accounts = 0
    # Any recipient is as likely as any other: accounts with one complaint are drawn by what they send, which moves the
    # mean of a log-normal distribution by the square of its spread.
    volumes = [math.exp(math.log(_MEDIAN) + _SPREAD**2 + draw.gauss(0, _SPREAD)) for _ in range(count)]
    for number, volume in enumerate(volumes):
        name = f"good-{number}"
        service.post("/v1/signups", _signup(name, number), start + number)
        wanted = max(1, round(volume / _DAYS))
        angry, sent = draw.random() * wanted * _DAYS, 0
        for day in range(_DAYS):
            at = start + (day + 1) * DAY + number
            body = {"recipients": wanted, "partial": True}
            sent += service.post(f"/v1/accounts/{name}/sends", body, at)["granted"]
            if sent > angry or day == _DAYS - 1:
                break
        if sent == 0 or _is_held(service, name, at):
            continue  # what signed up as somebody to look at is not what is measured
        accounts += 1
        _complain(service, name, number, at + HOUR)
        held = _is_held(service, name, at + 2 * HOUR)
        touched += held
        early += held and sent <= 50
    return Touched(accounts, touched, early)


def _signup(name: str, number: int) -> dict[str, Any]:
    address = f"{name}@{name}.example"
    ip = f"198.18.{number // 250}.{number % 250 + 1}"  # for tests of networks (RFC 2544)
    device = {"id": f"dev-{name}", "ip_address": ip}
    return {"account": {"user_id": name}, "email": {"address": address}, "device": device}


def _complain(service: Service, name: str, number: int, at: float) -> None:
    event = {"id": f"{name}-{number}", "type": "complaint", "user_id": name, "recipient": f"bo@r{number % 7}.example"}
    service.post("/v1/feedback", {"events": [event]}, at)


def _is_held(service: Service, name: str, at: float) -> bool:
    """Whether an account is paused, or out of the tier ``allow``."""
    found = service.get(f"/v1/accounts/{name}", at)
    return found["tier"] != "allow" or bool(found.get("paused"))


def _seconds(seconds: float | None) -> str:
    return "never" if seconds is None else f"≤ {seconds:,.0f}" if seconds else "before it"
