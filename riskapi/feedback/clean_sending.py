"""The rules of clean sending, written here alone: as data, which Python and ``store/lua/feedback_count.lua`` go by.

The script needs them in the step that counts an event, to note the moment at which one stops holding. Each rule says
that there are too many of some events: so many at least, and more than a rate of something. That something is the
largest of a few sums of what was counted. Counts go by the letters of :data:`LETTERS`, and ``sent`` are the recipients
sent to within the window, 0 where that is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TypedDict

import orjson

from riskapi.policy.tables import Clean

#: How often each count is taken in a sum.
Sum = Mapping[str, int]
#: Each type of event as the store writes it.
LETTERS = {
    "delivered": "d",
    "hard_bounce": "h",
    "soft_bounce": "s",
    "complaint": "c",
    "block": "b",
    "unsubscribe": "u",
    "spam_trap": "t",
    "not_spam": "n",
    "not_mine": "m",
    "block_blocklist": "k",
}

#: Recipients that were written to: what was sent, and never fewer than were delivered or bounced for good. Soft bounces
#: and blocks add nothing: one mail that is tried for days brings many (RFC 5321, 4.5.4.1).
ATTEMPTED: tuple[Sum, ...] = ({"sent": 1}, {"d": 1, "h": 1})
#: Recipients whose mail arrived: those reported as delivered, or what was sent and did not come back. The larger of the
#: two, so that nobody's rate jumps because deliveries began to be reported today.
ARRIVED: tuple[Sum, ...] = ({"d": 1}, {"sent": 1, "h": -1, "s": -1, "b": -1})


class CleanSendingRule(TypedDict):
    """There are ``least`` or more of ``count``, and more than ``rate`` of the largest sum of ``of``."""

    name: str
    count: str
    least: int
    rate: float
    of: Sequence[Sum]


@lru_cache(maxsize=8)
def rules(clean: Clean) -> tuple[CleanSendingRule, ...]:
    """The rules by which sending is no longer clean, the gravest first.

    One spam trap is enough: nobody owns the address, so nobody agreed to this mail, and a step is only extra room.
    Soft bounces, blocks and unsubscriptions are no fault: they befall honest senders too. A complaint comes from mail
    that arrived, whether that was reported or not.
    """
    return (
        CleanSendingRule(name="spam_trap", count="t", least=1, rate=0.0, of=({"t": 1},)),
        CleanSendingRule(
            name="complaint_rate",
            count="c",
            least=clean.least_complaints,
            rate=clean.complaint_rate,
            of=(*ARRIVED, {"c": 1}),
        ),
        CleanSendingRule(
            name="hard_bounce_rate",
            count="h",
            least=clean.least_hard_bounces,
            rate=clean.hard_bounce_rate,
            of=ATTEMPTED,
        ),
    )


@lru_cache(maxsize=8)
def as_json(clean: Clean) -> bytes:
    """The rules as the script takes them."""
    return orjson.dumps(rules(clean))


def broken(clean: Clean, counts: Mapping[str, int]) -> str | None:
    """The rule of clean sending that these counts break, None where all hold."""
    for rule in rules(clean):
        count = counts[rule["count"]]
        if count >= rule["least"] and count / largest(rule["of"], counts) > rule["rate"]:
            return rule["name"]
    return None


def largest(sums: Sequence[Sum], counts: Mapping[str, int]) -> int:
    """The largest of some sums of counts, 0 where none is more."""
    return max(0, *(sum(times * counts[name] for name, times in each.items()) for each in sums))
