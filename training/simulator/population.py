"""Who signs up, in which shares, and the simulation itself: a seed in, a time-ordered list of events out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from training.simulator import abusers, crowds, people, rings
from training.simulator.signups import Draft, Event, Truth, World
from training.simulator.timeline import basis

#: Share of signups that are abuse: the middle of what freemium mail senders report in talks and blogs is unknown to
#: us; 10 % is our assumption, and every figure that depends on it says "simulated".
ABUSE_SHARE = 0.10


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of people or abusers. ``share`` is relative to the others of its side."""

    name: str
    share: float
    make: Callable[[World, Random], list[Draft]]


PEOPLE = (
    Kind("consumer", 30, people.consumer),
    Kind("carrier_nat", 13, people.carrier_nat),
    Kind("founder", 7, people.founder),
    Kind("office", 9, crowds.office),
    Kind("campus", 4, crowds.campus),
    Kind("conference", 2.5, crowds.conference),
    Kind("shared_desk", 1.5, crowds.shared_desk),
    Kind("family", 1.5, crowds.family),
    Kind("agency", 2, crowds.agency),
    Kind("role_address", 3.5, people.role_address),
    Kind("vpn_user", 3.5, people.vpn_user),
    Kind("private_relay", 2.5, people.private_relay),
    Kind("tor_user", 0.3, people.tor_user),
    Kind("expat", 2.5, people.expat),
    Kind("traveller", 1.5, people.traveller),
    Kind("relay_mail", 2, people.relay_mail),
    Kind("plus_tag", 1.5, people.plus_tag),
    Kind("digit_lover", 3, people.digit_lover),
    Kind("odd_address", 1.5, people.odd_address),
    Kind("disposable_user", 0.6, people.disposable_user),
    Kind("password_manager", 3.5, people.password_manager),
    Kind("slow_typist", 1.5, people.slow_typist),
    Kind("developer", 1, people.developer),
    Kind("gateway_user", 1.5, people.gateway_user),
    Kind("migrant_name", 2, people.migrant_name),
    Kind("returning", 2, people.returning),
)
ABUSERS = (
    Kind("bulk_bot", 16, abusers.bulk_bot),
    Kind("alias_farm", 11, abusers.alias_farm),
    Kind("aged_mailbox", 16, abusers.aged_mailbox),
    Kind("domain_sprayer", 12, abusers.domain_sprayer),
    Kind("phone_farm", 8, abusers.phone_farm),
    Kind("residential_proxy", 12, abusers.residential_proxy),
    Kind("click_farm", 8, abusers.click_farm),
    Kind("vpn_abuser", 4, abusers.vpn_abuser),
    Kind("lone_fraudster", 5, rings.lone_fraudster),
    Kind("snowshoe", 8, rings.snowshoe),
)


@dataclass(frozen=True, slots=True)
class _Made:
    draft: Draft
    truth: Truth
    kind: str
    group: str


def simulate(world: World, rows: int, seed: int) -> list[Event]:
    """That many signups in time order. The same world, rows and seed give the same events, byte for byte."""
    abusive = round(rows * ABUSE_SHARE)
    made = [*_side(world, PEOPLE, "legitimate", rows - abusive, seed), *_side(world, ABUSERS, "abuse", abusive, seed)]
    made.sort(key=lambda one: (one.draft.at, one.group))
    chance = Random(f"{seed}:events")
    events: list[Event] = []
    earlier: dict[str, list[str]] = {}
    for number, one in enumerate(made, 1):
        user_id = f"u_{number:06d}"
        group = earlier.setdefault(one.group, [])
        referrer = None
        if one.draft.refers == "someone" and events:
            referrer = chance.choice(events).user_id
        elif one.draft.refers == "group" and group:
            referrer = group[0]
        group.append(user_id)
        verdict = basis(chance, one.truth, one.draft.at)
        events.append(
            Event(
                at=round(one.draft.at, 3),
                signup=one.draft.body(user_id, referrer),
                truth=one.truth,
                kind=one.kind,
                group=one.group,
                country=one.draft.country.code,
                tongue=one.draft.country.tongue,
                outcome=verdict.outcome,
                label=verdict.label,
                label_at=None if verdict.label_at is None else round(verdict.label_at, 3),
            )
        )
    return events


def _side(world: World, kinds: tuple[Kind, ...], truth: Truth, rows: int, seed: int) -> Iterator[_Made]:
    """The signups of one side; each kind has its own stream of chance, so a new kind does not disturb the others."""
    total = sum(kind.share for kind in kinds)
    left = rows
    for index, kind in enumerate(kinds):
        quota = left if index == len(kinds) - 1 else min(left, round(rows * kind.share / total))
        left -= quota
        number = 0
        while quota > 0:
            chance = Random(f"{seed}:{kind.name}:{number}")
            drafts = [draft for draft in kind.make(world, chance) if world.window.holds(draft.at)][:quota]
            yield from (_Made(draft, truth, kind.name, f"{kind.name}-{number}") for draft in drafts)
            quota -= len(drafts)
            number += 1
