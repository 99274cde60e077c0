"""Scenarios of framing: honest people share a machine with somebody who is labelled, rightly or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from training.rings.customers import LITTLE, LITTLE_ASKS, Pair, comparable, live, losses, measure
from training.rings.figures import Framed
from training.rings.framing import Setting
from training.rings.timetable import Process
from training.simulator.devices import browser, device_id
from training.simulator.signups import somewhere
from training.simulator.timeline import DAY, HOUR

#: People at the library, and days from one to the next.
_READERS, _READER_DAYS = 9, 5
#: Households in which somebody is labelled abuse.
_HOUSEHOLDS = 3
#: Days after which a person's word no longer holds against what is found out later, in the shipped policy, and one.
_HOLDS = 31
#: Days after which somebody of a household gets a wrong label, people who sign up there before it is lifted, and days
#: from one of them to the next.
_WRONG, _BETWEEN, _BETWEEN_DAYS = 16, 2, 6


def library(setting: Setting, start: float, found: list[Framed]) -> Process:
    """Nine people sign up over weeks on one machine, one is labelled abuse, and a reviewer cuts the machine for all.

    The figure counts the eight others and the next who comes. The twins have a machine each.
    """
    yield start
    country = somewhere(setting.random)
    labelled_at = start + _READERS * _READER_DAYS * DAY
    times = [*(start + number * _READER_DAYS * DAY for number in range(_READERS)), labelled_at + 2 * HOUR]
    people = [setting.applicants.person(setting.random, at, country) for at in times]
    device, client = device_id(setting.random), browser(setting.random, start, handset=False, family="chrome-windows")
    for draft in people:
        draft.ip, draft.browser, draft.device = people[0].ip, client, device
    pairs = [replace(setting.pair(draft), asks=LITTLE_ASKS) for draft in people]
    for pair in pairs:
        for account in pair.both:
            setting.timetable.add(live(setting.product, account, usual=LITTLE))
    spammer = pairs.pop(_READERS // 2).customer
    yield labelled_at
    setting.product.label(spammer, "abuse", labelled_at)
    now = setting.product.await_worker(labelled_at)
    yield now + HOUR / 2
    setting.product.cut(spammer, "device", now + HOUR / 2)
    setting.product.await_worker(now + HOUR / 2)
    begin = pairs[-1].twin.at + HOUR
    yield begin
    pairs = comparable(setting.product, pairs, begin)
    yield from measure(setting.product, pairs, begin)
    now = setting.product.await_worker(begin + 4 * HOUR)
    found.append(Framed("a library's machine, labelled and cut", len(pairs), losses(setting.product, pairs, now)))


def labels(setting: Setting, start: float, found: list[Framed]) -> Process:
    """Labels of people: "legitimate" after a month, and a wrong "abuse" that is lifted, for whoever came meanwhile."""
    cleared = [_household(setting, start + number * DAY, (0, 1)) for number in range(_HOUSEHOLDS)]
    wronged = _household(
        setting, start + 7 * DAY, (0, *(_WRONG + 1 + _BETWEEN_DAYS * number for number in range(_BETWEEN)))
    )
    yield start
    for household in (*cleared, wronged):
        for pair in household:
            for account in pair.both:
                setting.timetable.add(live(setting.product, account, usual=LITTLE))
    for household in cleared:
        setting.timetable.add(_clear(setting, household))
    at = wronged[0].customer.at + _WRONG * DAY
    yield at
    setting.product.label(wronged[0].customer, "abuse", at)
    setting.product.await_worker(at)
    at += _BETWEEN * _BETWEEN_DAYS * DAY
    yield at
    setting.product.label(wronged[0].customer, "legitimate", at)
    setting.product.await_worker(at)
    pairs = [*wronged, *(household[1] for household in cleared)]
    at = start + (_HOUSEHOLDS + 6 + _HOLDS) * DAY
    yield at
    for household in cleared:
        for account in household[1].both:
            setting.product.tell(account, "login", at)
    begin = setting.product.await_worker(at)
    pairs = comparable(setting.product, pairs, begin)
    yield from measure(setting.product, pairs, begin)
    now = setting.product.await_worker(begin + 4 * HOUR)
    found.append(Framed("labels that wear off or are lifted", len(pairs), losses(setting.product, pairs, now)))


def _household(setting: Setting, start: float, days: Sequence[float]) -> list[Pair]:
    """People who sign up on one machine so many days after ``start``; their twins have one machine as well."""
    country = somewhere(setting.random)
    people = [setting.applicants.person(setting.random, start + day * DAY, country) for day in days]
    pairs = [replace(setting.pair(draft), asks=LITTLE_ASKS) for draft in people]
    for side in range(2):
        device, first = device_id(setting.random), pairs[0].both[side].draft
        for pair in pairs:
            draft = pair.both[side].draft
            draft.device, draft.ip = device, first.ip
    return pairs


def _clear(setting: Setting, household: Sequence[Pair]) -> Process:
    """The first is labelled abuse, and a day later the second legitimate."""
    first, second = household[0].customer, household[1].customer
    at = first.at + 5 * DAY
    yield at
    setting.product.label(first, "abuse", at)
    setting.product.await_worker(at)
    yield at + DAY
    setting.product.label(second, "legitimate", at + DAY)
    setting.product.await_worker(at + DAY)
