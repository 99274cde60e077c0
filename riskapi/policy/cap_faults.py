"""What is wrong with the caps of a policy: each fault with its key and the reason. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import get_args

from riskapi.contract import Tier
from riskapi.policy.tables import Caps, Outage, Plan, TierCaps, Tiers

Fault = tuple[str, str]


def faults(tiers: Tiers, plans: Mapping[str, Plan], outage: Outage) -> Iterator[Fault]:
    """Every fault of the caps of tiers, plans and the outage section, as key and reason."""
    named: list[tuple[str, TierCaps]] = [(f"tiers.{tier}", getattr(tiers, tier)) for tier in get_args(Tier)]
    for key, caps in named:
        yield from _windows(key, caps)
        for at, step in enumerate(caps.steps):
            yield from _windows(f"{key}.steps[{at}]", step)
    yield from _windows("outage", outage.caps)
    for (looser_key, looser), (key, caps) in pairwise(named):
        yield from _tighter(key, caps, looser_key, looser)
        for at, step in enumerate(caps.steps):
            if not step.within(looser):
                yield f"{key}.steps[{at}]", f"no cap may be above {looser_key}: a step loosens within its tier"
    for key, caps in named:
        yield from _steps(key, caps)
    if not outage.caps.within(tiers.allow):
        yield "outage", "no cap may be above tiers.allow"
    for name, plan in plans.items():
        yield from _plan(f"plans.{name}", plan, tiers)


def _windows(key: str, caps: Caps) -> Iterator[Fault]:
    if caps.hourly > caps.daily:
        yield f"{key}.hourly", f"{caps.hourly} is above {key}.daily, {caps.daily}"
    if caps.daily > caps.monthly:
        yield f"{key}.daily", f"{caps.daily} is above {key}.monthly, {caps.monthly}"


def _tighter(key: str, caps: Caps, looser_key: str, looser: Caps) -> Iterator[Fault]:
    if not caps.within(looser) or looser.within(caps):
        yield key, f"must be tighter than {looser_key}: no cap above it and at least one below"


def _steps(key: str, caps: TierCaps) -> Iterator[Fault]:
    before: Caps = caps
    days = 0
    for at, step in enumerate(caps.steps):
        if step.days <= days:
            yield f"{key}.steps[{at}].days", f"must be above {days}, the days of the step before"
        if not before.within(step):
            yield f"{key}.steps[{at}]", "no cap may be below that of the step before"
        before, days = step, step.days


def _plan(key: str, plan: Plan, tiers: Tiers) -> Iterator[Fault]:
    """The faults of a plan, whose tiers are its own tables or, where it has none, those that hold for everybody."""
    yield from _windows(key, plan)
    looser_key, looser = key, plan  # type: str, Caps
    for tier in get_args(Tier)[1:]:
        own: Caps | None = getattr(plan, tier)
        if own is None:
            caps: Caps = getattr(tiers, tier)
            for at, reason in _tighter(f"{key}.{tier}", caps, looser_key, looser):
                yield at, f"is missing, and tiers.{tier} {reason}"
        else:
            caps = own
            yield from _windows(f"{key}.{tier}", caps)
            yield from _tighter(f"{key}.{tier}", caps, looser_key, looser)
        looser_key, looser = (f"{key}.{tier}" if own is not None else f"tiers.{tier}"), caps
