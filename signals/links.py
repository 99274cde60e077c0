"""What a signup shares with accounts that are abusive or limited, and how strongly it is linked at all.

Hubs (carrier NAT, campuses, relays, and what has grown too common) count as no link: 0, not unknown.
"""

from __future__ import annotations

from typing import Literal

from signals.facts import Entity, Facts
from signals.registry import signal

NEEDS = ("store",)


def _linked(standing: str, thing: str) -> str:
    return f"{{value}} {{value:account|accounts}} {standing} {{value:is|are}} linked through {thing}"


def _sharing(facts: Facts, kind: str, standing: Literal["abusive", "limited"]) -> int | None:
    """Other accounts of that standing that share the entity of a kind; none where it is a hub or was not given."""
    if facts.entities is None:
        return None
    entity = facts.entities.get(kind)
    if entity is None or entity.hub:
        return 0
    return entity.abusive if standing == "abusive" else entity.limited


def _binding(facts: Facts) -> list[Entity] | None:
    """What links by itself: no hub, and of a kind that strangers do not share by chance (policy: medium or strong)."""
    if facts.entities is None:
        return None
    return [entity for entity in facts.entities.values() if not entity.hub and entity.strength != "weak"]


@signal(reason=_linked("labelled abusive", "the same mailbox"), risk=+1)
def links_mailbox_abusive(facts: Facts) -> int | None:
    """Other accounts, labelled abusive now, that signed up with the same mailbox behind aliases (dots, tags, alias
    domains).

    Unit: accounts, 0 and up; typically 0.
    """
    return _sharing(facts, "mailbox", "abusive")


@signal(reason=_linked("under a limit", "the same mailbox"), risk=+1)
def links_mailbox_limited(facts: Facts) -> int | None:
    """Other accounts, limited now, that signed up with the same mailbox behind aliases (dots, tags, alias domains).

    Unit: accounts, 0 and up; typically 0.
    """
    return _sharing(facts, "mailbox", "limited")


@signal(reason=_linked("labelled abusive", "an address of the same pattern"), risk=+1)
def links_pattern_abusive(facts: Facts) -> int | None:
    """Other accounts, labelled abusive now, that signed up with an address of the same letter and digit skeleton at
    the same domain; weak alone, telling in bulk.

    Unit: accounts, 0 and up; typically 0.
    """
    return _sharing(facts, "pattern", "abusive")


@signal(reason=_linked("under a limit", "an address of the same pattern"), risk=+1)
def links_pattern_limited(facts: Facts) -> int | None:
    """Other accounts, limited now, that signed up with an address of the same letter and digit skeleton at the same
    domain; weak alone, telling in bulk.

    Unit: accounts, 0 and up; typically 0.
    """
    return _sharing(facts, "pattern", "limited")


@signal(reason=_linked("labelled abusive", "the same private mail domain"), risk=+1)
def links_domain_abusive(facts: Facts) -> int | None:
    """Other accounts, labelled abusive now, that signed up with the same private mail domain; free, relay and
    disposable domains are hubs.

    Unit: accounts, 0 and up; typically 0.
    """
    return _sharing(facts, "mail_domain", "abusive")


@signal(reason=_linked("under a limit", "the same private mail domain"), risk=+1)
def links_domain_limited(facts: Facts) -> int | None:
    """Other accounts, limited now, that signed up with the same private mail domain; free, relay and disposable
    domains are hubs.

    Unit: accounts, 0 and up; typically 0.
    """
    return _sharing(facts, "mail_domain", "limited")


@signal(reason=_linked("labelled abusive", "the same phone number"), risk=+1)
def links_phone_abusive(facts: Facts) -> int | None:
    """Other accounts, labelled abusive now, that signed up with the same phone number.

    Unit: accounts, 0 and up; typically 0.
    """
    return _sharing(facts, "phone", "abusive")


@signal(reason=_linked("under a limit", "the same phone number"), risk=+1)
def links_phone_limited(facts: Facts) -> int | None:
    """Other accounts, limited now, that signed up with the same phone number.

    Unit: accounts, 0 and up; typically 0.
    """
    return _sharing(facts, "phone", "limited")


