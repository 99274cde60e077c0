"""Waves: accounts that come close in time and agree in more than chance explains. Pure.

One thing that strangers share says little; two of different *families* within a quarter of an hour say much: an address
and a mail domain, a name with rising numbers and a form that no hand filled. What accounts share is summed over
families (union on hard links, then summed soft ones, as in arXiv 2512.19061), from those who came last to each thing,
which the one trip to the store tells anyway. Arrivals on one line that are faster than people are a family of their
own.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from operator import neg
from typing import Any

import orjson

from riskapi.links.kinds import Touch, is_automatic
from riskapi.policy import Policy
from riskapi.policy.tables import Pace
from riskapi.store import damaged
from riskapi.times import DAY
from signals.facts import Entity, Facts, Recent, Wave
from signals.records import record

#: The family of each kind of thing: an address and its network say the same, and so do a number and its block. An
#: address is either at a domain of its own or of a make. What binds by itself (a device, a card) needs no second thing.
FAMILIES: Mapping[str, str] = {
    "ip": "network",
    "network": "network",
    "asn": "network",
    "stem": "mail",
    "mail_domain": "domain",
    "phone": "phone",
    "phone_block": "phone",
    "behavior": "behavior",
    "fingerprint": "agent",
}
#: What a class and a firm have in common: a place, or a domain, and the computers that somebody set up for all.
_COMMON = ({"network", "agent"}, {"domain", "agent"})
#: A platform with this many accounts is known well enough to say what is rare there; something is rare up to this share
#: of them.
_KNOWN, _RARE = 500, {"behavior": 0.2, "fingerprint": 0.01}
#: From so many accounts on within ``near_minutes``, with the one that comes, a block of numbers tells of who fills a
#: form by hand: firms with direct dialling and families who buy their cards together have neighbours.
_NUMBERS = 5
#: Seconds in which arrivals on one line, and at one private mail domain, are counted for rules.
_MINUTE, _QUARTER = 60.0, 900.0


@record
class Match:
    """Accounts that a newcomer belongs with, the newest first, and for how many seconds from its arrival on."""

    accounts: tuple[str, ...]
    seconds: float


def matches(facts: Facts, touch: Touch, found: Mapping[str, Entity], policy: Policy) -> tuple[Wave, list[Match]]:
    """With whom a signup came, as a fact and as what is to be bound. ``found`` are all its entities, by kind."""
    rules, domain = policy.waves, found.get("mail_domain")
    near, long = rules.near_minutes * 60.0, rules.hours * 3600.0
    everybodys = domain is None or "mail_domain" in touch.hubs or _has_past(domain, policy)
    rates = Wave(
        line_minute=_count(found.get("ip"), "ip" in touch.hubs, touch.at - _MINUTE),
        domain_quarter=_count(domain, everybodys, touch.at - _QUARTER),
    )
    if rules.mode == "off" or not any([thing.recent.names for thing in found.values()]):
        return rates, []
    telling = [
        (family, thing)
        for kind, family in FAMILIES.items()
        if (thing := found.get(kind)) is not None
        and thing.recent.names
        and _tells(kind, thing, facts, touch, found, policy)
    ]
    came: dict[str, set[str]] = {}
    if len({family for family, _ in telling}) > 1:
        for family, thing in telling:
            came.setdefault(family, set()).update(_since(thing.recent, touch.at - near))
    shared = _in_several(came)
    alike = [name for name, families in shared.items() if families not in _COMMON]
    if alike:
        arrived: dict[str, float] = {}
        for _, thing in telling:
            arrived.update(zip(*thing.recent, strict=True))
        alike.sort(key=lambda name: (arrived[name], name), reverse=True)
    told = [Match(tuple(alike), long)] if alike else []
    families = {family for name in alike for family in shared[name]}
    quick: set[str] = set()
    for kind in ("ip", "network"):
        thing = found.get(kind)
        if thing is None or not thing.recent.names or kind in touch.hubs:
            continue
        # Neighbours of a home are homes of others, so for a network only the longest pace counts, unless it is a
        # host's.
        paces = rules.quick if kind == "ip" or touch.hosting else rules.quick[-1:]
        # Whoever came at a shorter pace came at a longer one too, and that binds for as long at least.
        for pace in reversed(paces):
            count = _how_many(thing.recent.times, touch.at - pace.seconds)
            # Few people sign up from a host's machines: half as many are telling.
            if count and count + 1 >= (math.ceil(pace.accounts / 2) if touch.hosting else pace.accounts):
                names = thing.recent.names[:count]
                quick.update(names)
                match = Match(names, long if _is_like(pace, rules.quick[-1]) else near)
                if match not in told:  # of a crowd the same are told of a line and of its network
                    told.append(match)
                break
    if not told:
        return rates, []
    if quick:
        families |= {"network", "pace"}
    together = len({*alike, *quick})
    wave = Wave(together, frozenset(families), bool(quick), rates.line_minute, rates.domain_quarter)
    return wave, told if rules.mode == "live" else []


#: Values of a wave that an account keeps; a newer release may keep more.
_PACKED = 5


def packed(wave: Wave) -> bytes:
    """A wave as an account keeps it; :func:`unpacked` reads it."""
    return orjson.dumps([wave.accounts, sorted(wave.families), wave.quick, wave.line_minute, wave.domain_quarter])


def unpacked(stored: bytes | None) -> Wave:
    """The wave that an account came in; one of nobody where it kept none."""
    if stored is None:
        return Wave()
    found = damaged.loads("wave", "?", stored, list[Any]())
    if len(found) < _PACKED:
        return Wave()
    accounts, families, quick, line_minute, domain_quarter = found[:_PACKED]
    return Wave(accounts, frozenset(families), quick, line_minute, domain_quarter)


def asks_of_crowd(kind: str, limit: int, most: int) -> bool:
    """Whether it may matter here who came close to a thing which more than ``limit`` accounts share, of the ``most``
    that are remembered. What counts only while it is rare does not matter with so many.
    """
    return kind in FAMILIES and limit < _RARE.get(kind, 1.0) * most


def _is_like(one: Pace, other: Pace) -> bool:
    """Whether two paces say the same. Comparing whole tables of a policy takes ten times as long."""
    return one.seconds == other.seconds and one.accounts == other.accounts


def _in_several(came: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Those who came and agree in more than one family, with their families."""
    seen: set[str] = set()
    several: set[str] = set()
    for names in came.values():
        several |= seen & names
        seen |= names
    return {name: {family for family, names in came.items() if name in names} for name in several}


