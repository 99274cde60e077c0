"""The tables of a policy, one class each: what they hold, in which unit and range. ``policy.toml`` says why."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from riskapi.rules import Mode
from riskapi.signup import Tier

#: Tiers from the loosest to the tightest.
SEVERITY: dict[str, int] = {tier: at for at, tier in enumerate(get_args(Tier))}

Strength = Literal["strong", "medium", "weak"]
Kind = Literal[
    "mailbox", "phone", "payment", "device", "mail_domain", "ip", "fingerprint",
    "phone_block", "pattern", "network", "referrer",
]  # fmt: skip
Percent = Annotated[float, Field(ge=0, le=100)]
Share = Annotated[float, Field(ge=0, le=1)]
Days = Annotated[int, Field(ge=1, le=3650)]
Recipients = Annotated[int, Field(ge=0, le=10**12)]


class Section(BaseModel):
    """What all tables have in common: unknown keys, wrong types and infinite numbers are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Caps(Section):
    """How many recipients may be sent to in any hour, day and month (30 days)."""

    hourly: Recipients
    daily: Recipients
    monthly: Recipients

    def within(self, other: Caps) -> bool:
        """Whether no cap is above the other's."""
        return self.hourly <= other.hourly and self.daily <= other.daily and self.monthly <= other.monthly


class Tiers(Section):
    """The caps of each tier, loosest first."""

    allow: Caps
    review: Caps
    limit: Caps


class Thresholds(Section):
    """The ``risk_score`` from which on the model alone asks for a tier."""

    review: Percent
    limit: Percent


class Model(Section):
    """``mode`` of the model, and ``prior``: the probability of abuse assumed when no model scores."""

    mode: Mode
    prior: Share


class Guard(Section):
    """``signals`` are globs of those about places many people share; ``tier`` the most they can bring about alone."""

    signals: Annotated[tuple[str, ...], Field(strict=False, min_length=1)]
    tier: Tier


class Outage(Section):
    """What is answered while the store or the model is away. ``journal_bytes`` bounds the local journal."""

    tier: Tier
    hourly: Recipients
    daily: Recipients
    monthly: Recipients
    journal_bytes: Annotated[int, Field(ge=1 << 20)]

    @property
    def caps(self) -> Caps:
        """The caps of this section, to be read with :meth:`Policy.caps`."""
        return Caps(hourly=self.hourly, daily=self.daily, monthly=self.monthly)


class Linking(Section):
    """How one kind of entity links.

    Over ``hub_over`` accounts in 30 days it binds nobody; 0 means that it never grows into a hub.
    """

    strength: Strength
    hub_over: Annotated[int, Field(ge=0, le=10**9)]


class Links(Section):
    """What sharing an entity is worth: strength, halved every ``half_life_days`` since it was last shared.

    From ``bind_weight`` on, one shared entity makes two accounts belong together.
    """

    bind_weight: Annotated[float, Field(gt=0, le=1)]
    half_life_days: Annotated[float, Field(gt=0, le=3650)]
    strengths: dict[Strength, Share]
    kinds: dict[Kind, Linking]


class Reputation(Section):
    """Shrinkage of learned abuse rates: ``prior_accounts`` imagined accounts at the base rate, which itself starts
    as ``base_weight`` imagined accounts at ``base_rate``.
    """

    prior_accounts: Annotated[float, Field(gt=0)]
    base_rate: Annotated[float, Field(gt=0, lt=1)]
    base_weight: Annotated[float, Field(gt=0)]


class Reviews(Section):
    """A claim on a review lapses after ``claim_minutes`` without a decision."""

    claim_minutes: Annotated[int, Field(ge=1, le=10080)]


class Retention(Section):
    """For how many days each sort of record is kept; reviews go with their account."""

    entities_days: Days
    decisions_days: Days
    accounts_days: Days
