"""How the accounts linked to this one spend their sending caps: used up one after the other, or never quite.

An abuser whose accounts have caps opens the next when one is used up, or keeps many just under their caps. Operators of
free tiers name both as the clearest marks of evasion; there is no page to cite, so directions and bounds are ours.
Counted in the store by :mod:`riskapi.links.entities`. Accounts seen through several things are the same ones seen
several times, so counts are the most through any one thing, a lower bound of the distinct number. Hubs count as no
link: 0.
"""

from __future__ import annotations

from signals.facts import Entity, Facts
from signals.records import record
from signals.registry import signal

#: Hours after which nobody asks any more: 30 days, the longest that caps look back.
_LONG_AGO = 720.0
#: A share of fewer accounts than this, the one signing up included, says nothing.
_SOME = 3


@record
class _Linked:
    """What is known of the accounts linked to this one at all, however weakly: the most through any one thing.

    ``strong_7d`` is ``exhausted_7d`` through what is not weak. ``hours_since`` are hours since the last of them ran
    out, 720 where none did. ``closest`` is the thing of most weight that three or more share.
    """

    exhausted_24h: int
    exhausted_7d: int
    strong_7d: int
    near_7d: int
    hours_since: float
    closest: Entity | None


def _linked(facts: Facts) -> _Linked | None:
    """Look once through everything shared that is not a hub: seven signals ask for it."""
    if facts.entities is None:
        return None
    exhausted_24h = exhausted_7d = strong_7d = near_7d = 0
    exhausted_at = closest = None
    for entity in facts.entities.values():
        if entity.hub:
            continue
        if entity.exhausted_24h > exhausted_24h:
            exhausted_24h = entity.exhausted_24h
        if entity.exhausted_7d > exhausted_7d:
            exhausted_7d = entity.exhausted_7d
        if entity.exhausted_7d > strong_7d and entity.strength != "weak":
            strong_7d = entity.exhausted_7d
        if entity.near_7d > near_7d:
            near_7d = entity.near_7d
        if entity.exhausted_at is not None and (exhausted_at is None or entity.exhausted_at > exhausted_at):
            exhausted_at = entity.exhausted_at
        if entity.accounts >= _SOME and (closest is None or _is_closer(entity, closest)):
            closest = entity
    hours = _LONG_AGO if exhausted_at is None else min(max(facts.at - exhausted_at, 0.0) / 3600, _LONG_AGO)
    return _Linked(exhausted_24h, exhausted_7d, strong_7d, near_7d, hours, closest)


def _is_closer(entity: Entity, than: Entity) -> bool:
    """Whether an entity has more weight than another, or as much with fewer accounts."""
    return (entity.weight, -entity.accounts) > (than.weight, -than.accounts)


def _ran_out(period: str, how: str = "") -> str:
    return f"at least {{value}} {{value:account|accounts}}{how} linked to this one ran out of a cap within {period}"


@signal(of=_linked, reason=_ran_out("24 hours"), risk=+1, needs="store", blameless=0)
def sending_exhausted_linked_24h(linked: _Linked) -> int:
    """Other accounts that ran out of a sending cap within 24 hours and share anything with this one, even a network.

    Unit: accounts, 0 and up; typically 0. Weak alone: the newest customer of a busy office did nothing.
    """
    return linked.exhausted_24h


@signal(of=_linked, reason=_ran_out("7 days"), risk=+1, needs="store", blameless=0)
def sending_exhausted_linked_7d(linked: _Linked) -> int:
    """Other accounts that ran out of a sending cap within 7 days and share anything with this one, even a network.

    Unit: accounts, 0 and up; typically 0. Weak alone: the newest customer of a busy office did nothing.
    """
    return linked.exhausted_7d


@signal(of=_linked, reason=_ran_out("7 days", " closely"), risk=+1, needs="store", blameless=0)
def sending_exhausted_linked_strong_7d(linked: _Linked) -> int:
    """Other accounts that ran out of a sending cap within 7 days and share something with this one that strangers do
    not share by chance (policy: medium or strong kinds).

    Unit: accounts, 0 and up; typically 0.
    """
    return linked.strong_7d


@signal(
    of=_linked,
    reason="it is about {value:.0f} {value:hour|hours} since a linked account ran out of a cap (720: none did)",
    risk=-1,
    needs="store",
    blameless=_LONG_AGO,
)
def sending_hours_since_exhausted(linked: _Linked) -> float:
    """Hours since an account that shares anything with this one last ran out of a sending cap: the less, the likelier
    this account is its successor.

    Unit: hours, 0 to 720; 720 when there was none within 30 days, which is typical.
    """
    return linked.hours_since


@signal(
    of=_linked,
    reason="{value:.0%} of the accounts closest to this one ran out of a cap within 7 days",
    risk=+1,
    needs="store",
    blameless=0,
)
def sending_neighbourhood_exhausted_share(linked: _Linked) -> float:
    """Share of the accounts closest to this one that ran out of a sending cap within 7 days: a neighbourhood used up
    one after the other. The closest are those who share the thing of most weight that three or more share.

    Unit: 0 to 1; 0 when nothing is shared by three; typically 0.
    """
    found = linked.closest
    return 0.0 if found is None else min(found.exhausted_7d / (found.accounts - 1), 1.0)


@signal(
    of=_linked,
    reason="at least {value} {value:account|accounts} linked to this one stopped just under a cap within 7 days",
    risk=+1,
    needs="store",
    blameless=0,
)
def sending_near_cap_linked_7d(linked: _Linked) -> int:
    """Other accounts that came near a sending cap within 7 days (policy: ``sends.near_share``), never ran out in the
    week before or since, and share anything with this one.

    Unit: accounts, 0 and up; typically 0.
    """
    return linked.near_7d


@signal(
    of=_linked,
    reason="{value:.0%} of the accounts closest to this one stopped just under a cap within 7 days",
    risk=+1,
    needs="store",
    blameless=0,
)
def sending_near_cap_share(linked: _Linked) -> float:
    """Share of the accounts closest to this one that came near a sending cap within 7 days and did not run out: many
    accounts that each stop just under a cap know it. The closest are those who share the thing of most weight that
    three or more share.

    Unit: 0 to 1; 0 when nothing is shared by three; typically 0.
    """
    found = linked.closest
    return 0.0 if found is None else min(found.near_7d / (found.accounts - 1), 1.0)
