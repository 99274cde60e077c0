"""Scenarios of framing: strangers claim what belongs to customers, and are found out or not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from random import Random

from training.rings.accounts import Account
from training.rings.customers import NEW_ASKS, Pair, comparable, live, losses, measure
from training.rings.figures import Framed
from training.rings.framing import ATTACK, Dress, Setting, multiple
from training.rings.product import Product
from training.rings.timetable import Process
from training.simulator.devices import device_id
from training.simulator.mailboxes import alias
from training.simulator.signups import Draft
from training.simulator.timeline import DAY, HOUR

#: Accounts of an attacker who is after one customer.
_EACH = 4
#: Minutes after the attack by which the worker is done with what came before: a second is enough for it.
_KEPT_UP = (5, 10, 20, 40, 58, 118, 240)
#: New customers whose numbers were typed before they came.
_NEW = 4
#: Seconds from the attack to what is done about it, and to the day after it, when nothing that was spent counts.
_VERDICT, _AFTER = 2 * HOUR, 26 * HOUR

Teams = list[list[Account]]
#: What is done about the attackers, at a time.
Verdict = Callable[[Product, Teams, float], None]


@dataclass(frozen=True, slots=True)
class Attack:
    """A way to claim what is others'. ``size`` customers are attacked; the service knows ``told`` of them as proved."""

    size: int
    dress: Callable[[Setting], Dress]
    teams: Callable[[Setting, Sequence[Pair], float], Teams]
    told: float = 1.0


@dataclass(frozen=True, slots=True)
class Framing:
    """Attacks on established customers. Without a ``verdict`` they are measured on that day, with one on the next."""

    name: str
    attacks: Sequence[Attack]
    verdict: Verdict | None = None

    def play(self, setting: Setting, start: float, found: list[Framed]) -> Process:
        """Customers live for three weeks from ``start`` on, are attacked, and mail."""
        pairs = [setting.pairs(start, each.size, each.dress(setting), told=each.told) for each in self.attacks]
        at = start + ATTACK
        yield at
        victims: list[Pair] = []
        teams: Teams = []
        for attack, drawn in zip(self.attacks, pairs, strict=True):
            ready = setting.ready(drawn, attack.size, at)
            teams += attack.teams(setting, ready, at) if ready else []
            victims += ready
        setting.timetable.add(setting.product.keep_up(at + minutes * 60 for minutes in _KEPT_UP))
        lone, begin = setting.lone(at), at + HOUR
        if self.verdict is not None:
            yield at + _VERDICT
            self.verdict(setting.product, teams, at + _VERDICT)
            setting.product.await_worker(at + _VERDICT)
            begin = at + _AFTER
        yield from measure(setting.product, victims, begin)
        yield begin + DAY
        now = setting.product.await_worker(begin + DAY)
        lost = losses(setting.product, victims, now)
        found.append(Framed(self.name, len(victims), lost, multiple(teams, lone, at)))


def _with_number(setting: Setting) -> Dress:
    return setting.applicants.phone


def _at_gmail(setting: Setting) -> Dress:
    return setting.applicants.gmail


def _with_firm(setting: Setting) -> Dress:
    """Every second has a firm, whose domain is in its mail; the others link to a site that is not their mailbox's."""

    def dress(random: Random, draft: Draft) -> None:
        if random.random() < 0.5:
            setting.applicants.employ(random, draft, setting.applicants.domain(random, draft.country))

    return dress


def _typed(setting: Setting, victims: Sequence[Pair], at: float) -> Teams:
    """Some accounts for each customer, all with that customer's number."""
    teams = []
    for victim in victims:
        drafts = setting.people(at, _EACH)
        for draft in drafts:
            draft.phone = victim.customer.draft.phone
        teams.append(setting.team(drafts, at))
    return teams


def _spelled(setting: Setting, victims: Sequence[Pair], at: float) -> Teams:
    """Some accounts for each customer, all with that customer's mailbox in other spellings."""
    teams = []
    for victim in victims:
        local, _, domain = victim.customer.draft.address.partition("@")
        drafts, spelled = setting.people(at, _EACH), {victim.customer.draft.address}
        for draft in drafts:
            draft.address = next(each for _ in count() if (each := alias(setting.random, local, domain)) not in spelled)
            spelled.add(draft.address)
        teams.append(setting.team(drafts, at))
    return teams


def _collected(setting: Setting, victims: Sequence[Pair], at: float) -> Teams:
    """One device, and on it an account for each customer, with that customer's number."""
    device = device_id(setting.random)
    drafts = setting.people(at, len(victims))
    for draft, victim in zip(drafts, victims, strict=True):
        draft.device, draft.phone = device, victim.customer.draft.phone
    return [setting.team(drafts, at)]


def _caught(setting: Setting, victims: Sequence[Pair], at: float) -> Teams:
    """The same, and the first account fills in a field that people cannot see: a reviewer looks at it."""
    teams = _collected(setting, victims, at)
    teams[0][0].draft.behavior = teams[0][0].draft.behavior | {"honeypot_filled": True}
    return teams


def _named(setting: Setting, victims: Sequence[Pair], at: float) -> Teams:
    """Some accounts whose first message, for one recipient, links to every customer's site."""
    sites = [site for victim in victims for site in victim.customer.links]
    return [setting.team(setting.people(at, _EACH), at, {"link_domains": sites})]


def _labelled(product: Product, teams: Teams, at: float) -> None:
    for team in teams:
        for account in team:
            product.label(account, "abuse", at)


def _convicted(product: Product, teams: Teams, at: float) -> None:
    for team in teams:
        product.convict(team[0], at)


_TYPED = Attack(4, _with_number, _typed, told=0.5)
_SPELLED = Attack(4, _at_gmail, _spelled, told=0.5)
_COLLECTED = Attack(10, _with_number, _collected, told=0.5)

#: The service was told of the proofs of half of those attacked in these ways; the others have only used it for long.
FRAMINGS = (
    Framing("a customer's number typed", (_TYPED,)),
    Framing("a customer's Gmail spelled otherwise", (_SPELLED,)),
    Framing("ten customers' numbers on one device", (_COLLECTED,)),
    Framing("50 customers' sites in one message", (Attack(50, _with_firm, _named),)),
    Framing("the attackers of 1 to 3 labelled abuse", (_TYPED, _SPELLED, _COLLECTED), _labelled),
    Framing("an attacker's cluster decided: abuse", (Attack(20, _with_number, _caught),), _convicted),
)


def sat_upon(setting: Setting, start: float, found: list[Framed]) -> Process:
    """Strangers type numbers and spend; an hour later the owner of each signs up and proves it is theirs."""
    yield start
    people = setting.people(start + HOUR, _NEW)
    pairs = [replace(setting.pair(draft), asks=NEW_ASKS) for draft in people]
    teams = _typed(setting, pairs, start)
    lone = setting.lone(start)
    for pair in pairs:
        for account in pair.both:
            setting.timetable.add(live(setting.product, account, mails=()))
    setting.timetable.add(setting.product.keep_up(start + minutes * 60 for minutes in _KEPT_UP))
    begin = max(pair.twin.at for pair in pairs) + HOUR
    yield begin
    pairs = comparable(setting.product, pairs, begin)
    yield from measure(setting.product, pairs, begin)
    yield begin + DAY
    now = setting.product.await_worker(begin + DAY)
    lost = losses(setting.product, pairs, now)
    found.append(Framed("a number typed before its owner came", len(pairs), lost, multiple(teams, lone, start)))
