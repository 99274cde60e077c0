"""The trial: what strangers do to customers, what rings get, and what crowds lose, each with services of its own."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from random import Random
from threading import Event
from typing import Literal, NamedTuple, get_args

from rich.console import Console
from rich.progress import Progress, TaskID

from training.progress import counting
from training.rings.applicants import Applicants
from training.rings.claims import FRAMINGS, sat_upon
from training.rings.colleagues import alike
from training.rings.crowding import Crowding, Fate, compared
from training.rings.crowds import CROWDS, Crowd
from training.rings.dodging import Dodging
from training.rings.figures import Dodged, Figures, Framed
from training.rings.framing import Setting
from training.rings.households import labels, library
from training.rings.product import Product
from training.rings.rings import OPEN, RINGS, Ring
from training.rings.timetable import Process, Timetable
from training.server import Service, ServiceError
from training.simulator import DAY, Networks, Window, World, simulate

Part = Literal["framing", "dodging", "crowds"]
PARTS: tuple[Part, ...] = get_args(Part)
#: A scenario of framing: it is played from a time on, and adds what it came to.
Scenario = Callable[[Setting, float, list[Framed]], Process]

#: Days by which the product's own accounts are older than anything else: no policy looks at an account for so long.
_BEFORE = 60
#: Days in which others sign up before anything is tried, and days from one scenario or crowd to the next.
_ALONE, _NEXT = 10, 2
#: Days that the longest scenario of framing lasts, and a crowd after its last signup.
_SCENARIO, _CROWD = 60, 3
#: A store that is waited for for long: on a busy machine nothing is decided as if it were away.
_SETTINGS = {"RISKAPI_SERVE_WORKER": "on", "RISKAPI_STORE_TIMEOUT_MS": "20000"}
#: Services that run at the same time: each waits for its worker for about a third of the time.
_AT_ONCE = 3
#: Steps between two lines of progress.
_STEPS = 25


class _Begun(NamedTuple):
    """What a part is played with: a service of its own, at times and with people that no other part has."""

    product: Product
    timetable: Timetable
    applicants: Applicants


#: Fills the timetable; returns the Unix time by which all of it is over.
_Fill = Callable[[_Begun], float]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is tried; ``others`` a day sign up all the while who have nothing to do with anybody, 0 or more."""

    scenarios: Sequence[Scenario]
    rings: Sequence[Ring]
    crowds: Sequence[Crowd]
    others: float = 5.0


PLAN = Plan((*(framing.play for framing in FRAMINGS), library, labels, alike, sat_upon), (*RINGS, *OPEN), CROWDS)


class Trial:
    """Tries a policy. The same arguments give the same people, who do the same at the same times."""

    def __init__(
        self, networks: Networks, databases: tuple[Path, Path | None], policy: Path, start: float, days: int, seed: int
    ) -> None:
        """Rings send for ``days``, 1 to 30; ``start`` is the first day, Unix time."""
        self._networks, self._databases, self._policy = networks, databases, policy
        self._opened, self._start, self._days, self._seed = start, start + _ALONE * DAY, days, seed
        self._stop = Event()

    def run(self, console: Console, parts: Collection[Part] = PARTS, plan: Plan = PLAN) -> Figures:
        """The figures of these parts. Raises :class:`training.server.ServiceError`."""
        framed: list[list[Framed]] = [[] for _ in plan.scenarios]
        dodged: list[list[Dodged]] = [[] for _ in plan.rings]
        together: dict[str, Fate] = {}
        apart: dict[str, Fate] = {}
        fills: list[tuple[Part, str, _Fill]] = [
            ("dodging", "dodging", lambda begun: self._dodge(begun, plan.rings, dodged)),
            ("framing", "framing", lambda begun: self._frame(begun, plan.scenarios, framed)),
            ("crowds", "crowds", lambda begun: self._crowd(begun, plan.crowds, together, True)),
            ("crowds", "the same apart", lambda begun: self._crowd(begun, plan.crowds, apart, False)),
        ]
        with counting(console) as progress, ThreadPoolExecutor(_AT_ONCE) as pool:
            running = [
                pool.submit(self._play, fill, plan.others, progress, progress.add_task(name, total=None, rate=0.0))
                for part, name, fill in fills
                if part in parts
            ]
            try:
                done, _ = wait(running, return_when=FIRST_EXCEPTION)
            finally:
                self._stop.set()
            for future in done:
                future.result()
        crowds = compared(plan.crowds, together, apart) if "crowds" in parts else []
        return Figures([row for rows in framed for row in rows], [row for rows in dodged for row in rows], crowds)

    def _play(self, fill: _Fill, others: float, progress: Progress, task: TaskID) -> None:
        """Play one part to a service of its own."""
        settings = _SETTINGS | {"RISKAPI_POLICY_FILE": str(self._policy.absolute())}
        with (
            tempfile.TemporaryDirectory(prefix="riskapi-rings-") as scratch,
            Service(Path(scratch), self._databases, settings) as service,
        ):
            product, timetable = Product(service, self._opened - _BEFORE * DAY), Timetable()
            end = fill(_Begun(product, timetable, Applicants(self._networks)))
            timetable.add(self._others(product, others, end))
            began, steps = time.monotonic(), 0
            progress.update(task, total=int((end - self._opened) / DAY))

            def tell(now: float) -> None:
                nonlocal steps
                steps += 1
                if self._stop.is_set():
                    raise ServiceError("stopped, because another part of the trial was")
                if not steps % _STEPS:
                    rate = steps / (time.monotonic() - began)
                    progress.update(task, completed=int((min(now, end) - self._opened) / DAY), rate=rate)

            timetable.run(tell)
            progress.update(task, completed=int((end - self._opened) / DAY))

    def _others(self, product: Product, daily: float, end: float) -> Process:
        """Honest people sign up: rings and crowds do not come to an empty product."""
        days = (end - self._opened) / DAY
        events = simulate(World(self._networks, Window(self._opened, days)), int(daily * days), self._seed)
        for event in events:
            if event.truth == "legitimate":
                yield event.at
                product.enter(event.signup, event.at)

    def _frame(self, begun: _Begun, scenarios: Sequence[Scenario], found: Sequence[list[Framed]]) -> float:
        start = self._start
        for number, (scenario, rows) in enumerate(zip(scenarios, found, strict=True), 1):
            setting = Setting(*begun, Random(f"{self._seed}:framing:{number}"), f"f{number:02d}")
            begun.timetable.add(scenario(setting, start, rows))
            start += _NEXT * DAY
        return start + _SCENARIO * DAY

    def _dodge(self, begun: _Begun, rings: Sequence[Ring], found: Sequence[list[Dodged]]) -> float:
        dodging = Dodging(*begun, self._days, self._seed)
        start = self._start + max((ring.age for ring in rings), default=0.0) * DAY
        for number, (ring, rows) in enumerate(zip(rings, found, strict=True), 1):
            begun.timetable.add(dodging.play(ring, f"r{number:02d}", start, rows))
            start += dodging.slot
        return start + dodging.slot

    def _crowd(self, begun: _Begun, crowds: Sequence[Crowd], found: dict[str, Fate], together: bool) -> float:
        crowding = Crowding(*begun, self._seed, together)
        start = end = self._start
        for number, crowd in enumerate(crowds, 1):
            begun.timetable.add(crowding.play(crowd, f"c{number:02d}", start, found))
            end = max(end, start + (crowd.days + _CROWD) * DAY)
            start += _NEXT * DAY
        return end
