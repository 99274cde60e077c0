"""What is wrong with a policy whose tables are each as they must be: what one says against another. Pure.

Types say what a table may hold (:mod:`riskapi.policy.tables`), and rules what a rule may (:mod:`riskapi.policy.rules`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, get_args

from riskapi.policy import cap_faults
from riskapi.policy.cap_faults import Fault
from riskapi.policy.section import beyond_64_bits
from riskapi.policy.tables import SEVERITY, Kind, Links, Strength, Waves
from signals.registry import Signal

if TYPE_CHECKING:
    from riskapi.policy import Policy


def faults(policy: Policy, known: Mapping[str, Signal]) -> Iterator[Fault]:
    """Every fault, as the key it is told under and the reason. ``known`` are the signals that rules may use."""
    yield from beyond_64_bits(policy.model_dump())
    yield from cap_faults.faults(policy.tiers, policy.plans, policy.outage)
    if policy.thresholds.review >= policy.thresholds.limit:
        yield (
            "thresholds.review",
            f"{policy.thresholds.review} must be below thresholds.limit, {policy.thresholds.limit}",
        )
    if policy.attack.review >= policy.attack.limit:
        yield "attack.review", f"{policy.attack.review} must be below attack.limit, {policy.attack.limit}"
    named = {"*", *(rule.name for rule in policy.rules)}
    for at, name in enumerate(policy.attack.rules):
        if name not in named:
            yield f"attack.rules[{at}]", f"there is no rule named {name[:64]!r}"
    if policy.model.prior * 100 >= policy.thresholds.review:
        yield "model.prior", "must lie below thresholds.review / 100, or everybody would be reviewed without a model"
    for at, glob in enumerate(policy.guard.signals):
        if not any(fnmatchcase(name, glob) for name in known):
            yield f"guard.signals[{at}]", f"{glob!r} matches no signal"
    yield from _link_faults(policy.links)
    yield from _wave_faults(policy.waves)
    hours = policy.rescoring.schedule_hours
    if list(hours) != sorted(set(hours)):
        yield "rescoring.schedule_hours", "must rise from one to the next"
    names: set[str] = set()
    for at, rule in enumerate(policy.rules):
        if rule.name in names:
            yield f"rules[{at}].name", f"there is another rule named {rule.name}"
        names.add(rule.name)
        for key, reason in rule.faults(known):
            yield f"rules[{at}].{key}", reason
        if SEVERITY[rule.tier] > SEVERITY[policy.guard.tier] and all(policy.guards(name) for name in rule.when):
            yield (
                f"rules[{at}].tier",
                f"{rule.tier} for nothing but a shared place; add another condition, or use {policy.guard.tier}",
            )


def _link_faults(links: Links) -> Iterator[Fault]:
    for strength in get_args(Strength):
        if strength not in links.strengths:
            yield f"links.strengths.{strength}", "is missing"
    for kind in get_args(Kind):
        if kind not in links.kinds:
            yield f"links.kinds.{kind}", "is missing"
    order = [links.strengths.get(strength, 0.0) for strength in get_args(Strength)]
    if order != sorted(order, reverse=True):
        yield "links.strengths", "must not rise from strong over medium to weak"
    if links.strengths.get("weak", 0.0) >= links.bind_weight:
        yield "links.bind_weight", "must be above links.strengths.weak, or strangers behind one address would be one"


def _wave_faults(waves: Waves) -> Iterator[Fault]:
    near = waves.near_minutes * 60
    if waves.hours * 3600 < near:
        yield "waves.hours", f"{waves.hours} is shorter than waves.near_minutes, {waves.near_minutes}"
    for at, pace in enumerate(waves.quick):
        if pace.seconds > near:
            yield (
                f"waves.quick[{at}].seconds",
                f"{pace.seconds} is longer than waves.near_minutes, {waves.near_minutes}",
            )
