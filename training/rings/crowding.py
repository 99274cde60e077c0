"""What crowds cost honest people: each crowd is played once together, and once as the same people apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from training.rings.accounts import Account
from training.rings.applicants import Applicants
from training.rings.crowds import Crowd
from training.rings.figures import Crowded
from training.rings.product import Product
from training.rings.timetable import Process, Timetable
from training.simulator.timeline import DAY, HOUR

#: Share of its own caps that an account asks for in a day, in three asks an hour apart: a busy day leaves that much.
_NEED, _ASKS = 0.6, 3
#: Seconds from a signup to the first ask, and from one ask to the next: an hour, and the minute in which caps count it.
_FIRST, _APART = 600.0, HOUR + 120
#: Seconds from the first to the last of those who send on the same day.
_TOGETHER = 600.0


@dataclass(slots=True)
class Fate:
    """What became of a crowd: its accounts that were ever found ``stopped``, with why, and those granted ``short``."""

    stopped: dict[str, str] = field(default_factory=dict)
    short: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Crowding:
    """Plays crowds, ``together`` or apart. Names of accounts are the same in both."""

    product: Product
    timetable: Timetable
    applicants: Applicants
    seed: int
    together: bool

    def play(self, crowd: Crowd, prefix: str, start: float, found: dict[str, Fate]) -> Process:
        """A crowd that signs up from ``start`` on. Its people send on that day, and all on one day later."""
        random = Random(f"{self.seed}:{crowd.name}")
        times = sorted(start + random.random() * crowd.days * DAY for _ in range(crowd.size))
        fate = found[crowd.name] = Fate()
        people = crowd.make(self.applicants, random, times, self.together)
        accounts: list[Account] = []
        for person in people:
            user_id = f"{prefix}-{len(accounts):03d}"
            referrer = accounts[0].user_id if person.referred else None
            template = f"template-{prefix}" if person.template else None
            accounts.append(
                Account(user_id, person.draft, (self.applicants.site(person.draft, user_id),), template, referrer)
            )
        yield times[0]
        for account in accounts:
            self.timetable.add(self._open(account, fate))
        day = start + (crowd.days + 1) * DAY
        yield day
        now = self.product.await_worker(day)
        for place, account in enumerate(accounts):
            self.timetable.add(self._send(account, now + place * _TOGETHER / len(accounts), fate))
        yield day + DAY
        now = self.product.await_worker(day + DAY)
        for account in accounts:
            found_now = self.product.view(account, now)
            self._look(account, found_now["tier"], found_now["latest"], fate)

    def _open(self, account: Account, fate: Fate) -> Process:
        yield account.at
        answer = self.product.join(account)
        self._look(account, answer["decision"], answer, fate)
        yield from self._ask(account, answer["limits"], account.at + _FIRST, fate)

    def _send(self, account: Account, at: float, fate: Fate) -> Process:
        yield at
        found = self.product.view(account, at)
        self._look(account, found["tier"], found["latest"], fate)
        yield from self._ask(account, found["limits"], at, fate)

    def _ask(self, account: Account, caps: Mapping[str, int], at: float, fate: Fate) -> Process:
        """Ask for what a day needs, as its own caps are at the beginning; apart, nobody is in anybody's way."""
        if not self.together:
            return
        need = int(_NEED * caps["daily"] / _ASKS)
        for turn in range(_ASKS):
            yield at + turn * _APART
            if self.product.ask(account, need, at + turn * _APART)["granted"] < need:
                fate.short.add(account.user_id)

    def _look(self, account: Account, tier: str, assessment: Mapping[str, Any], fate: Fate) -> None:
        if tier != "allow":
            by = assessment["disposition"]
            why = f"{tier} by {by['rule'] or by['source']} at {assessment['risk_score']:.0f}"
            if by["source"] == "model":
                why += f" ({', '.join(reason['code'] for reason in assessment['reasons'][:3])})"
            fate.stopped.setdefault(account.user_id, why)


def compared(crowds: Sequence[Crowd], together: Mapping[str, Fate], apart: Mapping[str, Fate]) -> list[Crowded]:
    """What became of each crowd beside what became of the same people apart."""
    found = []
    for crowd in crowds:
        fate, alone = together[crowd.name], apart[crowd.name]
        blamed = [f"{name}: {why}" for name, why in sorted(fate.stopped.items()) if name not in alone.stopped]
        found.append(Crowded(crowd.name, crowd.size, sorted(fate.stopped), blamed, sorted(fate.short), crowd.judged))
    return found
