"""Linkage: what the things that accounts share mean: whether they bind, what an answer tells of them, learned rates.
Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, NotRequired, cast

from pydantic import Field
from typing_extensions import TypedDict

from riskapi.contract import Count, Instant
from riskapi.links.kinds import KINDS
from riskapi.policy import Policy
from riskapi.policy.tables import Strength
from riskapi.times import rfc3339
from signals.facts import Entity, Reputation

Standing = Literal["proved", "claimed", "holder", "wave"]
#: How an answer calls the standing of an account to what it shares: what is seen is as good as proved.
_STANDINGS: Mapping[str, Standing] = {"observed": "proved", "proved": "proved", "held": "holder", "claimed": "claimed"}
#: Accounts that a piece of evidence names; all are counted.
_NAMED = 8


class Evidence(TypedDict):
    """One thing the account shares with others; ``accounts`` counts it too, ``user_ids`` names some of the others.

    ``standing``: they share it as proved or seen, as claimed (``holders`` are those who have it), or in a wave;
    ``holder``: it is the account's own, and others claim it.
    """

    kind: str
    strength: Strength
    standing: Standing
    accounts: Annotated[int, Field(ge=1)]
    last_seen: Instant | None
    weight: NotRequired[float | None]
    edge: NotRequired[str | None]
    binds: NotRequired[bool | None]
    abusive: NotRequired[int | None]
    user_ids: NotRequired[list[str] | None]
    holders: NotRequired[list[str] | None]


class Edge(TypedDict):
    """One thing that binds accounts: its name here, its kind, whom it binds, and when the evidence will have faded."""

    edge: str
    kind: str
    standing: Literal["proved", "claimed", "wave"]
    accounts: Annotated[int, Field(ge=1)]
    user_ids: list[str]
    ends_at: Instant


class Linkage(TypedDict):
    """The accounts this one shares things with, and the cluster of those it belongs together with.

    ``evidence`` is what this account shares, bound by it or not; ``edges``, on the account's own page, all that binds
    the cluster.
    """

    cluster_id: str | None
    size: Annotated[int, Field(ge=1)]
    abusive: Count
    evidence: list[Evidence]
    edges: NotRequired[list[Edge] | None]


def reputation(entities: Mapping[str, Entity], policy: Policy, own_site: str | None = None) -> Reputation:
    """Abuse rates of where a signup came from, shrunk towards the base rate, itself shrunk towards policy's.

    ``(abusive + prior × base) / (accounts + prior)``, the mean of a beta posterior; the account itself is left out.
    ``own_site`` is the key of the site that it proved to be its own: what others who link there do says nothing of it.
    """
    rules, told = policy.reputation, entities.get
    base = _rate(told("service"), rules.base_rate, rules.base_weight) or rules.base_rate
    prior, site = rules.prior_accounts, told("site")
    return Reputation(
        base,
        _rate(told("asn"), base, prior),
        _rate(told("network"), base, prior),
        _rate(told("mail_domain"), base, prior),
        _rate(told("tld"), base, prior),
        None if site is None or site.key == own_site else _rate(site, base, prior),
    )


def _rate(entity: Entity | None, base: float, prior: float) -> float | None:
    if entity is None:
        return None
    abusive, others = entity.abusive, entity.accounts - 1
    return (abusive + prior * base) / ((others if others > abusive else abusive) + prior)


def linkage(
    entities: Mapping[str, Entity] | None, policy: Policy, cluster: str | None = None, size: int = 1
) -> Linkage:
    """The ``linkage`` part of an answer: which accounts share what with this one, strongest evidence first.

    ``cluster`` and ``size`` are the cluster the account is in and how many accounts that has. ``abusive`` counts those
    bound directly, by ``links.bind_weight`` or more. Weaker evidence is listed and binds nobody.
    """
    found = [
        entity
        for entity in (entities or {}).values()
        if (entity.weight > 0.0 or entity.holders) and entity.kind in KINDS  # others are only counted
    ]
    if not found:
        return {"cluster_id": cluster, "size": size, "abusive": 0, "evidence": []}
    found.sort(key=lambda entity: (-entity.weight, KINDS.index(entity.kind)))
    evidence: list[Evidence] = []
    abusive = 0
    for entity in found:
        bound = binds(entity, policy)
        if bound:
            abusive = max(abusive, entity.abusive)
        evidence.append(
            {
                "kind": entity.kind,
                "strength": cast("Strength", entity.strength),
                "standing": _STANDINGS[entity.standing],
                "accounts": entity.accounts,
                "last_seen": _last_seen(entity),
                "weight": round(entity.weight, 4),
                "edge": entity.key.removeprefix("risk:e:"),
                "binds": bound,
                "user_ids": list(entity.others[:_NAMED]),
                "holders": list(entity.holders) if entity.standing == "claimed" else [],
            }
        )
    return {"cluster_id": cluster, "size": size, "abusive": abusive, "evidence": evidence}


def _last_seen(entity: Entity) -> str | None:
    """When the newest of the others came; its holders count where nobody else did, None where it is not told."""
    times = entity.recent.times
    last = times[0] if entity.last_seen is None and times else entity.last_seen
    return None if last is None else rfc3339(last)


def binds(entity: Entity, policy: Policy) -> bool:
    """Whether sharing this thing makes accounts belong together: nobody is bound to its holder without proof."""
    return not entity.hub and entity.weight >= policy.links.bind_weight and bool(entity.others)
