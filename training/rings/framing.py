"""What strangers can do to customers: what every scenario of it is played with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from training.rings.accounts import Account
from training.rings.applicants import Applicants
from training.rings.customers import HISTORY, USUAL, Pair, live
from training.rings.figures import times
from training.rings.product import Product
from training.rings.timetable import Process, Timetable
from training.simulator.signups import Draft
from training.simulator.timeline import DAY, HOUR

#: Seconds from the first customer's signup to the attack: all have their history by then.
ATTACK = HISTORY + DAY
#: Seconds between two customers' signups, between a customer's and its twin's, and between two attackers'.
_NEXT, _TWIN, _ATTACKER = 1200.0, 2 * HOUR, 120.0
#: Attackers who have nothing in common with anybody: the best of them is what one account gets.
_LONE = 3
#: One more customer is drawn for so many, in place of those whom the service does not let in or lets in otherwise than
#: a twin.
_SPARE = 6

#: Changes what a person signs up with.
Dress = Callable[[Random, Draft], None]


@dataclass(slots=True)
class Setting:
    """What a scenario is played with. ``prefix`` begins the names of its accounts, which no other scenario has."""

    product: Product
    timetable: Timetable
    applicants: Applicants
    random: Random
    prefix: str
    _count: int = field(default=0)

    def account(self, draft: Draft) -> Account:
        """An account with a name of its own."""
        self._count += 1
        user_id = f"{self.prefix}-{self._count:03d}"
        return Account(user_id, draft, (self.applicants.site(draft, user_id),))

    def pair(self, draft: Draft) -> Pair:
        """A person and a twin of theirs."""
        return Pair(self.account(draft), self.account(self.applicants.twin(self.random, draft, _TWIN)))

    def pairs(self, start: float, size: int, dress: Dress, *, told: float = 1.0) -> list[Pair]:
        """Customers and their twins, who sign up from ``start`` on and live; some more than ``size``.

        ``told`` is the share of them whose proofs the service is told of, 0 to 1.
        """
        found = []
        for number in range(size + 1 + size // _SPARE):
            draft = self.applicants.person(self.random, start + number * _NEXT)
            dress(self.random, draft)
            pair = self.pair(draft)
            for account in pair.both:
                proved = (number + 1) * told // 1 > number * told // 1
                self.timetable.add(live(self.product, account, proved=proved, usual=USUAL))
            found.append(pair)
        return found

    def ready(self, pairs: Sequence[Pair], size: int, at: float) -> list[Pair]:
        """The first ``size`` customers who are let in and may send as much as their twins before anything happens."""
        return [pair for pair in pairs if self._is_ready(pair, at)][:size]

    def _is_ready(self, pair: Pair, at: float) -> bool:
        ours, theirs = (self.product.view(account, at) for account in pair.both)
        same = all(ours["limits"][window] == theirs["limits"][window] for window in ("hourly", "daily", "monthly"))
        return ours["tier"] == theirs["tier"] == "allow" and same

    def people(self, at: float, count: int) -> list[Draft]:
        """Ordinary people with a number each, who sign up one after another from that time on."""
        found = [self.applicants.person(self.random, at + number * _ATTACKER) for number in range(count)]
        for draft in found:
            self.applicants.phone(self.random, draft)
        return found

    def team(self, drafts: Sequence[Draft], at: float, first: Mapping[str, Any] | None = None) -> list[Account]:
        """One attacker's accounts: they sign up and ask for all there is until a day after ``at``.

        ``first`` is what each says to one recipient before that.
        """
        found = [self.account(draft) for draft in drafts]
        for account in found:
            self.timetable.add(self._attack(account, at + DAY, first))
        return found

    def _attack(self, account: Account, until: float, first: Mapping[str, Any] | None) -> Process:
        yield account.at
        self.product.join(account)
        if first is not None:
            yield account.at + 1
            self.product.ask(account, 1, account.at + 1, account.message(account.at) | dict(first))
        yield from self.product.spend(account, account.at + 2, until)

    def lone(self, at: float) -> list[list[Account]]:
        """Attackers with one account each."""
        return [self.team([draft], at) for draft in self.people(at, _LONE)]


def multiple(teams: Sequence[Sequence[Account]], lone: Sequence[Sequence[Account]], start: float) -> float:
    """What the most successful attacker got within a day of ``start``, over what one account gets."""
    got = [sum(account.got(start, start + DAY) for account in team) for team in teams]
    one = max(account.got(start, start + DAY) for team in lone for account in team)
    return times(max(got, default=0), one)
