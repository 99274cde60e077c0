"""The tables of a policy, one class each: what they hold, in which unit and range. ``policy.toml`` says why."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import Field, StringConstraints, field_validator

from riskapi.contract import Tier
from riskapi.policy.platform_table import PlatformRules
from riskapi.policy.rules import Mode
from riskapi.policy.section import Section

#: Tiers from the loosest to the tightest.
SEVERITY: dict[str, int] = {tier: at for at, tier in enumerate(get_args(Tier))}

Strength = Literal["strong", "medium", "weak"]
Kind = Literal[
    "mailbox", "phone", "payment", "device", "mail_domain", "ip", "fingerprint",
    "phone_block", "pattern", "network", "referrer", "link_domain", "content",
]  # fmt: skip
Percent = Annotated[float, Field(ge=0, le=100)]
Share = Annotated[float, Field(ge=0, le=1)]
Days = Annotated[int, Field(ge=1, le=3650)]
Hours = Annotated[float, Field(gt=0, le=8760)]
Recipients = Annotated[int, Field(ge=0, le=10**12)]
#: What a plan may be called: what callers say is compared in this form, see :func:`riskapi.budgets.terms.plan_name`.
PLAN_NAME = r"^[a-z0-9_-]{1,64}$"
PlanName = Annotated[str, StringConstraints(pattern=PLAN_NAME)]


class Caps(Section):
    """How many recipients may be sent to in any hour, day and month (30 days)."""

    hourly: Recipients
    daily: Recipients
    monthly: Recipients

    def within(self, other: Caps) -> bool:
        """Whether no cap is above the other's."""
        return self.hourly <= other.hourly and self.daily <= other.daily and self.monthly <= other.monthly

    @property
    def at_once(self) -> int:
        """The most recipients that fit into all windows."""
        return min(self.hourly, self.daily, self.monthly)

    def tightest(self, other: Caps) -> Caps:
        """The smaller cap of each window."""
        return Caps(
            hourly=min(self.hourly, other.hourly),
            daily=min(self.daily, other.daily),
            monthly=min(self.monthly, other.monthly),
        )


class Step(Caps):
    """Caps that are earned by ``days`` of clean sending, see :class:`Clean`, and with ``identity`` by a sender domain
    that the customer proved to own and whose mail passes DMARC.
    """

    days: Annotated[int, Field(ge=1, le=30)]
    identity: bool = False


class TierCaps(Caps):
    """The caps of a tier, and its earned ``steps``, smallest first."""

    steps: Annotated[tuple[Step, ...], Field(strict=False, max_length=10)] = ()


class Tiers(Section):
    """The caps of each tier, loosest first."""

    allow: TierCaps
    review: TierCaps
    limit: TierCaps


class Plan(Caps):
    """What accounts on a plan may send: its own caps are those of the tier ``allow``.

    ``review`` and ``limit`` are those of the other tiers; where they are missing the tier's own hold. An account on
    a plan that is ``paid`` is an established customer from the moment the plan is told.
    """

    review: Caps | None = None
    limit: Caps | None = None
    paid: bool = False


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
    """What is answered while the store or the model is away. ``journal_bytes`` bounds the local journal.

    ``hourly`` are what all processes of a host may grant to one account before the store is back, ``recipients`` what
    one worker process may grant to all accounts together.
    """

    tier: Tier
    hourly: Recipients
    daily: Recipients
    monthly: Recipients
    recipients: Recipients
    journal_bytes: Annotated[int, Field(ge=1 << 20)]

    @property
    def caps(self) -> Caps:
        """The caps of this section, to be read with :meth:`riskapi.policy.Policy.caps`."""
        return Caps(hourly=self.hourly, daily=self.daily, monthly=self.monthly)


class Linking(Section):
    """How one kind of entity links.

    A weak or medium thing that over ``hub_over`` accounts shared in 30 days binds nobody. For a strong one it is then
    checked whether it is a hub (:class:`Hubs`); if it is not, it goes on binding. 0: it is never checked.
    """

    strength: Strength
    hub_over: Annotated[int, Field(ge=0, le=10**9)]


class Links(Section):
    """What sharing an entity is worth: strength, halved every ``half_life_days`` since it was last shared.

    From ``bind_weight`` on, one shared entity makes accounts belong together. A strong one of whose accounts
    ``ring_share`` or more are limited, or labelled abusive, is a ring and not a hub, however it grew.
    """

    bind_weight: Annotated[float, Field(gt=0, le=1)]
    ring_share: Annotated[float, Field(gt=0, le=1)]
    half_life_days: Annotated[float, Field(gt=0, le=3650)]
    strengths: dict[Strength, Share]
    kinds: dict[Kind, Linking]


