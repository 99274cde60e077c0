"""What other accounts bring to a decision, and facts without it. Pure.

Every effect of others is derived from what holds now: an account is decided with it and without it, and what it is by
its own evidence is kept apart. So the effect goes when its cause goes, for everybody.
"""

from __future__ import annotations

from collections.abc import Mapping

from signals.facts import Cluster, Entity, Facts, Reputation
from signals.records import changed, changing

#: What strangers have in common by chance: a place, a browser, the make of an address, neighbouring numbers.
_CHANCE = frozenset({"ip", "network", "fingerprint", "pattern", "phone_block", "referrer"})
#: From so many bad accounts on a place on, and from this share of all on, it is a bad one.
_NOTORIOUS, _SHARE = 3, 0.1

#: Facts with other entities, reputation and cluster, and an entity with other accounts' doings.
_with = changing(Facts, "entities", "reputation", "cluster")
_did = changing(Entity, "abusive", "limited", "exhausted_24h", "exhausted_7d", "exhausted_at", "near_7d", "earlier")


def fair(facts: Facts) -> Facts:
    """The same facts without one or two bad accounts, or few among many, at a place: a shared address alone limits
    nobody.
    """
    found, few = facts.entities or {}, {}
    for kind, each in found.items():
        bad = each.abusive or each.limited
        if bad and kind in _CHANCE and max(each.abusive, each.limited) < max(_NOTORIOUS, _SHARE * each.accounts):
            few[kind] = _blameless(each)
    return changed(facts, entities={**found, **few}) if few else facts


def is_felt(facts: Facts) -> bool:
    """Whether anything is known of others that may be held against the account: what they are, or that they came before
    it.
    """
    for each in (facts.entities or {}).values():
        if each.abusive or each.limited or each.exhausted_7d or each.near_7d or each.earlier:
            return True
    return facts.cluster is not None and facts.cluster.abusive > 0


def is_accused(facts: Facts) -> bool:
    """Whether an account that it shares more than a place with, or its budget, was found abusive."""
    found = facts.entities or {}
    bad = any(each.abusive for each in found.values() if each.strength != "weak" and not each.hub)
    return bad or (facts.cluster is not None and facts.cluster.abusive > 0)


def blameless(facts: Facts) -> Facts:
    """The same facts as if no other account were bad, or had come before: how many share what is still known."""
    found, cluster = facts.entities, facts.cluster
    return _with(
        facts,
        None if found is None else {kind: _blameless(entity) for kind, entity in found.items()},
        _base(facts.reputation),
        None if cluster is None else Cluster(cluster.size),
    )


def alone(facts: Facts) -> Facts:
    """The same facts as if the account shared nothing with anybody."""
    found: Mapping[str, Entity] | None = facts.entities
    return changed(
        facts,
        entities=None if found is None else {kind: _alone(entity) for kind, entity in found.items()},
        reputation=_base(facts.reputation),
        wave=None if facts.wave is None else type(facts.wave)(),
        cluster=None if facts.cluster is None else Cluster(),
    )


def _blameless(entity: Entity) -> Entity:
    spent = entity.exhausted_7d or entity.exhausted_at or entity.near_7d
    if not (entity.abusive or entity.limited or spent or entity.earlier):
        return entity
    return _did(entity, 0, 0, 0, 0, None, 0, 0)


def _alone(entity: Entity) -> Entity:
    return Entity(entity.kind, 1, 1, 1, 1, 0, 0, False, strength=entity.strength, key=entity.key)


def _base(reputation: Reputation | None) -> Reputation | None:
    """Rates where nothing is known but the base rate; what was unknown stays so."""
    if reputation is None:
        return None
    base, known = reputation.base, reputation
    rates = known.asn, known.network, known.domain, known.tld, known.link_domain
    return Reputation(base, *[None if rate is None else base for rate in rates])
