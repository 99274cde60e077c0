"""What the script of touches (``store/lua/entity_touch.lua``) is told of a signup's entities, and in which order."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

from riskapi.links import kinds
from riskapi.links.kinds import CLOSE, COUNTED, KINDS, Sharing, Touch
from riskapi.links.waves import asks_of_crowd
from riskapi.policy import Policy
from riskapi.times import DAY
from signals.facts import Entity
from signals.records import record

#: Accounts an entity remembers, and up to a twentieth more, so that many are forgotten at once. 2,000 give an abuse
#: rate a standard error of at most 1.1 points.
KEEP = 2000
#: The most accounts that are counted of an entity.
MOST = KEEP * 21 // 20
#: How the numbers are packed that a touch is told with: eight bytes each, the lowest first, as the script reads them;
#: those of an entity have four.
_AT, _FIXED, OF_ENTITY = struct.Struct("<d"), struct.Struct("<5d"), 4
#: Kinds that most share, then those that crowds share: the script looks for sorted sets in this order until it has all.
_CROWDS = ("service", "tld", "asn", "mail_domain", "pattern", "behavior", "stem", "network", "device", "ip")
_ORDER = (*_CROWDS, *(kind for kind in (*KINDS, *COUNTED, *CLOSE) if kind not in _CROWDS))
_PLACES = {kind: place for place, kind in enumerate(_ORDER)}
#: Sorts of touches that are kept; more would be those of somebody who tries them all.
_MOST_KNOWN = 1024


@record
class TouchSort:
    """What the script is asked of touches of one sort: the ``order`` in which it is given their kinds, the limit of
    each (:func:`riskapi.links.kinds.crowd_limit`), packed, and the letters that tell it who can hold each.

    ``kinds`` is for reading what it says. It tells of each kind, in the order of the touch: where that stands, what the
    policy says of sharing it, whether it is a crowd's by nature, whether families and firms share it, and what it is
    where nobody else ever touched it (:func:`alone`).
    """

    order: tuple[str, ...]
    crowds: bytes
    sorts: str
    kinds: tuple[tuple[str, int, Sharing | None, bool, bool, Entity | None], ...]


@record
class TouchRules:
    """What a policy makes of touches, worked out once for all signups under it.

    ``fixed`` are the numbers of ``ARGV[5]`` from the second to the sixth, packed. ``crowds`` are the limits
    (:func:`riskapi.links.kinds.crowd_limit`) of each kind; ``hosting`` the same for those that come from a hosting
    network. ``sorts`` are the letters that tell the script of each kind who can hold it, and who of a crowd is told.
    ``sharings`` are what it says of sharing each kind.
    ``known`` are the sorts of touches that were asked about, for :func:`asked_of`.
    """

    policy: Policy
    fixed: bytes
    crowds: Mapping[str, int]
    hosting: Mapping[str, int]
    sorts: Mapping[str, str]
    sharings: Mapping[str, Sharing | None]
    known: dict[Any, TouchSort] = field(default_factory=dict)


def told(policy: Policy) -> TouchRules:
    """What a policy makes of touches."""
    fixed = _FIXED.pack(
        policy.retention.entities_days * DAY,
        KEEP,
        policy.waves.near_minutes * 60,
        policy.waves.past_days * DAY,
        policy.customers.days * DAY,
    )
    return TouchRules(
        policy,
        fixed,
        {kind: kinds.crowd_limit(kind, policy) for kind in _ORDER},
        {kind: kinds.crowd_limit(kind, policy, hosting=True) for kind in _ORDER},
        {kind: _sort(kind, policy) for kind in _ORDER},
        {kind: kinds.sharing(kind, policy) for kind in _ORDER},
    )


def _sort(kind: str, policy: Policy) -> str:
    """The letter of a kind in ``sorts`` of the script."""
    if kinds.is_holdable(kind, policy):
        return "o"
    rule = kinds.sharing(kind, policy)
    if rule is None or rule.strength != "weak" or kind == "referrer":  # who vouches for many binds them all
        return "-"
    # Once a crowd shares a weak thing, only waves still need to know who came close.
    return "-" if asks_of_crowd(kind, rule.hub_over, MOST) else "f"


def asked_of(touch: Touch, rules: TouchRules) -> TouchSort:
    """What the script is asked of a touch. To work it out takes 20,000 instructions, and most touches are of few sorts:
    it is worked out once for all of the same kinds.
    """
    sort = tuple(touch.keys), touch.hubs, touch.shared, touch.proved, touch.hosting
    found = rules.known.get(sort)
    if found is None:
        if len(rules.known) >= _MOST_KNOWN:
            rules.known.clear()
        order = tuple(sorted(touch.keys, key=_PLACES.__getitem__))
        limits, letters = rules.hosting if touch.hosting else rules.crowds, _letters(touch, rules.sorts)
        found = rules.known[sort] = TouchSort(
            order,
            packed_crowds([limits[kind] for kind in order]),
            "".join([letters[kind] for kind in order]),
            tuple(_kind(kind, order, touch, rules) for kind in touch.keys),
        )
    return found


def _kind(kind: str, order: Sequence[str], touch: Touch, rules: TouchRules) -> tuple[Any, ...]:
    rule, crowd, family = rules.sharings[kind], kind in touch.hubs, kind in touch.shared
    return kind, order.index(kind), rule, crowd, family, alone(kind, rules.policy, rule, crowd=crowd, family=family)


def alone(
    kind: str, policy: Policy, rule: Sharing | None, *, crowd: bool = False, family: bool = False
) -> Entity | None:
    """A thing that nobody else ever touched, as :func:`riskapi.links.kinds.entity` makes it, but without a key:
    whatever is done with the key of a thing is about those who share it. One stands for all that are alike, as for six
    of ten that a signup touches. None for a site, of which it is asked whose own it is.
    """
    if kind == "site":
        return None
    # Whose it is and when it came say nothing of a thing that nobody shares.
    return kinds.entity(kind, "", 0.0, kinds.ALONE, policy, rule, crowd=crowd, family=family)


def _letters(touch: Touch, sorts: Mapping[str, str]) -> Mapping[str, str]:
    """The letters of the kinds in a touch, by those which its policy gives them."""
    found = dict(sorts)
    for kind in touch.hubs:
        if found[kind] != "o":
            found[kind] = "c"
    for kind in touch.proved:
        if found[kind] == "o":
            found[kind] = "p"
    return found


def packed_crowds(limits: Sequence[int]) -> bytes:
    """The limits of entities as the script takes them, :data:`OF_ENTITY` bytes each."""
    return struct.pack(f"<{len(limits)}i", *limits)


def numbers(at: float, rules: TouchRules, crowds: bytes) -> bytes:
    """What the script is told in numbers of a touch at Unix time ``at``, whose entities have these limits."""
    return _AT.pack(at) + rules.fixed + crowds
