"""What a signup shares with accounts that are abusive or limited, and how strongly it is linked at all.

Hubs (carrier NAT, campuses, relays, and what has grown too common) count as no link: 0, not unknown.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import NamedTuple

from signals.facts import Entity, Facts
from signals.records import record
from signals.registry import signal

NEEDS = ("store",)


class _Thing(NamedTuple):
    """What links accounts: ``name`` in the names of signals, its ``kind``, what reasons and what docstrings call it."""

    name: str
    kind: str
    through: str
    signed_up_with: str


_THINGS = (
    _Thing(
        "mailbox",
        "mailbox",
        "the same mailbox",
        "the same mailbox behind aliases (dots, tags, alias domains)",
    ),
    _Thing(
        "pattern",
        "pattern",
        "an address of the same pattern",
        "an address of the same letter and digit skeleton at the same domain; weak alone, telling in bulk",
    ),
    _Thing(
        "domain",
        "mail_domain",
        "the same private mail domain",
        "the same private mail domain; free, relay and disposable domains are hubs",
    ),
    _Thing("phone", "phone", "the same phone number", "the same phone number"),
    _Thing(
        "phone_block",
        "phone_block",
        "a phone number of the same hundred",
        "a number in the same hundred consecutive numbers",
    ),
    _Thing("device", "device", "the same device", "the same device identifier"),
    _Thing("payment", "payment", "the same means of payment", "the same payment fingerprint"),
    _Thing(
        "ip",
        "ip",
        "the same IP address",
        "the same IP address; shared by offices and households, so weak evidence alone",
    ),
    _Thing("network", "network", "the same network", "the same /24 or /48; weak evidence alone"),
    _Thing(
        "fingerprint",
        "fingerprint",
        "the same browser fingerprint",
        "the same TLS fingerprint with the same agent",
    ),
    _Thing("referrer", "referrer", "the same referrer", "the same referring account"),
)
#: Each standing as the names of signals, reasons and docstrings say it, and the attribute of an entity that counts
#: them.
_STANDINGS: tuple[tuple[str, str, str, str], ...] = (
    ("abusive", "labelled abusive", "labelled abusive now", "abusive"),
    ("limited", "under a limit", "limited now", "limited"),
)


_NOBODY = Entity("", 0, 0, 0, 0, 0, 0, False)


def _linking(kind: str) -> Callable[[Facts], Entity | None]:
    """Finds the entity of a kind, one that nobody shares where it is a hub or was not given."""

    def find(facts: Facts) -> Entity | None:
        if facts.entities is None:
            return None
        entity = facts.entities.get(kind)
        return _NOBODY if entity is None or entity.hub else entity

    return find


def _declare(
    thing: _Thing,
    find: Callable[[Facts], Entity | None],
    suffix: str,
    standing: str,
    now: str,
    attribute: str,
) -> None:
    """Declare the signal of how many accounts of a standing share a thing."""
    count = attrgetter(attribute)

    def read(entity: Entity) -> int:
        return int(count(entity))

    read.__name__ = f"links_{thing.name}_{suffix}"
    read.__doc__ = (
        f"Other accounts, {now}, that signed up with {thing.signed_up_with}.\n\nUnit: accounts, 0 and up; typically 0."
    )
    reason = f"{{value}} {{value:account|accounts}} {standing} {{value:is|are}} linked through {thing.through}"
    signal(of=find, reason=reason, risk=+1, attribute=attribute, blameless=0)(read)


for _thing in _THINGS:
    _find = _linking(_thing.kind)
    for _standing in _STANDINGS:
        _declare(_thing, _find, *_standing)


@record
class _Binding:
    """What links this account by itself: no hub, and of a kind that strangers do not share by chance (policy: medium or
    strong). The most of other accounts, of abusive ones, of limited ones and of weight that any one thing has, and the
    weight of all together.
    """

    accounts: int
    abusive: int
    limited: int
    weight_max: float
    weight_total: float


def _binding(facts: Facts) -> _Binding | None:
    """Look once through what links by itself: five signals ask for it."""
    if facts.entities is None:
        return None
    accounts = abusive = limited = 0
    weight_max, unlinked = 0.0, 1.0
    for entity in facts.entities.values():
        if entity.hub or entity.strength == "weak":
            continue
        if entity.accounts > accounts + 1:
            accounts = entity.accounts - 1
        if entity.abusive > abusive:
            abusive = entity.abusive
        if entity.limited > limited:
            limited = entity.limited
        if entity.weight > weight_max:
            weight_max = entity.weight
        unlinked *= 1.0 - entity.weight
    return _Binding(accounts, abusive, limited, weight_max, 1.0 - unlinked)


@signal(
    of=_binding,
    reason="at least {value} {value:account|accounts} labelled abusive {value:is|are} linked to this one",
    risk=+1,
    blameless=0,
)
def links_abusive(binding: _Binding) -> int:
    """Abusive accounts linked through any one entity: the most over the kinds, a lower bound of the distinct number.

    Unit: accounts, 0 and up; typically 0.
    """
    return binding.abusive


@signal(
    of=_binding,
    reason="at least {value} limited {value:account is|accounts are} linked to this one",
    risk=+1,
    blameless=0,
)
def links_limited(binding: _Binding) -> int:
    """Limited accounts linked through any one entity: the most over the kinds, a lower bound of the distinct number.

    Unit: accounts, 0 and up; typically 0.
    """
    return binding.limited


@signal(of=_binding, reason="at least {value} other {value:account is|accounts are} linked to this one", risk=0)
def links_accounts(binding: _Binding) -> int:
    """Other accounts linked through any one entity that is not a hub: the most over the kinds.

    Unit: accounts, 0 and up. Households, offices and agencies share things too, so more is not always riskier.
    """
    return binding.accounts


@signal(
    of=_binding,
    reason="the strongest link to another account has {value:.0%} of the greatest possible strength",
    risk=0,
)
def links_weight_max(binding: _Binding) -> float:
    """Weight of the strongest single link of a medium or strong kind, as ``riskapi.links.kinds.evidence_weight`` has
    it.

    Unit: 0 (no link) to 1 (a strong kind, shared with one other account, just now).
    """
    return binding.weight_max


@signal(
    of=_binding,
    reason="all links to other accounts together have {value:.0%} of the greatest possible strength",
    risk=0,
)
def links_weight_total(binding: _Binding) -> float:
    """Weight of all links of medium or strong kinds as independent evidence: 1 - product of (1 - weight), the noisy-or.

    Unit: 0 to 1.
    """
    return binding.weight_total


def _own(facts: Facts) -> list[Entity] | None:
    """What was given of the things that one person has: device, card, mailbox and number."""
    if facts.entities is None:
        return None
    found = map(facts.entities.get, ("device", "payment", "mailbox", "phone"))
    return [entity for entity in found if entity is not None]


@signal(
    of=_own,
    reason="{value} {value:account|accounts} labelled abusive {value:is|are} linked by proof or observation",
    risk=+1,
    blameless=0,
)
def links_proved_abusive(own: list[Entity]) -> int:
    """Other accounts, labelled abusive now, that are seen or proved to share a device, a card, a mailbox or a number:
    the most through any one of them. What either only claims does not count.

    Unit: accounts, 0 and up; typically 0.
    """
    most = 0
    for entity in own:
        if entity.abusive > most and not entity.hub and entity.standing in ("observed", "proved"):
            most = entity.abusive
    return most


@signal(
    reason="{value} {value:account|accounts} that {value:shares|share} its budget {value:is|are} labelled abusive",
    risk=+1,
    blameless=0,
)
def links_cluster_abusive(facts: Facts) -> int | None:
    """Other accounts of its cluster that are labelled abusive now, whatever binds them: a claim, a wave, what they
    sent.

    Unit: accounts, 0 and up; typically 0.
    """
    return None if facts.cluster is None else facts.cluster.abusive


@signal(
    of=_own,
    reason="it gives {value} {value:thing that somebody else holds|things that somebody else holds}",
    risk=+1,
)
def links_claims_held(own: list[Entity]) -> int:
    """How many of mailbox, number, device and card are held by another account, which proved them to be its own or
    used them for long before this one came.

    Unit: things, 0 to 4; typically 0. A mistyped number is one; so is a new member of a family.
    """
    return sum([entity.standing in ("claimed", "observed") for entity in own if entity.holders])
