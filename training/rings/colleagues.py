"""A scenario of framing without an attacker: what customers have in common in their mail."""

from __future__ import annotations

from training.rings.customers import comparable, live, losses, measure
from training.rings.figures import Framed
from training.rings.framing import ATTACK, Setting
from training.rings.timetable import Process
from training.simulator.timeline import HOUR

#: Customers who kept the template they found, and colleagues at one firm.
_STRANGERS, _COLLEAGUES = 6, 40
#: Seconds from one signup to the next.
_NEXT = 1800.0


def alike(setting: Setting, start: float, found: list[Framed]) -> Process:
    """Strangers whose mail is made of the product's own template, and colleagues whose mail links to their firm's site.

    The twins have a content and a firm of their own.
    """
    yield start
    pairs = []
    for number in range(_STRANGERS):
        pair = setting.pair(setting.applicants.person(setting.random, start + number * _NEXT))
        pair.customer.template = f"template-{setting.prefix}"
        pairs.append(pair)
    domain = setting.applicants.domain(setting.random)
    for number in range(_COLLEAGUES):
        draft = setting.applicants.person(setting.random, start + number * _NEXT)
        setting.applicants.employ(setting.random, draft, domain)
        pairs.append(setting.pair(draft))
    for pair in pairs:
        for account in pair.both:
            setting.timetable.add(live(setting.product, account))
    begin = start + ATTACK
    yield begin
    pairs = comparable(setting.product, pairs, begin)
    yield from measure(setting.product, pairs, begin)
    now = setting.product.await_worker(begin + 4 * HOUR)
    found.append(Framed("one template; one firm's site", len(pairs), losses(setting.product, pairs, now)))
