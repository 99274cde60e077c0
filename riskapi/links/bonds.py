"""Bonds: what binds an account to others, read from what it shares with them. Pure.

A thing that nobody holds binds all who use it. The claimants of a thing that somebody holds are bound to each other,
through the thing and through its holder, and never to the holder. Accounts that proved it to be their own are bound to
each other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from riskapi.links.kinds import was_found_hub
from riskapi.links.linkage import binds
from riskapi.links.waves import Match
from riskapi.policy import Policy
from riskapi.times import DAY
from signals.facts import Entity
from signals.records import record


@record
class Bond:
    """One thing that binds an account until the Unix time ``until``, and whom to.

    ``edge`` is how the thing is called among the edges. ``key`` is the entity that knows everybody who shares it, None
    where ``others`` are all. ``apart`` are its holders, who are not bound by it. ``claims``: it is somebody else's.
    ``bound``: it binds already, so that one who is bound by it stands for all. ``wave``: its edge is that of a wave
    which the others are in, if they are in one.
    """

    edge: str
    key: str | None
    others: tuple[str, ...]
    until: float
    apart: tuple[str, ...] = ()
    claims: bool = False
    bound: bool = False
    wave: bool = False


def edge_of(key: str) -> str:
    """How an entity is called among the edges: its key without the prefix."""
    return key.removeprefix("risk:e:")


def entity_of(edge: str) -> str:
    """The key of the entity that an edge is; waves have none."""
    return f"risk:e:{edge[:1].lower()}{edge[1:]}"


def proved_edge(edge: str) -> str:
    """How a thing is called among the edges of those who proved that it is their own."""
    return edge[:1].upper() + edge[1:]


def ends_at(entity: Entity, policy: Policy, now: float, at: float) -> float:
    """When the evidence, used just now, will have decayed below ``links.bind_weight``, as a Unix time.

    ``at`` is the Unix time at which its weight was what it is: that of the signup, which may lie long before ``now``.
    """
    half_life = policy.links.half_life_days * DAY
    since = at if entity.last_seen is None else entity.last_seen
    return now + half_life * math.log2(entity.weight / policy.links.bind_weight) + max(at - since, 0.0)


def bonds(
    found: Iterable[Entity],
    matches: Sequence[Match],
    policy: Policy,
    now: float,
    key_of: Callable[[str, str], str],
    at: float | None = None,
) -> list[Bond]:
    """What binds an account that shares these entities with others and came with these, at Unix time ``now``.

    ``key_of`` gives the key of an entity by its kind and value. ``at`` is when they were weighed, if not now.
    """
    made: list[Bond] = []
    for entity in found:
        if not (entity.weight or entity.holders) or not entity.key:  # as nearly all that a signup touches
            continue
        edge = edge_of(entity.key)
        if binds(entity, policy):
            until = ends_at(entity, policy, now, now if at is None else at)
            if entity.standing in ("proved", "held"):
                made.append(Bond(proved_edge(edge), None, entity.others, until))
            else:
                burst = was_found_hub(entity.hub_found_at, now, policy)
                # Not all who share it are bound: with a content those who agree in a second thing, with a hub those of
                # the burst.
                key = None if burst or entity.kind == "content" else entity.key
                others = _since(entity, now - DAY) if burst else entity.others
                claims = bool(entity.holders)
                made.append(Bond(edge, key, others, until, entity.holders, claims, entity.bound and not burst))
        if entity.standing not in ("proved", "held") and entity.strength == "strong":
            keys = [key_of("holder", name) for name in entity.holders]
            made += [Bond(edge_of(key), key, (), now + _lasts(policy), claims=True) for key in keys]
    made += [Bond("", None, match.accounts, now + match.seconds, wave=True) for match in matches]
    return made


def _since(entity: Entity, since: float) -> tuple[str, ...]:
    """The other accounts that came after a Unix time."""
    return tuple(name for name, at in zip(*entity.recent, strict=True) if at > since and name in entity.others)


def _lasts(policy: Policy) -> float:
    """Seconds that a strong thing binds after it was last shared."""
    weight = policy.links.strengths["strong"] / policy.links.bind_weight
    return policy.links.half_life_days * DAY * max(math.log2(weight), 1e-9)
