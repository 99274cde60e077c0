"""What the script of touches (``store/lua/entity_touch.lua``) is told of a signup's entities, and in which order."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

from riskapi.links import kinds
from riskapi.links.kinds import CLOSE, COUNTED, KINDS, Sharing, Touch
from riskapi.links.waves import asks_of_crowd
from riskapi.policy import Policy
from signals.records import record

#: Accounts an entity remembers, and up to a twentieth more, so that many are forgotten at once. 2,000 give an abuse
#: rate a standard error of at most 1.1 points.
KEEP = 2000
#: The most accounts that are counted of an entity.
MOST = KEEP * 21 // 20
_DAY = 86400
#: The numbers that a touch is told with: eight bytes each, the lowest first, as the script reads them.
_NUMBERS = struct.Struct("<6d")
#: Kinds that most share, in the order in which the script looks for those it knows as sorted sets.
_CROWDS = ("service", "tld", "asn", "mail_domain", "pattern", "behavior", "stem")
_ORDER = (*_CROWDS, *(kind for kind in (*KINDS, *COUNTED, *CLOSE) if kind not in _CROWDS))
_PLACES = {kind: place for place, kind in enumerate(_ORDER)}


@record
class Told:
    """What a policy makes of touches, worked out once for all signups under it.

    ``fixed`` are the numbers of ``ARGV[5]`` but for the first, in its order. ``crowds`` are the limits
    (:func:`riskapi.links.kinds.crowd_limit`) of each kind; ``hosting`` the same for those that come from a hosting
    network. ``sorts`` are the letters that tell the script of each kind who can hold it, and who of a crowd is told.
    ``sharings`` are what it says of sharing each kind.
    """

    policy: Policy
    fixed: tuple[float, ...]
    crowds: Mapping[str, int]
    hosting: Mapping[str, int]
    sorts: Mapping[str, str]
    sharings: Mapping[str, Sharing | None]


def told(policy: Policy) -> Told:
    """What a policy makes of touches."""
    fixed = (
        policy.retention.entities_days * _DAY,
        KEEP,
        policy.waves.near_minutes * 60,
        policy.waves.past_days * _DAY,
        policy.customers.days * _DAY,
    )
    return Told(
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
    # Of what is weak nothing more is made once a crowd shares it, but for waves.
    return "-" if asks_of_crowd(kind, rule.hub_over, MOST) else "f"


def sorts_in(touch: Touch, sorts: Mapping[str, str]) -> Mapping[str, str]:
    """The letters of the kinds in a touch, by those which its policy gives them."""
    found = dict(sorts)
    for kind in touch.hubs:
        if found[kind] != "o":
            found[kind] = "c"
    for kind in touch.proved:
        if found[kind] == "o":
            found[kind] = "p"
    return found


def numbers(at: float, rules: Told, crowds: Sequence[int]) -> tuple[bytes, bytes]:
    """What the script is told in numbers of a touch at Unix time ``at``, whose entities have these limits."""
    return _NUMBERS.pack(at, *rules.fixed), struct.pack(f"<{len(crowds)}i", *crowds)


def in_order(touch: Touch) -> list[str]:
    """The kinds of a touch in the order in which the script is given them."""
    return sorted(touch.keys, key=_PLACES.__getitem__)
