"""Customers, each with a twin: the same history with other values, whom nobody attacks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from training.rings.accounts import Account
from training.rings.product import Product
from training.rings.timetable import Process
from training.simulator.timeline import DAY, HOUR

#: Days after the signup on which a customer mails, 12 of the 21 of its history.
MAILS = (1, 2, 4, 6, 7, 9, 11, 13, 14, 16, 18, 20)
HISTORY = 21 * DAY
#: Recipients of each of these days, and what a customer asks for on the day it is measured on, an hour apart. That is
#: all that the first earned step of the shipped policy allows; five times a usual day would be a takeover.
USUAL, ASKS = 300, (400, 400, 200)
#: The same for people who mail little: four of them stay within what a cluster has together.
LITTLE, LITTLE_ASKS = 30, (50, 50, 40)
#: What a new customer asks for: all that the tier allows.
NEW_ASKS = (200, 200, 100)
#: Seconds from the signup to the proof of the mailbox, and from that to the proof of the number.
_PROOF = 90.0
#: Seconds from one ask of a measured day to the next: an hour, and the minute in which caps count it.
_APART = HOUR + 120
_SEVERITY = {"allow": 0, "review": 1, "limit": 2}


@dataclass(slots=True)
class Pair:
    """A customer and its twin. ``asks`` is what both ask for on the day they are measured on, ``got`` what they got."""

    customer: Account
    twin: Account
    asks: Sequence[int] = ASKS
    got: list[int] = field(default_factory=lambda: [0, 0])

    @property
    def both(self) -> tuple[Account, Account]:
        """The customer and the twin."""
        return self.customer, self.twin


def live(
    product: Product, account: Account, *, proved: bool = True, mails: Sequence[int] = MAILS, usual: int = USUAL
) -> Process:
    """Sign up, prove mailbox and number unless not ``proved``, and mail to ``usual`` on each of the days ``mails``."""
    yield account.at
    product.join(account)
    if proved:
        yield account.at + _PROOF
        product.tell(account, "email_verified", account.at + _PROOF)
    if proved and account.draft.phone is not None:
        yield account.at + 2 * _PROOF
        product.tell(account, "phone_verified", account.at + 2 * _PROOF)
    for day in mails:
        yield account.at + day * DAY
        product.ask(account, usual, account.at + day * DAY)


def measure(product: Product, pairs: Sequence[Pair], start: float) -> Process:
    """Have everybody ask for what they ask for, from that time on."""
    for turn in range(max((len(pair.asks) for pair in pairs), default=0)):
        for place, pair in enumerate(pairs):
            at = start + turn * _APART + place
            yield at
            for side, account in enumerate(pair.both if turn < len(pair.asks) else ()):
                pair.got[side] += product.ask(account, pair.asks[turn], at)["granted"]


def comparable(product: Product, pairs: Sequence[Pair], at: float) -> list[Pair]:
    """Those whose twin is allowed then: the others say nothing about what was done to a customer."""
    return [pair for pair in pairs if product.view(pair.twin, at)["tier"] == "allow"]


def losses(product: Product, pairs: Sequence[Pair], at: float) -> list[str]:
    """Who has lost a tier by then, or got less on the day they were measured on, against the twin; and what."""
    found = []
    for pair in pairs:
        tier, twins = (product.view(account, at)["tier"] for account in pair.both)
        got, given = pair.got
        if _SEVERITY[tier] > _SEVERITY[twins] or got < given:
            found.append(f"{pair.customer.user_id}: {tier} for {twins}, {got:,} recipients for {given:,}")
    return found
