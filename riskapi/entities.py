"""What accounts share: the kinds of entities, what a signup touches of them, and what sharing one is worth."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast, get_args

from riskapi.policy import Policy
from riskapi.sections import Kind, Linking
from signals.facts import Entity, Facts, Network
from signals.records import record

#: Kinds that can link accounts, in the order of the answer. Strengths and hub limits are policy.
KINDS: tuple[str, ...] = get_args(Kind)
#: Kinds that are only counted, to learn an abuse rate; they never link anybody.
COUNTED = ("asn", "tld", "service")
_DAY = 86400
#: Fewer accounts than this are no sample of which a share would say anything.
_FEW = 4
#: A network of these kinds stands for many unrelated people behind few addresses (RFC 6888 for carriers).
_SHARED_NETWORKS = frozenset({"mobile", "education", "cdn"})
#: Types of numbers (libphonenumber's) that ring on a desk or in a hall, where families and firms answer them. Most
#: numbers of North America could be either (``fixed_line_or_mobile``) and count as somebody's own. Ours.
_SHARED_PHONES = frozenset({"fixed_line", "toll_free", "shared_cost", "premium_rate", "uan", "voicemail"})
#: What the end of a row would say of an entity without marks of clusters and spending.
_UNMARKED = (0, 0, 0, 0, 0)


@record
class Touch:
    """The entities of one signup: their ``keys`` in the store by kind.

    Kinds that are ``hubs`` by nature bind nobody; what is ``shared`` by families and firms, although people do not
    share its kind by chance, counts as ``medium``. ``desk``: the phone number could be a switchboard's as well.
    """

    user_id: str
    at: float
    keys: Mapping[str, str]
    hubs: frozenset[str]
    shared: frozenset[str] = frozenset()
    desk: bool = False


@record
class Said:
    """What one message says of its sender: the kind and key of each entity, ``link_domain`` before ``content``."""

    user_id: str
    at: float
    keys: tuple[tuple[str, str], ...]


def values(facts: Facts) -> dict[str, str | None]:
    """What a signup shares with whoever gives the same, by kind. What is missing or invalid is ``None``."""
    email, phone, network = facts.email, facts.phone, facts.network
    inside = network is not None and is_inside(network)
    return {
        "mailbox": email.canonical,
        "pattern": email.pattern,
        "mail_domain": email.registrable or email.domain,
        "phone": phone.e164 if phone else None,
        "phone_block": phone.block if phone else None,
        "device": facts.device.id,
        "payment": facts.payment_fingerprint,
        "ip": network.ip if network and not inside else None,
        "network": network.prefix if network and not inside else None,
        "fingerprint": facts.device.fingerprint,
        "referrer": facts.account.referrer_id,
        "asn": str(network.asn) if network and network.asn is not None else None,
        "tld": email.suffix,
        "service": "all",
    }


def is_inside(network: Network) -> bool:
    """Whether an address is from inside (10.0.0.0/8, 100.64.0.0/10, …): a proxy or carrier, everybody's."""
    return network.reserved not in (None, "documentation")


def hubs(facts: Facts) -> Iterator[str]:
    """Kinds that stand for crowds by nature, whatever their count: carrier NAT, campuses, relays, free mail."""
    network = facts.network
    if network is not None and (facts.network_kind in _SHARED_NETWORKS or network.anonymizer is not None):
        yield from ("ip", "network")
    if not facts.email.private:
        yield "mail_domain"
    if facts.email.relay:
        yield "pattern"


def shared(facts: Facts) -> Iterator[str]:
    """Kinds of which this signup gave one that families and firms share: the number of a landline or switchboard."""
    if facts.phone is not None and facts.phone.kind in _SHARED_PHONES:
        yield "phone"


def is_desk(facts: Facts) -> bool:
    """Whether the phone number is of a plan that does not tell a mobile from a landline, as North America's."""
    return facts.phone is not None and facts.phone.kind == "fixed_line_or_mobile"


def is_in_office(found: Mapping[str, Entity], touch: Touch) -> bool:
    """Whether most accounts at the place this one came from do not give its phone number: then it is on a desk there.

    The place is the address, or the private mail domain, where that is no crowd by nature. A ring on one number either
    comes from everywhere, or is most of what comes from its place.
    """
    places = [found[kind].accounts for kind in ("ip", "mail_domain") if kind in found and kind not in touch.hubs]
    return max(places, default=0) > 2 * found["phone"].accounts


