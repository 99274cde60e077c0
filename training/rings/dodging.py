"""What rings get past clusters: each is played after accounts of its kind that are alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from training.rings.accounts import Account
from training.rings.applicants import Applicants
from training.rings.customers import live
from training.rings.figures import Dodged, times
from training.rings.product import Product
from training.rings.rings import Member, Ring
from training.rings.timetable import Process, Timetable
from training.simulator.timeline import DAY, HOUR

#: Minutes after a ring begins by which the worker is done with what came before: a second is enough for it.
_KEPT_UP = (1, 10, 59, 180, 1500, 2940)
#: Accounts alone, and seconds between them: the best of them is what one account gets.
_ALONE, _APART = 5, 5 * HOUR


@dataclass(frozen=True, slots=True)
class Dodging:
    """Plays one ring after another; they send for ``days``."""

    product: Product
    timetable: Timetable
    applicants: Applicants
    days: int
    seed: int

    @property
    def slot(self) -> float:
        """Seconds from one ring to the next: those alone of the next come while this one sends."""
        return (self.days + 1) * DAY

    def play(self, ring: Ring, prefix: str, start: float, found: list[Dodged]) -> Process:
        """Accounts alone from ``start`` on, then the ring."""
        begin = start + self.slot
        lone = [self._members(ring, 1, f"{prefix}-alone{number}", start + number * _APART) for number in range(_ALONE)]
        members = self._members(ring, ring.size, prefix, begin)
        yield min(account.at for _, account in (*members, *(each[0] for each in lone)))
        for number, group in enumerate(lone):
            self._send(group, start + number * _APART)
        self._send(members, begin)
        self.timetable.add(self.product.keep_up(begin + minutes * 60 for minutes in _KEPT_UP))
        end = begin + self.days * DAY
        yield end
        accounts = [account for _, account in members]
        hour, days = (self._multiple(accounts, lone, start, begin, span) for span in (HOUR, self.days * DAY))
        found.append(Dodged(ring.name, ring.size, hour, days, ring.judged))

    def _members(self, ring: Ring, size: int, prefix: str, begin: float) -> list[tuple[Member, Account]]:
        # By its name and not by its place, so that another ring beside it changes nothing.
        random = Random(f"{self.seed}:{ring.name}:{prefix.partition('-')[2]}")
        times = [begin - ring.age * DAY + place * ring.gap for place in range(size)]
        found = []
        for number, member in enumerate(ring.make(self.applicants, random, times)):
            user_id = f"{prefix}-{number:03d}"
            found.append((member, Account(user_id, member.draft, member.links or (f"{user_id}.example",))))
        return found

    def _send(self, members: Sequence[tuple[Member, Account]], begin: float) -> None:
        for member, account in members:
            self.timetable.add(self._ask(member, account, begin))

    def _ask(self, member: Member, account: Account, begin: float) -> Process:
        """Sign up, and ask for all there is from then on, or from ``begin`` on where that is later."""
        if member.clean:
            yield from live(self.product, account)
        else:
            yield account.at
            self.product.join(account)
        start = max(account.at + 1, begin)
        if member.decoy:
            yield start
            self.product.ask(account, 1, start)
        else:
            yield from self.product.spend(account, start, begin + self.days * DAY)

    def _multiple(
        self, ring: Sequence[Account], lone: Sequence[Sequence[tuple[Member, Account]]], start: float, begin: float,
        span: float,
    ) -> float:  # fmt: skip
        got = sum(account.got(begin, begin + span) for account in ring)
        one = max(
            account.got(first, first + span)
            for number, group in enumerate(lone)
            for first in (start + number * _APART,)
            for _, account in group
        )
        return times(got, one)
