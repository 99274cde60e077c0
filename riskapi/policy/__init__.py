"""The policy: tiers, thresholds, rules and limits, as data that is checked before anything is decided by it.

The shipped one is ``policy.toml`` beside this file, which also explains every key. :func:`load` refuses a
broken policy with the file, the key and the reason.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Self, cast, get_args

from pydantic import Field, ValidationError

from riskapi.contract import Tier
from riskapi.errors import ConfigurationError, reworded
from riskapi.policy.faults import faults
from riskapi.policy.rules import Matcher, Mode, Rule, matcher
from riskapi.policy.section import Section
from riskapi.policy.tables import (
    SEVERITY,
    Attack,
    Caps,
    Clean,
    Clusters,
    Customers,
    Enrichment,
    FeedbackRules,
    Guard,
    Hubs,
    Links,
    Model,
    Outage,
    Plan,
    PlanName,
    Publishing,
    Reputation,
    Rescoring,
    Retention,
    Reviews,
    Sends,
    Step,
    Takeover,
    Thresholds,
    TierCaps,
    Tiers,
    Waves,
)
from signals.registry import Signal, registered

#: The policy that is shipped.
DEFAULT = Path(__file__).with_name("policy.toml")


class Policy(Section):
    """A whole policy. Build it with :func:`load` or :func:`check`: they hold the promises that types cannot."""

    version: Annotated[int, Field(ge=1)]
    tiers: Tiers
    plans: Annotated[dict[PlanName, Plan], Field(default_factory=dict, max_length=100)]
    thresholds: Thresholds
    model: Model
    guard: Guard
    outage: Outage
    links: Links
    clusters: Clusters
    sends: Sends
    clean: Clean
    takeover: Takeover
    reputation: Reputation
    reviews: Reviews
    retention: Retention
    # With defaults, so that a policy published before there were these sections can still be used.
    enrichment: Enrichment = Enrichment()
    rescoring: Rescoring = Rescoring()
    hubs: Hubs = Hubs()
    waves: Waves = Waves()
    customers: Customers = Customers()
    feedback: FeedbackRules = FeedbackRules()
    attack: Attack = Attack()
    publishing: Publishing = Publishing()
    rules: Annotated[tuple[Rule, ...], Field(strict=False)] = ()

    @property
    def under_attack(self) -> bool:
        """Whether this is what :attr:`attacked` gave: the policy as it is in attack mode."""
        return False

    @cached_property
    def attacked(self) -> Policy:
        """This policy in attack mode, see :class:`Attack`. It is tighter or the same, never looser."""
        rules = tuple(
            rule.model_copy(update={"mode": "live"}) if rule.mode == "shadow" and self.attack.turns(rule.name) else rule
            for rule in self.rules
        )
        # Made anew and not copied: a copy would keep the answers of the cached properties.
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        thresholds = self.attack.lowered(self.thresholds, self.model.prior)
        return _Attacked.model_construct(**{**fields, "rules": rules, "thresholds": thresholds})

    def caps(self, tier: Tier, plan: str | None = None, *, outage: bool = False) -> Caps:
        """The caps of a tier for accounts on a plan, without steps; for a plan that no table names those of the tier.

        During an outage none is above the outage section's.
        """
        found: Caps = self.tier(tier)
        named = self.plans.get(plan or "")
        if named is not None:
            found = named if tier == "allow" else getattr(named, tier) or found
        return found.tightest(self.outage.caps) if outage else found

    def steps(self, tier: Tier, plan: str | None = None) -> tuple[Step, ...]:
        """The steps of a tier that are worth something to accounts on a plan, smallest first.

        Those with no cap below the plan's and at least one above; in other tiers than ``allow`` also with none above
        the plan's caps in the tier before, so that a doubted account is never better off.
        """
        known = plan if plan in self.plans else None
        found = self._worth.get((tier, known))
        if found is None:
            caps, order = self.caps(tier, known), list(SEVERITY)
            before = self.caps(cast("Tier", order[SEVERITY[tier] - 1]), known) if SEVERITY[tier] else None
            found = self._worth[tier, known] = tuple(
                step
                for step in self.tier(tier).steps
                if caps.within(step) and not step.within(caps) and (before is None or step.within(before))
            )
        return found

    @cached_property
    def _worth(self) -> dict[tuple[Tier, str | None], tuple[Step, ...]]:
        """Answers of :meth:`steps` so far."""
        return {}

    def most_at_once(self, plan: str | None = None) -> int:
        """The most recipients that accounts on a plan can ever be granted at once, in whatever tier, with all steps."""
        known = plan if plan in self.plans else None
        found = self._most.get(known)
        if found is None:
            tiers: tuple[Tier, ...] = get_args(Tier)
            every = (caps for tier in tiers for caps in (self.caps(tier, known), *self.steps(tier, known)))
            found = self._most[known] = max(caps.at_once for caps in every)
        return found

    @cached_property
    def _most(self) -> dict[str | None, int]:
        """Answers of :meth:`most_at_once` so far."""
        return {}

    def tier(self, tier: Tier) -> TierCaps:
        """The caps of a tier with its steps, as they are for accounts on no plan."""
        found: TierCaps = getattr(self.tiers, tier)
        return found

    def with_model_mode(self, mode: Mode) -> Self:
        """The same policy with the model in another mode, as the setting ``RISKAPI_MODEL_MODE`` asks."""
        return self.model_copy(update={"model": self.model.model_copy(update={"mode": mode})})

    @cached_property
    def live(self) -> Mapping[str, Matcher]:
        """The rules in force by name, ready to be matched, in the order of the file."""
        return {rule.name: matcher(rule) for rule in self.rules if rule.mode == "live"}

    @cached_property
    def felt(self) -> Mapping[str, Matcher]:
        """Those rules in force that can match because of what other accounts did (:attr:`Signal.blameless`)."""
        felt = {name for name, found in registered().items() if found.blameless is not None}
        return {name: ready for name, ready in self.live.items() if not felt.isdisjoint(ready[-1].when)}

    @cached_property
    def shadow(self) -> tuple[Matcher, ...]:
        """The rules on trial."""
        return tuple(matcher(rule) for rule in self.rules if rule.mode == "shadow")

    def guards(self, signal: str) -> bool:
        """Whether a signal is about a place that many people share."""
        found = self._guarded.get(signal)
        if found is None:
            found = self._guarded[signal] = any(fnmatchcase(signal, glob) for glob in self.guard.signals)
        return found

    @cached_property
    def _guarded(self) -> dict[str, bool]:
        """Answers of :meth:`guards` so far."""
        return {}


class _Attacked(Policy):
    """A policy as it is in attack mode. A class of its own, as a private attribute takes pydantic 5 µs to read."""

    @property
    def under_attack(self) -> bool:
        """True."""
        return True

    @cached_property
    def attacked(self) -> Policy:
        """Itself."""
        return self


def load(source: Path | str | bytes, *, where: str | None = None, known: Mapping[str, Signal] | None = None) -> Policy:
    """Read and check a policy.

    ``source`` is a file, or the TOML itself as text or bytes; ``where`` is how errors name it (default: the
    file's path, or ``policy``). ``known`` are the signals rules may use (default: all that are registered).
    Raises :class:`ConfigurationError` with the first fault found.
    """
    where = where or (str(source) if isinstance(source, Path) else "policy")
    try:
        raw = source.read_bytes() if isinstance(source, Path) else source
        text = raw.decode() if isinstance(raw, bytes) else raw
        data = tomllib.loads(text)
    except OSError as error:
        raise ConfigurationError(where, "file", f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(where, f"byte {error.start}", "is not UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        # Python 3.11 gives the place only as the end of the sentence: "… (at line 3, column 7)".
        reason, _, place = str(error).removesuffix(")").partition(" (at ")
        raise ConfigurationError(where, place or "end of file", f"not TOML: {reason}") from error
    except (ValueError, RecursionError) as error:  # what Python refuses for its length or depth
        raise ConfigurationError(where, "file", "has a number of too many digits, or too many brackets") from error
    return check(data, where=where, known=known)


def check(data: Mapping[str, Any], *, where: str, known: Mapping[str, Signal] | None = None) -> Policy:
    """A policy from its tables. Raises :class:`ConfigurationError` with the first fault found."""
    try:
        policy = Policy.model_validate(data)
    except ValidationError as error:
        one = error.errors(include_url=False)[0]
        raise ConfigurationError(where, _key(one["loc"], one["type"], data), _reason(one), one["type"]) from error
    for key, reason in faults(policy, registered() if known is None else known):
        raise ConfigurationError(where, key, reason)
    return policy


def _key(location: tuple[int | str, ...], kind: str, data: Any) -> str:
    """The place of a fault as it is written in the file; pydantic's own steps (members of unions) are left out."""
    key = ""
    for part in location:
        if isinstance(data, Mapping) and part in data:
            key, data = f"{key}.{part}", data[part]
        elif isinstance(data, list) and isinstance(part, int):
            key, data = f"{key}[{part}]", data[part]
        elif kind == "missing":
            key = f"{key}.{part}"
    return key.removeprefix(".") or "file"


def _reason(error: Any) -> str:
    if error["loc"][2:3] == ("when",) and len(error["loc"]) > 5 and error["loc"][-1] != "[key]":
        # A value that fits no member of the union: pydantic would name the first member only.
        return f"expected true, false, a finite number, text, or a list of these, found {error['input']!r}"
    match error["type"]:
        case "extra_forbidden":
            return "unknown key"
        case "missing":
            return "is missing"
        case "literal_error":
            return f"{error['input']!r} is not one of {error['ctx']['expected']}"
        case _:
            return f"{(said := reworded(error['msg']))[:1].lower()}{said[1:]}, found {error['input']!r}"