@signal(reason=_linked("labelled abusive", "a phone number of the same hundred"), risk=+1)
def links_phone_block_abusive(facts: Facts) -> int | None:
    """Other accounts, labelled abusive now, that signed up with a number in the same hundred consecutive numbers.

    Unit: accounts, 0 and up; typically 0.
    """
    return _sharing(facts, "phone_block", "abusive")


@signal(reason=_linked("under a limit", "a phone number of the same hundred"), risk=+1)
def links_phone_block_limited(facts: Facts) -> int | None:
    """Other accounts, limited now, that signed up with a number in the same hundred consecutive numbers.

    Unit: accounts, 0 and up; typically 0.
    """
    return _sharing(facts, "phone_block", "limited")


@signal(reason=_linked("labelled abusive", "the same device"), risk=+1)
def links_device_abusive(facts: Facts) -> int | None:
    """Other accounts, labelled abusive now, that signed up with the same device identifier.

    Unit: accounts, 0 and up; typically 0.
    """
    return _sharing(facts, "device", "abusive")


@signal(reason=_linked("under a limit", "the same device"), risk=+1)
def links_device_limited(facts: Facts) -> int | None:
    """Other accounts, limited now, that signed up with the same device identifier.

    Unit: accounts, 0 and up; typically 0.
    """
    return _sharing(facts, "device", "limited")


@signal(reason=_linked("labelled abusive", "the same means of payment"), risk=+1)
def links_payment_abusive(facts: Facts) -> int | None:
    """Other accounts, labelled abusive now, that signed up with the same payment fingerprint.

    Unit: accounts, 0 and up; typically 0.
    """
    return _sharing(facts, "payment", "abusive")


@signal(reason=_linked("under a limit", "the same means of payment"), risk=+1)
def links_payment_limited(facts: Facts) -> int | None:
    """Other accounts, limited now, that signed up with the same payment fingerprint.

    Unit: accounts, 0 and up; typically 0.
    """
    return _sharing(facts, "payment", "limited")


@signal(reason=_linked("labelled abusive", "the same IP address"), risk=+1)
def links_ip_abusive(facts: Facts) -> int | None:
    """Other accounts, labelled abusive now, that signed up with the same IP address; shared by offices and
    households, so weak evidence alone.

    Unit: accounts, 0 and up; typically 0.
    """
    return _sharing(facts, "ip", "abusive")


@signal(reason=_linked("under a limit", "the same IP address"), risk=+1)
def links_ip_limited(facts: Facts) -> int | None:
    """Other accounts, limited now, that signed up with the same IP address; shared by offices and households, so
    weak evidence alone.

    Unit: accounts, 0 and up; typically 0.
    """
    return _sharing(facts, "ip", "limited")


@signal(reason=_linked("labelled abusive", "the same network"), risk=+1)
def links_network_abusive(facts: Facts) -> int | None:
    """Other accounts, labelled abusive now, that signed up with the same /24 or /48; weak evidence alone.

    Unit: accounts, 0 and up; typically 0.
    """
    return _sharing(facts, "network", "abusive")


@signal(reason=_linked("under a limit", "the same network"), risk=+1)
def links_network_limited(facts: Facts) -> int | None:
    """Other accounts, limited now, that signed up with the same /24 or /48; weak evidence alone.

    Unit: accounts, 0 and up; typically 0.
    """
    return _sharing(facts, "network", "limited")


@signal(reason=_linked("labelled abusive", "the same browser fingerprint"), risk=+1)
def links_fingerprint_abusive(facts: Facts) -> int | None:
    """Other accounts, labelled abusive now, that signed up with the same TLS fingerprint with the same agent.

    Unit: accounts, 0 and up; typically 0.
    """
    return _sharing(facts, "fingerprint", "abusive")


@signal(reason=_linked("under a limit", "the same browser fingerprint"), risk=+1)
def links_fingerprint_limited(facts: Facts) -> int | None:
    """Other accounts, limited now, that signed up with the same TLS fingerprint with the same agent.

    Unit: accounts, 0 and up; typically 0.
    """
    return _sharing(facts, "fingerprint", "limited")


@signal(reason=_linked("labelled abusive", "the same referrer"), risk=+1)
def links_referrer_abusive(facts: Facts) -> int | None:
    """Other accounts, labelled abusive now, that signed up with the same referring account.

    Unit: accounts, 0 and up; typically 0.
    """
    return _sharing(facts, "referrer", "abusive")


