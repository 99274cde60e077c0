"""When things happen: arrivals by the local clock, bursts, and labels that come late or never."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from zoneinfo import ZoneInfo

HOUR = 3_600.0
DAY = 86_400.0

#: Share of signups by local hour (our choice: office hours with an evening shoulder) and by weekday from Monday.
_HOURS = (2, 1, 1, 1, 1, 2, 4, 8, 14, 18, 19, 18, 15, 16, 18, 17, 16, 14, 12, 12, 12, 11, 8, 4)
_WEEKDAYS = (20, 21, 20, 19, 17, 9, 10)


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@dataclass(frozen=True, slots=True)
class Window:
    """The simulated time: from ``start`` (Unix seconds) for ``days``."""

    start: float
    days: float

    @property
    def end(self) -> float:
        """Unix time at which the simulation stops."""
        return self.start + self.days * DAY

    def holds(self, at: float) -> bool:
        """Whether a time lies inside."""
        return self.start <= at < self.end

    def moment(self, random: Random, zone: str) -> float:
        """A time people in that zone sign up: more by day than by night, more in the week than at the weekend."""
        while True:
            day = int(random.random() * self.days)
            midnight = datetime.fromtimestamp(self.start + day * DAY, UTC).date()
            if random.random() * max(_WEEKDAYS) > _WEEKDAYS[midnight.weekday()]:
                continue
            hour = random.choices(range(24), _HOURS)[0]
            local = datetime(midnight.year, midnight.month, midnight.day, hour, tzinfo=_zone(zone))
            at = (local + timedelta(seconds=random.random() * HOUR)).timestamp()
            if self.holds(at):
                return at

    def anytime(self, random: Random, before: float = 0.0) -> float:
        """Any time from ``before`` seconds ahead of the start until the end.

        What lasts that long may thus be under way when the simulation starts and when it stops: otherwise the
        last weeks, on which models are tested, would hold less of it than the others.
        """
        return self.start - before + random.random() * (self.days * DAY + before)


def burst(random: Random, start: float, count: int, mean_gap: float) -> list[float]:
    """``count`` times from ``start`` on, with exponential gaps of that mean in seconds."""
    times = [start]
    for _ in range(count - 1):
        times.append(times[-1] + random.expovariate(1 / mean_gap))
    return times


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the operator comes to believe: the label posted (or ``None``), when, and the final ``outcome``."""

    label: str | None
    label_at: float | None
    outcome: str


def basis(random: Random, truth: str, at: float) -> Verdict:
    """Late, partial and partly wrong labels, as operators have them.

    Of the abusers 60 % are found within 0.5 to 10 days, 1.5 % are cleared by mistake and 5 % are never believed to
    be abuse; of the people 4 % are looked at and cleared, 0.3 % are taken for abusers, and 0.8 % end up on the wrong
    side. All of these are our own assumptions: together 1 to 2 % of the outcomes are wrong.
    """
    roll, slip = random.random(), random.random()
    if truth == "abuse":
        outcome = "legitimate" if slip < 0.05 else "abuse"
        if roll < 0.60:
            return Verdict("abuse", at + random.triangular(0.5, 10.0, 2.0) * DAY, outcome)
        if roll < 0.615:
            return Verdict("legitimate", at + random.uniform(0.2, 3.0) * DAY, outcome)
        return Verdict(None, None, outcome)
    outcome = "abuse" if slip < 0.008 else "legitimate"
    if roll < 0.04:
        return Verdict("legitimate", at + random.uniform(0.2, 3.0) * DAY, outcome)
    if roll < 0.043:
        return Verdict("abuse", at + random.uniform(0.5, 10.0) * DAY, outcome)
    return Verdict(None, None, outcome)