class Hubs(Section):
    """What a thing must be that strong evidence of is let go: used first by ``networks`` and ``mail domains`` or more
    different ones over ``days`` or longer, on no day by more than ``day_share`` of them, and less than ``bad_share`` of
    them limited or labelled abusive. A look holds for ``hours``, unless in a day more than ``burst`` times as many come
    as before.
    """

    days: Annotated[int, Field(ge=1, le=365)] = 21
    networks: Annotated[int, Field(ge=2, le=1000)] = 10
    mail_domains: Annotated[int, Field(ge=2, le=1000)] = 10
    day_share: Annotated[float, Field(gt=0, le=1)] = 0.25
    bad_share: Share = 0.02
    hours: Annotated[int, Field(ge=1, le=720)] = 24
    burst: Annotated[float, Field(ge=1, le=1000)] = 4.0


class Pace(Section):
    """So many ``accounts`` within so many ``seconds``."""

    accounts: Annotated[int, Field(ge=2, le=32)]
    seconds: Annotated[int, Field(ge=1, le=3600)]


class Waves(Section):
    """Accounts that come close in time and agree in two families are bound for a while (:mod:`riskapi.links.waves`).

    Close are ``near_minutes``. A thing through which ``past_accounts`` came ``past_days`` ago or earlier, none of them
    bad, and a private domain older than ``domain_days`` are no evidence. ``quick`` are paces from one line that people
    do not keep: each binds for ``near_minutes``, the last for as long as the rest: ``hours``, unless proof ends it
    before.
    """

    mode: Mode = "live"
    near_minutes: Annotated[int, Field(ge=1, le=1440)] = 15
    hours: Annotated[int, Field(ge=1, le=2160)] = 72
    past_days: Annotated[int, Field(ge=1, le=90)] = 7
    past_accounts: Annotated[int, Field(ge=1, le=1000)] = 3
    domain_days: Annotated[int, Field(ge=1, le=3650)] = 90
    quick: Annotated[tuple[Pace, ...], Field(strict=False, max_length=5)] = (
        Pace(accounts=3, seconds=5),
        Pace(accounts=5, seconds=30),
        Pace(accounts=10, seconds=120),
    )


class Customers(Section):
    """When a customer counts as established: after ``days``, with clean mail on ``active_days`` of them. One that
    was imported, or pays, counts at once.
    """

    days: Annotated[int, Field(ge=1, le=365)] = 14
    active_days: Annotated[int, Field(ge=1, le=30)] = 5


class Clusters(Section):
    """How accounts that belong together share a budget: ``factor`` times the caps of the account that asks.

    Those who claim what somebody else holds share one account's.

    ``mode``: ``off`` binds nobody; ``shadow`` builds clusters and shows them, caps are for accounts alone; ``live``.
    """

    mode: Mode
    factor: Annotated[float, Field(ge=1, le=1000)]


class Sends(Section):
    """Grants of recipients.

    ``strangers`` is the tier of accounts that were never assessed, ``none`` refuses them. A reservation can be released
    for ``reservation_days``. From ``near_share`` of a cap on an account counts as just under it.
    """

    strangers: Tier | Literal["none"]
    reservation_days: Annotated[int, Field(ge=1, le=30)]
    near_share: Annotated[float, Field(gt=0, le=1)]


class Clean(Section):
    """What clean sending is: no rate of the last 30 days above these, once so many such events have come in.

    A day counts as a day of sending from ``least_recipients`` on.
    """

    least_recipients: Annotated[int, Field(ge=1, le=10**12)]
    complaint_rate: Share
    least_complaints: Annotated[int, Field(ge=1)]
    hard_bounce_rate: Share
    least_hard_bounces: Annotated[int, Field(ge=1)]


#: What a trigger counts: a sort of event, or what a diagnostic said (:data:`riskapi.feedback.reports.Diagnosis`).
Cause = Literal["complaint", "hard_bounce", "block", "block_blocklist", "spam_trap", "not_mine"]
#: What a trigger does, from the mildest: tell, drop one tier, put in ``limit``, pause.
TriggerAction = Literal["warn", "tighten", "limit", "pause"]


