"""A simulated month for the console: a store in which every page has something to show.

Signups, sends, what came of the mails, decisions of reviewers, lists and a change of policy are posted to a service in
replay time, up to now.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from heapq import heapify, heappop, heappush
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, Final

from rich.console import Console

from training.progress import counting
from training.server import Service
from training.simulator import Event
from training.simulator.timeline import DAY, HOUR

#: Median and spread (of logarithms) of the recipients that good accounts and abusers ask for at once.
_GOOD, _BAD = (25.0, 0.8), (180.0, 0.7)
#: Times a good account sends, at most, and an abuser; seconds between two of them on average.
_GOOD_SENDS, _BAD_SENDS, _GOOD_GAP, _BAD_GAP = 5, 8, 3 * DAY, 5 * HOUR
#: Of 1,000 recipients, who complain, bounce for good, or lie behind a block: of good accounts and of abusers. Gmail
#: asks senders to stay below 1 complaint in 1,000 (its sender guidelines).
_GOOD_RATES, _BAD_RATES = {"complaint": 0.3, "hard_bounce": 6.0}, {"complaint": 12.0, "hard_bounce": 90.0, "block": 8.0}
#: Share of people that confirm their address, and seconds until then on average.
_VERIFIED, _VERIFYING = 0.8, HOUR
#: Share of reviews that a person decides, seconds until then on average, and the last days whose reviews still wait.
_DECIDED, _DECIDING, _WAITING = 0.9, 3 * HOUR, 1.5 * DAY
#: Accounts of the ring that signs up shortly before the end, in so many seconds.
_RING, _RING_LASTS = 12, 40 * 60.0
#: Reviewers of the sample.
_REVIEWERS = ("ana@riskapi.example", "sam@riskapi.example")
#: What the service needs besides what a replay needs: a worker, for clusters and what feedback brings about.
_SETTINGS: Final = {"RISKAPI_SERVE_WORKER": "on", "RISKAPI_STORE_TIMEOUT_MS": "20000"}


@dataclass(order=True)
class _Due:
    """Something that happens at a time; of two at once, the one thought of first."""

    at: float
    number: int
    do: Callable[[float], object] = field(compare=False)


class Month:
    """What happens in the month, in the order of time, posted to a service."""

    def __init__(self, service: Service, end: float, seed: int) -> None:
        self._service, self._end, self._draw = service, end, Random(f"{seed}:sample")
        self._due: list[_Due] = []
        self._numbers = count()

    def fill(self, events: Sequence[Event], done: Callable[[int, int], None]) -> None:
        """Post everything; ``done`` is told after each how many there were, and how many are known to come."""
        start = min(event.at for event in events)
        for event in events:
            self._plan(event.at, partial(self._join, event))
        for at, do in self._by_people(start):
            self._plan(at, do)
        heapify(self._due)
        posted = 0
        while self._due:
            due = heappop(self._due)
            due.do(due.at)
            posted += 1
            done(posted, posted + len(self._due))

    def _plan(self, at: float, do: Callable[[float], object]) -> None:
        if at < self._end:
            heappush(self._due, _Due(at, next(self._numbers), do))

    def _join(self, event: Event, at: float) -> None:
        """A signup, and what follows from it."""
        draw, name, is_bad = self._draw, event.user_id, event.truth == "abuse"
        answer = self._service.post("/v1/signups", event.signup, at)
        if draw.random() < (0.4 if is_bad else 1.0) * _VERIFIED:
            self._plan(at + draw.expovariate(1 / _VERIFYING), partial(self._tell, name, "email_verified"))
        review = answer["review_id"]
        if review is not None and at < self._end - _WAITING and draw.random() < _DECIDED:
            self._plan(at + draw.expovariate(1 / _DECIDING), partial(self._decide, review, is_bad))
        if event.label is not None and event.label_at is not None:
            label = {"label": event.label, "source": "external"}
            self._plan(event.label_at, partial(self._post, f"/v1/accounts/{name}/labels", label))
        sends, gap = (_BAD_SENDS, _BAD_GAP) if is_bad else (draw.randrange(_GOOD_SENDS + 1), _GOOD_GAP)
        when = at
        for _ in range(sends):
            when += draw.expovariate(1 / gap)
            self._plan(when, partial(self._send, name, is_bad))

    def _tell(self, name: str, kind: str, at: float) -> None:
        self._post(f"/v1/accounts/{name}/events", {"type": kind}, at)

    def _decide(self, review: str, is_bad: bool, at: float) -> None:
        """A reviewer decides, if nobody did for the whole cluster before."""
        if self._service.get(f"/v1/reviews/{review}", at)["status"] not in ("open", "claimed"):
            return
        verdict = ("limit", "abuse") if is_bad else ("allow", "legitimate")
        body = {
            "decision": verdict[0],
            "label": verdict[1],
            "apply_to": "cluster" if is_bad else "account",
            "reason": "spam" if is_bad else "other: a real firm",
            "reviewer": self._draw.choice(_REVIEWERS),
        }
        self._post(f"/v1/reviews/{review}/decide", body, at)

    def _send(self, name: str, is_bad: bool, at: float) -> None:
        """A send, and what comes back of it."""
        draw, (median, spread) = self._draw, _BAD if is_bad else _GOOD
        wanted = max(1, min(2000, round(math.exp(math.log(median) + draw.gauss(0, spread)))))
        grant = self._post(f"/v1/accounts/{name}/sends", {"recipients": wanted, "partial": True}, at)
        got, number = grant["granted"], next(self._numbers)
        rates, events = _BAD_RATES if is_bad else _GOOD_RATES, []
        for recipient in range(got):
            chance, kind = draw.random() * 1000, "delivered"
            for each, rate in rates.items():
                if chance < rate:
                    kind = each
                    break
                chance -= rate
            events.append(
                {
                    "id": f"sample-{number}-{recipient}",
                    "type": kind,
                    "user_id": name,
                    "recipient": f"reader{recipient}@{draw.choice('abcde')}.mail.example",
                    "source": "sample",
                }
            )
        for first in range(0, len(events), 1000):
            part = {"events": events[first : first + 1000]}
            self._plan(at + draw.expovariate(1 / HOUR), partial(self._post, "/v1/feedback", part))

    def _by_people(self, start: float) -> list[tuple[float, Callable[[float], object]]]:
        """What people set in the month, and the ring at its end."""
        deny = {"kind": "email_domain", "value": "agri-deals.example", "reason": "sample: bought lists in June"}
        watch = {"kind": "cidr", "value": "198.51.100.0/24", "reason": "sample: many signups in May"}
        known = {"kind": "email_domain", "value": "partner.example", "reason": "sample: a partner's staff"}
        planned: list[tuple[float, Callable[[float], object]]] = [
            (start + DAY, partial(self._post, "/v1/lists/allow", known)),
            (start + 3 * DAY, partial(self._post, "/v1/lists/watch", watch)),
            (start + 9 * DAY, partial(self._post, "/v1/lists/deny", deny)),
        ]
        for number in range(_RING):
            at = self._end - _RING_LASTS + number * _RING_LASTS / (_RING + 1)
            planned.append((at, partial(self._post, "/v1/signups", _of_ring(number))))
        return planned

    def _post(self, path: str, body: dict[str, Any], at: float) -> dict[str, Any]:
        return self._service.post(path, body, at)


def _of_ring(number: int) -> dict[str, Any]:
    """One of a ring on one device, one address and one domain."""
    name = ("marta", "jo", "ben", "lea", "tom", "ida", "max", "eva", "kai", "uma", "leo", "zoe")[number]
    return {
        "account": {"user_id": f"ring_{number:02}", "name": f"{name.capitalize()} Sample", "plan": "free"},
        "email": {"address": f"{name}@harvest-offers.example"},
        "device": {"id": "device-of-the-ring-0001", "ip_address": "198.51.100.7"},
        "behavior": {"form_fill_ms": 900 + number, "keystrokes": 0 if number < 10 else 60},
    }


def fill(
    events: Sequence[Event], databases: tuple[Path, Path | None], folder: Path, end: float, seed: int, console: Console
) -> None:
    """Fill the store of a data directory with the month before Unix time ``end``. Raises ServiceError."""
    folder.mkdir(parents=True, exist_ok=True)
    with Service(folder, databases, _SETTINGS) as service, counting(console) as progress:
        task = progress.add_task("a simulated month", total=len(events), rate=0.0)

        def told(posted: int, known: int) -> None:
            progress.update(task, completed=posted, total=known, rate=progress.tasks[task].speed or 0.0)

        Month(service, end, seed).fill(events, told)
