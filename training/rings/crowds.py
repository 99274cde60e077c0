"""Honest people who share a place, and honest actors with several accounts, as many as the measure wants of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Literal

from training.simulator.countries import BY_CODE
from training.simulator.crowds import agency, campus, conference, family, office
from training.simulator.devices import browser
from training.simulator.signups import Draft, World, ordinary

#: Shared addresses that the subscribers of the carrier are seen at. Ours; RFC 6888 lets a carrier put thousands on one.
_GATEWAYS = 4


@dataclass(frozen=True, slots=True)
class Crowd:
    """A crowd of ``size`` accounts; ``make`` gives the drafts of at most that many.

    Of a ``crowd`` every account is a person of its own; of a ``firm`` all drafts of one call are one actor. ``site``
    says whether all of an actor's messages link to the same site.
    """

    what: str
    kind: Literal["crowd", "firm"]
    size: int
    make: Callable[[World, Random, int], list[Draft]]
    site: bool = False


def _office(region: str) -> Callable[[World, Random, int], list[Draft]]:
    return lambda world, random, size: office(world, random, BY_CODE[region], size)


def _carrier(world: World, random: Random, size: int) -> list[Draft]:
    """Subscribers of one mobile carrier, on phones, behind a few shared addresses."""
    country = BY_CODE["ID"]
    gates = [world.networks.address(random, country.mobile, country.code) for _ in range(_GATEWAYS)]
    drafts = [ordinary(world, random, country) for _ in range(size)]
    for draft in drafts:
        draft.ip, draft.browser = random.choice(gates), browser(random, draft.at, handset=True)
    return drafts


#: Everybody who must lose nothing, and for information those who are one actor. The offices are where fixed lines can
#: be told from mobiles (DE), where they cannot (US, MX), and small enough that few share the desk's telephone.
CROWDS = (
    Crowd("office (DE)", "crowd", 300, _office("DE")),
    Crowd("office (US)", "crowd", 300, _office("US")),
    Crowd("office (MX)", "crowd", 100, _office("MX")),
    Crowd("small office (US)", "crowd", 40, _office("US")),
    Crowd("campus", "crowd", 300, campus),
    Crowd("mobile carrier", "crowd", 500, _carrier),
    Crowd("conference", "crowd", 200, conference),
    Crowd("families", "firm", 24, lambda world, random, size: family(world, random)[:size]),
    Crowd("agencies", "firm", 24, lambda world, random, size: agency(world, random)[:size]),
    Crowd("a firm with one site", "firm", 40, _office("DE"), site=True),
)