class Trigger(Section):
    """When what an account's mail meets has something done about the account.

    ``level``: so many of ``of`` within ``days`` that their rate is above ``rate`` for certain, of ``recipients`` or
    more. ``count``: ``least`` of them within ``days``, among the first ``among`` recipients where that is given.
    ``spike``: a day with more than ``factor`` times the account's usual rate, and ``least`` of them. ``silence``:
    ``recipients`` were written to, and nobody opened, clicked or accepted.

    ``review`` also has a person look; what was done ends after ``hours`` (0: when a person ends it). ``spread`` labels
    the account ``abuse`` as well, by the source ``rule``, with what :class:`Spread` makes of it.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    mode: Mode
    kind: Literal["level", "count", "spike", "silence"]
    of: Cause = "complaint"
    action: TriggerAction
    review: bool = False
    spread: bool = False
    rate: Annotated[float, Field(ge=0, le=1)] = 0.0
    least: Annotated[int, Field(ge=1, le=10**6)] = 1
    days: Annotated[int, Field(ge=1, le=30)] = 7
    recipients: Annotated[int, Field(ge=0, le=10**9)] = 0
    among: Annotated[int, Field(ge=0, le=10**9)] = 0
    factor: Annotated[float, Field(ge=1, le=1000)] = 1.0
    hours: Annotated[int, Field(ge=0, le=8760)] = 0


#: What providers publish, as policy.toml explains it.
_TRIGGERS: tuple[Trigger, ...] = tuple(
    Trigger.model_validate({"mode": "live", "of": of, "review": action != "warn", "action": action, **more})
    for of, action, more in (
        ("block_blocklist", "pause", {"name": "blocklist_named", "kind": "count", "days": 1}),
        ("complaint", "pause", {"name": "complaints_pause", "kind": "level", "rate": 0.003, "recipients": 200}),
        ("hard_bounce", "pause", {"name": "hard_bounces_pause", "kind": "level", "rate": 0.08, "recipients": 200}),
        ("complaint", "limit", {"name": "complaints_limit", "kind": "level", "rate": 0.001, "recipients": 200}),
        ("hard_bounce", "limit", {"name": "hard_bounces_limit", "kind": "level", "rate": 0.05, "recipients": 200}),
        ("complaint", "tighten", {"name": "first_complaint", "kind": "count", "among": 50}),
        ("complaint", "tighten", {"name": "second_complaint", "kind": "count", "least": 2, "among": 200}),
        ("hard_bounce", "tighten", {"name": "hard_bounces_in_a_day", "kind": "count", "least": 5, "days": 1}),
        ("spam_trap", "tighten", {"name": "spam_trap", "kind": "count"}),
        ("complaint", "warn", {"name": "complaints_warn", "kind": "level", "rate": 0.0008, "recipients": 200}),
        ("hard_bounce", "warn", {"name": "hard_bounces_warn", "kind": "level", "rate": 0.04, "recipients": 200}),
        (
            "complaint",
            "tighten",
            {"name": "complaint_spike", "kind": "spike", "mode": "shadow", "least": 3, "factor": 4},
        ),
        ("complaint", "warn", {"name": "silence", "kind": "silence", "mode": "shadow", "recipients": 100}),
        ("not_mine", "tighten", {"name": "not_mine", "kind": "count", "days": 30}),
    )
)


class Spread(Section):
    """What the label ``abuse`` of one account means for others: how far that goes by itself.

    In ``shadow`` and ``off`` it is held against nobody else; ``shadow`` shows whom it would touch. A spread that would
    touch more than ``max_accounts`` waits for a person. It ends after ``days`` (0: with its label). Established
    customers are looked at and never moved.
    """

    mode: Mode = "live"
    max_accounts: Annotated[int, Field(ge=0, le=2000)] = 500
    days: Annotated[int, Field(ge=0, le=3650)] = 0


class FeedbackRules(Section):
    """What is done about feedback. A rate counts once it is above the threshold for certain: by the lower end of its
    Wilson interval at ``confidence`` standard deviations. One voice (who reports, and whose mailbox it is) brings at
    most ``voice_share`` of what is counted, and one event at least. ``spread`` is what abuse means for others;
    ``platform`` says when the platform itself, or a feed, is in trouble.
    """

    confidence: Annotated[float, Field(ge=0, le=4)] = 1.96
    voice_share: Annotated[float, Field(gt=0, le=1)] = 0.5
    spread: Spread = Spread()
    triggers: Annotated[tuple[Trigger, ...], Field(strict=False, max_length=100)] = _TRIGGERS
    platform: PlatformRules = PlatformRules()

    @field_validator("spread", mode="before")
    @classmethod
    def _counted(cls, given: Any) -> Any:
        """A policy of before 2026-11-27 has a number there: how many accounts are decided again because of one."""
        return {"max_accounts": given} if isinstance(given, int) and not isinstance(given, bool) else given


class Jump(Section):
    """A day of more than ``factor`` times the usual volume, and more than ``floor`` recipients, is a jump."""

    factor: Annotated[float, Field(ge=1, le=1000)]
    floor: Recipients


class Takeover(Section):
    """When an established account no longer behaves like itself: it is held at its usual volume and reviewed.

    Established: first mail ``established_days`` ago, mail on ``active_days`` of the last 30. ``sudden`` is a jump by
    itself, ``moved`` one within ``moved_hours`` of a login from a network the account was never seen on. A hold ends
    with the review, or after ``hold_days``; a reviewer's ``allow`` keeps it off for as long.
    """

    mode: Mode
    established_days: Annotated[int, Field(ge=1, le=30)]
    active_days: Annotated[int, Field(ge=1, le=30)]
    sudden: Jump
    moved: Jump
    moved_hours: Annotated[int, Field(ge=1, le=720)]
    hold_days: Annotated[int, Field(ge=1, le=90)]


class Reputation(Section):
    """Shrinkage of learned abuse rates: ``prior_accounts`` imagined accounts at the base rate, which itself starts
    as ``base_weight`` imagined accounts at ``base_rate``.
    """

    prior_accounts: Annotated[float, Field(gt=0)]
    base_rate: Annotated[float, Field(gt=0, lt=1)]
    base_weight: Annotated[float, Field(gt=0)]


class Reviews(Section):
    """A claim on a review lapses after ``claim_minutes`` without a decision. ``audit_share`` of the signups that are
    allowed, drawn by chance, open a review all the same, 0 to 0.1.
    """

    claim_minutes: Annotated[int, Field(ge=1, le=10080)]
    audit_share: Annotated[float, Field(ge=0, le=0.1)] = 0.0


class Attack(Section):
    """What attack mode changes while somebody has switched it on. It only tightens.

    The score asks for a review from ``review`` on and for the limit from ``limit`` on, where the thresholds are higher.
    Accounts that signed up less than ``days`` ago get ``factor`` times their caps, unless they are established
    customers or a person gave them caps of their own. ``rules`` are rules in shadow that decide meanwhile, ``*`` for
    all.
    """

    review: Percent = 15.0
    limit: Percent = 60.0
    factor: Annotated[float, Field(gt=0, le=1)] = 0.5
    days: Annotated[int, Field(ge=1, le=90)] = 7
    rules: Annotated[tuple[str, ...], Field(strict=False, max_length=200)] = ()

    def turns(self, rule: str) -> bool:
        """Whether a rule in shadow decides meanwhile."""
        return "*" in self.rules or rule in self.rules

    def lowered(self, usual: Thresholds, prior: float) -> Thresholds:
        """The lower of each threshold and that of attack mode; never so low that a signup without a model, whose
        probability is ``prior``, meets it.
        """
        review = min(usual.review, max(self.review, prior * 100 + 1))
        return Thresholds(review=review, limit=min(usual.limit, max(self.limit, review)))


class Publishing(Section):
    """Who may put a policy into force. With ``loosening_needs_second`` one that loosens anything waits as a proposal
    until a second person approves it, for ``proposal_hours``.
    """

    loosening_needs_second: bool = False
    proposal_hours: Annotated[int, Field(ge=1, le=720)] = 72


class Enrichment(Section):
    """For how long what upstreams said counts: hours for DNS, days for registries. Older answers still serve while a
    signup has them asked anew; after twice the time they are gone.
    """

    dns_hours: Annotated[int, Field(ge=1, le=720)] = 24
    registry_days: Annotated[int, Field(ge=1, le=365)] = 30


class Rescoring(Section):
    """When accounts are decided again, and how far that may go.

    ``schedule_hours`` after the signup it is looked at again, whatever happens. It tightens; it takes a tier down no
    further than to ``loosest`` (``limit``: not at all), unless the cause of the entry that tightened it is among
    ``undo`` and no longer holds: then to what was before. A reviewer's word holds for ``reviewer_holds_days`` against
    model and rules. At most ``linked`` of the accounts linked to one that changed are looked at.
    """

    schedule_hours: Annotated[tuple[Hours, ...], Field(strict=False, max_length=20)] = (1, 24, 72, 168)
    loosest: Tier = "limit"
    undo: Annotated[tuple[Literal["linkage", "list"], ...], Field(strict=False)] = ("linkage", "list")
    reviewer_holds_days: Annotated[int, Field(ge=0, le=3650)] = 30
    linked: Annotated[int, Field(ge=0, le=2000)] = 500


class Retention(Section):
    """For how many days each sort of record is kept; reviews go with their account."""

    entities_days: Days
    decisions_days: Days
    accounts_days: Days
