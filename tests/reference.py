"""The rules of budgets and clusters in plain Python, worked out anew for every question: what the store is held to.

No store, no scripts, no shortcuts. A spend counts against a window until the whole grain it lies in has left it.
Accounts that are bound belong together, and so does what they spent.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.belonging import Belonging

#: Seconds of each window and of its grain, as the API states them.
WINDOWS = {"hourly": (3600, 60), "daily": (86_400, 900), "monthly": (2_592_000, 21_600)}
MONTH = 2_592_000
Caps = tuple[int, int, int]


@dataclass
class Spend:
    """Recipients granted to an account at a time, and how many of them were given back."""

    user: str
    at: float
    granted: int
    released: int = 0

    @property
    def net(self) -> int:
        return self.granted - self.released

    def leaves(self, window: str) -> float:
        """When it no longer counts against a window."""
        seconds, grain = WINDOWS[window]
        return (math.floor(self.at / grain) + 1) * grain + seconds


@dataclass(frozen=True)
class Answer:
    """What a request for a grant is answered."""

    granted: int
    denied: int
    denied_by: str | None
    retry_after: int | None
    remaining: dict[str, int]


class Limit(NamedTuple):
    """One cap in the way of an account: whose, over which window, how much, and the spends that count."""

    name: str
    window: str
    cap: int
    spends: list[Spend]

    def spent(self, at: float) -> int:
        return sum(spend.net for spend in self.spends if spend.leaves(self.window) > at)

    def free_at(self, need: int, now: float) -> float:
        """The earliest time from ``now`` on at which ``need`` more fit; infinite where they never do."""
        times = [now, *sorted(spend.leaves(self.window) for spend in self.spends if spend.leaves(self.window) > now)]
        return next((time for time in times if self.spent(time) + need <= self.cap), math.inf)


@dataclass
class Reference:
    """Accounts with their caps, what was granted to them, and who belongs together."""

    factor: float = 1.5
    caps: dict[str, Caps] = field(default_factory=dict)
    spends: list[Spend] = field(default_factory=list)
    belonging: Belonging = field(default_factory=Belonging)
    _seen: dict[str, float] = field(default_factory=dict)
    _clocks: dict[frozenset[str], float] = field(default_factory=dict)

    # Who belongs together

    def group(self, user: str) -> frozenset[str]:
        """The account and all that hang together with it."""
        return self.belonging.group(user)

    def clusters(self) -> set[frozenset[str]]:
        """Groups of two accounts or more."""
        return {group for user in self.caps if len(group := self.group(user)) > 1}

    def changed(self, users: Iterable[str], now: float) -> None:
        """The groups of these accounts are not what they were, or were bound anew: they have seen this time."""
        touched, clocks = set(users), {}
        for group in self.clusters():
            clock = self._clocks.get(group)
            if clock is None or group & touched:
                before = [at for old, at in self._clocks.items() if old & group]
                clock = max(now, *before, *(self._seen.get(user, 0.0) for user in group))
            clocks[group] = clock
        self._clocks = clocks

    # Time, which never runs backwards for who belongs together

    def clock(self, user: str) -> float:
        """The latest time the account, or its group, has seen."""
        return max(self._seen.get(user, 0.0), self._clocks.get(self.group(user), 0.0))

    def _go_on(self, user: str, now: float) -> float:
        at = max(now, self.clock(user))
        self._seen[user] = at
        if (group := self.group(user)) in self._clocks:
            self._clocks[group] = at
        return at

    # Spending

    def limits(self, user: str) -> list[Limit]:
        """Every cap the account has to keep to: its own first, then those of its group, all of whom have the same."""
        group, caps = self.group(user), dict(zip(WINDOWS, self.caps[user], strict=True))
        own = [spend for spend in self.spends if spend.user == user]
        ours = [spend for spend in self.spends if spend.user in group]
        found = [Limit(f"account_{window}", window, cap, own) for window, cap in caps.items()]
        if len(group) > 1:
            factor = self.factor_of(user)
            found += [Limit(f"cluster_{name}", name, int(cap * factor), ours) for name, cap in caps.items()]
        return found

    def factor_of(self, user: str) -> float:
        """How many times an account's caps its group may send: once, where somebody else holds what binds it."""
        return 1.0 if self.belonging.claims(user) else self.factor

    def send(self, user: str, recipients: int, now: float, *, partial: bool = True) -> tuple[Answer, Spend]:
        """Grant recipients: as many as every cap leaves, or without ``partial`` all or none. Who is bound no longer by
        then has left.
        """
        self.changed(self.belonging.lapse(now, self.group(user)), now)
        at = self._go_on(user, now)
        limits = self.limits(user)
        rooms = {limit.name: limit.cap - limit.spent(at) for limit in limits}
        room = max(min(rooms.values()), 0)
        granted = recipients if recipients <= room else room if partial else 0
        spend = Spend(user, at, granted)
        self.spends.append(spend)
        limits = self.limits(user)
        denied, denied_by, retry_after = recipients - granted, None, None
        if denied:
            need = max(min(denied, *(limit.cap for limit in limits)), 1) if partial else denied
            free = {limit.name: limit.free_at(need, at) for limit in limits}
            short = [limit.name for limit in limits if rooms[limit.name] < recipients]
            # Of what is too small the one that frees last; of several, the one with the least room, then the first.
            denied_by = min(short, key=lambda name: (-free[name] if free[name] > at else 0.0, rooms[name]))
            longest = max(free.values())
            retry_after = max(math.ceil(longest - now), 1) if longest < math.inf else None
        return Answer(granted, denied, denied_by, retry_after, self.remaining(user, now)), spend

    def release(self, spend: Spend, recipients: int, now: float) -> int | None:
        """Give back recipients, each at most once; where there are not as many, how many there are."""
        if recipients > spend.net:
            return spend.net
        self._go_on(spend.user, now)
        spend.released += recipients
        return None

    def remaining(self, user: str, now: float) -> dict[str, int]:
        """What every cap leaves, by window."""
        at = max(now, self.clock(user))
        rooms = [(limit.window, max(limit.cap - limit.spent(at), 0)) for limit in self.limits(user)]
        return {window: min(room for name, room in rooms if name == window) for window in WINDOWS}

    def granted_within(self, users: Iterable[str], seconds: float, at: float) -> int:
        """What accounts were granted, net, in the seconds up to a time: the plain sum, without any grain."""
        names = set(users)
        return sum(spend.net for spend in self.spends if spend.user in names and at - seconds < spend.at <= at)
