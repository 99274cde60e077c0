"""Which triggers of the policy fire on what an account's mail met. Pure.

Rates are compared by the lower end of Wilson's interval (Wilson 1927; Brown, Cai and DasGupta, Statistical Science 16,
2001, section 3), so that two complaints about ten mails are no rate of 20 %. The fast triggers count events instead.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import get_args

from riskapi.feedback.clean_sending import LETTERS
from riskapi.policy.tables import Cause, FeedbackRules, Trigger
from riskapi.times import DAY
from signals.records import record

#: More recipients than any trigger asks for.
_MANY = 10**12
#: What a trigger counts, by its letter.
_CAUSES: Mapping[str, Cause] = {LETTERS[cause]: cause for cause in get_args(Cause)}
#: What the hash of an account has: how many events of each day and type, and ``soiled``.
EventCounts = Mapping[bytes, bytes]
#: How grave an action is.
GRAVITY = {"warn": 0, "tighten": 1, "limit": 2, "pause": 3}


@record
class Met:
    """What an account's, or a cluster's, mail met, by UTC day (days since 1970).

    ``events`` has the voices of each cause and day: how many events each brought. ``sent`` has the recipients granted
    of each day, ``ever`` all that were ever granted as far as that is known, ``accepted`` the days on which somebody
    opened, clicked or accepted.
    """

    events: Mapping[Cause, Mapping[int, Mapping[str, int]]]
    sent: Mapping[int, int]
    ever: int
    accepted: frozenset[int] = frozenset()


def met(events: EventCounts, granted: Mapping[int, int], *, long: bool) -> Met:
    """What the triggers of the policy look at, from the events of an account and the recipients granted of each day.

    Recipients written to are never fewer than were delivered or bounced for good: some mail is sent without a grant.
    ``long``: it was sending before the days that are counted.
    """
    found: dict[Cause, dict[int, dict[str, int]]] = {}
    reported = Counter[int]()
    for name, value in events.items():
        if name.startswith(b"v:"):
            _, day, letter, voice = name.decode().split(":", 3)
            cause = _CAUSES.get(letter)
            if cause is not None:
                found.setdefault(cause, {}).setdefault(int(day), {})[voice] = int(value)
        elif name.endswith((b":d", b":h")):
            reported[int(name[:-2])] += int(value)
    sent = {day: max(granted.get(day, 0), reported[day]) for day in {*granted, *reported}}
    return Met(found, sent, _MANY if long else sum(sent.values()))


def fired(rules: FeedbackRules, met: Met, now: float) -> list[Trigger]:
    """The triggers that fire at Unix time ``now``, live and shadow ones, the gravest first."""
    today = int(now // DAY)
    found = [each for each in rules.triggers if each.mode != "off" and _fires(each, rules, met, today)]
    return sorted(found, key=lambda each: -GRAVITY[each.action])


def acting(found: list[Trigger]) -> list[Trigger]:
    """The live triggers whose actions are done: of each cause the gravest, and of several the first in the policy.

    What one cause did already hides no other.
    """
    causes: dict[Cause, Trigger] = {}
    for each in found:
        if each.mode == "live":
            causes.setdefault(each.of, each)
    return list(causes.values())


def wilson(events: float, of: float, confidence: float) -> float:
    """The lower end of Wilson's interval of a rate, ``confidence`` standard deviations out; 0 of nothing."""
    if of <= 0:
        return 0.0
    rate, square = min(events / of, 1.0), confidence * confidence
    middle = rate + square / (2 * of)
    spread = confidence * math.sqrt(rate * (1 - rate) / of + square / (4 * of * of))
    return max(0.0, (middle - spread) / (1 + square / of))


def _fires(trigger: Trigger, rules: FeedbackRules, met: Met, today: int) -> bool:
    days = range(today - trigger.days + 1, today + 1)
    sent = sum(met.sent.get(day, 0) for day in days)
    if trigger.kind == "silence":
        return met.ever >= trigger.recipients and not met.accepted
    count = weighed(_voices(met, trigger.of, days), rules.voice_share)
    if trigger.kind == "count":
        return count >= trigger.least and (not trigger.among or met.ever <= trigger.among)
    if trigger.kind == "level":
        return sent >= max(trigger.recipients, 1) and wilson(count, sent, rules.confidence) > trigger.rate
    return _is_spike(trigger, rules, met, today)


def _is_spike(trigger: Trigger, rules: FeedbackRules, met: Met, today: int) -> bool:
    """Whether today's rate is for certain above ``factor`` times that of the 29 days before, and no chance."""
    before = range(today - 29, today)
    count = weighed(_voices(met, trigger.of, range(today, today + 1)), rules.voice_share)
    past = sum(sum(met.events.get(trigger.of, {}).get(day, {}).values()) for day in before)
    sent, usual = met.sent.get(today, 0), sum(met.sent.get(day, 0) for day in before)
    # One event more than there were: an account without any is not infinitely better than its past.
    rate = (past + 1) / usual if usual else 1.0
    return count >= trigger.least and wilson(count, max(sent, count), rules.confidence) > trigger.factor * rate


def _voices(met: Met, cause: Cause, days: range) -> Mapping[str, int]:
    found: dict[str, int] = {}
    for day in days:
        for voice, count in met.events.get(cause, {}).get(day, {}).items():
            found[voice] = found.get(voice, 0) + count
    return found


def weighed(voices: Mapping[str, int], share: float) -> int:
    """How many events count where no voice brings more than a ``share`` of all of them, and each at least one."""
    total = sum(voices.values())
    most = max(1, math.ceil(share * total))
    return sum(min(count, most) for count in voices.values())