@signal(reason=_linked("under a limit", "the same referrer"), risk=+1)
def links_referrer_limited(facts: Facts) -> int | None:
    """Other accounts, limited now, that signed up with the same referring account.

    Unit: accounts, 0 and up; typically 0.
    """
    return _sharing(facts, "referrer", "limited")


@signal(reason="at least {value} {value:account|accounts} labelled abusive {value:is|are} linked to this one", risk=+1)
def links_abusive(facts: Facts) -> int | None:
    """Abusive accounts linked through any one entity: the most over the kinds, a lower bound of the distinct number.

    Unit: accounts, 0 and up; typically 0.
    """
    binding = _binding(facts)
    return None if binding is None else max((entity.abusive for entity in binding), default=0)


@signal(reason="at least {value} limited {value:account is|accounts are} linked to this one", risk=+1)
def links_limited(facts: Facts) -> int | None:
    """Limited accounts linked through any one entity: the most over the kinds, a lower bound of the distinct number.

    Unit: accounts, 0 and up; typically 0.
    """
    binding = _binding(facts)
    return None if binding is None else max((entity.limited for entity in binding), default=0)


@signal(reason="at least {value} other {value:account is|accounts are} linked to this one", risk=0)
def links_accounts(facts: Facts) -> int | None:
    """Other accounts linked through any one entity that is no hub: the most over the kinds.

    Unit: accounts, 0 and up. Households, offices and agencies share things too, so more is not always riskier.
    """
    binding = _binding(facts)
    return None if binding is None else max((entity.accounts - 1 for entity in binding), default=0)


@signal(reason="the strongest link to another account has {value:.0%} of the greatest possible strength", risk=0)
def links_weight_max(facts: Facts) -> float | None:
    """Weight of the strongest single link of a medium or strong kind, as ``riskapi.links.kinds.evidence_weight`` has
    it.

    Unit: 0 (no link) to 1 (a strong kind, shared with one other account, just now).
    """
    binding = _binding(facts)
    return None if binding is None else max((entity.weight for entity in binding), default=0.0)


@signal(reason="all links to other accounts together have {value:.0%} of the greatest possible strength", risk=0)
def links_weight_total(facts: Facts) -> float | None:
    """Weight of all links of medium or strong kinds as independent evidence: 1 - product of (1 - weight), the noisy-or.

    Unit: 0 to 1.
    """
    binding = _binding(facts)
    if binding is None:
        return None
    unlinked = 1.0
    for entity in binding:
        unlinked *= 1.0 - entity.weight
    return 1.0 - unlinked


@signal(
    reason="{value} {value:account|accounts} labelled abusive {value:is|are} linked by proof or observation", risk=+1
)
def links_proved_abusive(facts: Facts) -> int | None:
    """Other accounts, labelled abusive now, that are seen or proved to share a device, a card, a mailbox or a number:
    the most through any one of them. What either only claims does not count.

    Unit: accounts, 0 and up; typically 0.
    """
    if facts.entities is None:
        return None
    shared = [facts.entities.get(kind) for kind in ("device", "payment", "mailbox", "phone")]
    found = [entity for entity in shared if entity is not None and not entity.hub]
    return max((entity.abusive for entity in found if entity.standing in ("observed", "proved")), default=0)


@signal(
    reason="{value} {value:account|accounts} that {value:shares|share} its budget {value:is|are} labelled abusive",
    risk=+1,
)
def links_cluster_abusive(facts: Facts) -> int | None:
    """Other accounts of its cluster that are labelled abusive now, whatever binds them: a claim, a wave, what they
    sent.

    Unit: accounts, 0 and up; typically 0.
    """
    return None if facts.cluster is None else facts.cluster.abusive


@signal(reason="it gives {value} {value:thing that somebody else holds|things that somebody else holds}", risk=+1)
def links_claims_held(facts: Facts) -> int | None:
    """How many of mailbox, number, device and card are held by another account, which proved them to be its own or
    used them for long before this one came.

    Unit: things, 0 to 4; typically 0. A mistyped number is one; so is a new member of a family.
    """
    if facts.entities is None:
        return None
    shared = [facts.entities.get(kind) for kind in ("mailbox", "phone", "device", "payment")]
    found = [entity for entity in shared if entity is not None and entity.holders]
    return sum(entity.standing in ("claimed", "observed") for entity in found)