def _how_many(times: Sequence[float], since: float) -> int:
    """How many came since a Unix time. They stand with the newest first, so nobody has to be looked at in a crowd."""
    if times and times[-1] >= since:
        return len(times)
    return bisect_right(times, -since, key=neg)


def _since(recent: Recent, since: float) -> tuple[str, ...]:
    return recent.names[: _how_many(recent.times, since)]


def _count(thing: Entity | None, everybodys: bool, since: float) -> int | None:
    return None if thing is None or everybodys else _how_many(thing.recent.times, since) + 1


def _tells(kind: str, thing: Entity, facts: Facts, touch: Touch, found: Mapping[str, Entity], policy: Policy) -> bool:
    """Whether sharing a thing is evidence at all: not where it is everybody's, or has a good past."""
    if kind in touch.hubs or (kind == "asn" and (not touch.hosting or "ip" in touch.hubs)):
        return False
    if kind in _RARE:
        everybody = found.get("service")
        if everybody is None or everybody.accounts < _KNOWN:
            return kind == "behavior"  # which build of which browser is rare nobody can know yet
        return _is_rare(kind, thing, everybody)
    if kind == "mail_domain" and _is_old(facts, policy):
        return False
    if (
        kind == "phone_block"
        and not is_automatic(facts)
        and _how_many(thing.recent.times, touch.at - policy.waves.near_minutes * 60.0) + 1 < _NUMBERS
    ):
        return False
    return kind in ("asn", "stem") or not _has_past(thing, policy)


def _is_rare(kind: str, thing: Entity, everybody: Entity) -> bool:
    """Whether few of those on the platform have a thing in common.

    Forms of the last day that no hand filled are left out, where enough came before: a ring must not make
    common by its number what it is known by. Nearly every new build of a browser is of the last day.
    """
    lately = thing.accounts_24h if kind == "behavior" else 0
    if everybody.accounts - lately < _KNOWN:
        lately = 0
    return thing.accounts - lately <= _RARE[kind] * (everybody.accounts - lately)


def _has_past(thing: Entity, policy: Policy) -> bool:
    """Whether some were here days before, nobody bad among them, and no more come now than were there: a firm."""
    rules = policy.waves
    good = thing.past >= rules.past_accounts and not thing.abusive and not thing.limited
    return good and thing.accounts_1h <= 2 * thing.past


def _is_old(facts: Facts, policy: Policy) -> bool:
    """Whether a registry said that the mail domain has long been somebody's."""
    registered = facts.registration.registered_at if facts.registration is not None else None
    return registered is not None and facts.at - registered > policy.waves.domain_days * DAY