def _is_ring(strength: str, accounts: int, abusive: int, limited: int, policy: Policy) -> bool:
    """Whether so many of those who share a thing are bad that they are no crowd and no firm.

    Anybody can sign up with invented addresses at a firm's domain, and be limited for it. So of those who share a
    medium thing more than half must have been labelled abusive.
    """
    if strength == "medium":
        return 2 * abusive > max(accounts, _FEW)
    return strength == "strong" and max(abusive, limited) >= policy.links.ring_share * max(accounts, _FEW)


def overlapping(said: Sequence[Entity]) -> list[Entity]:
    """Entities of a message, where linked domains weigh by how much of what they link to two accounts have in common.

    Of the domains that anybody else links to, the largest part that one other account links to as well. So what nobody
    else uses thins nothing, and a newsletter that links here and there shares little with each of many.
    """
    shared = [found for found in said if found.kind == "link_domain" and found.others]
    weighed = []
    for found in said:
        if found.kind == "link_domain" and found.others:
            most = max(sum(name in other.others for other in shared) for name in found.others)
            found = replace(found, weight=found.weight * most / len(shared))
        weighed.append(found)
    return weighed


def hub_limit(kind: str, policy: Policy) -> int:
    """From how many accounts in 30 days on an entity is a hub; 0: never, -1: it is only counted."""
    return -1 if kind in COUNTED else _rule(kind, policy).hub_over


def _rule(kind: str, policy: Policy) -> Linking:
    return policy.links.kinds[cast("Kind", kind)]


def entity(
    kind: str,
    key: str,
    at: float,
    row: Sequence[Any],
    policy: Policy,
    *,
    crowd: bool = False,
    family: bool = False,
) -> Entity:
    """One entity at Unix time ``at`` from its row in the reply of ``store/lua/entity_touch.lua``.

    ``crowd``: it is a hub by nature; ``family``: it is medium, although its kind is strong.
    """
    accounts, hour, day, month, abusive, limited, others, *marks = row
    if kind in COUNTED:
        return Entity(kind, hour, day, month, accounts, abusive, limited, True, 0.0, "weak", None, (), key)
    rule = _rule(kind, policy)
    strength = "medium" if family and rule.strength == "strong" else rule.strength
    ring = _is_ring(strength, accounts, abusive, limited, policy)
    hub = crowd or (not ring and 0 < rule.hub_over < month)
    weight, names = 0.0, ()
    last_seen = float(others[1]) if others else None
    if last_seen is not None and not hub:
        # Of what people do not share by chance it says nothing how many do, as long as it is no hub.
        among = 2 if ring or strength == "strong" else accounts
        most = policy.links.strengths["strong" if ring else strength]
        weight = evidence_weight(most, among, at - last_seen, policy.links.half_life_days)
        names = tuple([name.decode() for name in others[::2]])
    bound, spent_24h, spent_7d, spent_at, near_7d = marks or _UNMARKED
    return Entity(
        kind, hour, day, month, accounts, abusive, limited, hub, weight, strength, last_seen, names,
        key, bound == 1, spent_24h, spent_7d, float(spent_at) if spent_at else None, near_7d,
    )  # fmt: skip


def neighbours(block: Entity, phone: Entity) -> Entity:
    """A block of numbers without those who share the very number: they are counted as sharing it already.

    All who touched the number touched its block at the same time, so the difference is exact while neither is full.
    """
    others = tuple([name for name in block.others if name not in phone.others])
    return replace(
        block,
        accounts_1h=max(block.accounts_1h - phone.accounts_1h, 0) + 1,
        accounts_24h=max(block.accounts_24h - phone.accounts_24h, 0) + 1,
        accounts_30d=max(block.accounts_30d - phone.accounts_30d, 0) + 1,
        accounts=max(block.accounts - phone.accounts, 0) + 1,
        abusive=max(block.abusive - phone.abusive, 0),
        limited=max(block.limited - phone.limited, 0),
        weight=block.weight if others else 0.0,
        others=others,
        exhausted_24h=max(block.exhausted_24h - phone.exhausted_24h, 0),
        exhausted_7d=max(block.exhausted_7d - phone.exhausted_7d, 0),
        near_7d=max(block.near_7d - phone.near_7d, 0),
    )


def evidence_weight(strength: float, accounts: int, age: float, half_life_days: float) -> float:
    """What sharing one entity is worth, 0 to ``strength``: strength × rarity × decay.

    Rarity is 1 / log2(accounts), the weight Adamic and Adar (2003, "Friends and neighbors on the Web") give a
    shared feature; it is 1 for two accounts, 1/2 for four, 1/8 for 256. Decay halves every ``half_life_days``
    since the newest other account. ``age`` is in seconds; a negative one (clocks differ) counts as none.
    """
    rarity = 1.0 / math.log2(max(accounts, 2))
    return float(strength * rarity * 0.5 ** (max(age, 0.0) / (half_life_days * _DAY)))
