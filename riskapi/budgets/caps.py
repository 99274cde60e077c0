"""What an account may send now: the caps of its tier and plan or its own, steps it earned, and a jump. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime
from functools import lru_cache

from riskapi.budgets import terms
from riskapi.budgets.limits import NextStep
from riskapi.budgets.terms import Terms
from riskapi.contract import Tier
from riskapi.policy import Policy
from riskapi.policy.tables import Caps, Step
from riskapi.times import DAY
from signals.records import record

#: Days a month is long here, and the farthest the spends look back.
MONTH = 30


@record
class Usage:
    """What an account and its cluster were granted up to ``now``, net of releases.

    ``days`` has the recipients of each UTC day (days since 1970) of the last 30. ``spent`` and ``cluster_spent`` are of
    the hour, day and month. ``usual`` is the most in any day's window before the one up to now, ``hold`` is the cap of
    a day while ``hold_until`` lies ahead. ``size`` counts the accounts of the cluster, ``abusive`` the others of them
    that are labelled so; ``claims``: it is bound by what somebody else holds.
    """

    cluster: str
    revision: int
    first: float | None
    hold: int | None
    hold_until: float
    spent: tuple[int, int, int]
    cluster_spent: tuple[int, int, int]
    now: float
    days: Mapping[int, int]
    usual: int = 0
    size: int = 1
    abusive: int = 0
    claims: bool = False

    @property
    def held(self) -> bool:
        """Whether a hold caps the account now."""
        return self.hold is not None and self.hold_until > self.now


def unused(now: float) -> Usage:
    """The usage of an account that was granted nothing yet."""
    return Usage("", 0, None, None, 0.0, (0, 0, 0), (0, 0, 0), now, {})


def is_unused(usage: Usage) -> bool:
    """Whether nothing was granted to an account yet, nor to a cluster of it, and nothing is held."""
    granted = usage.first is not None or usage.days or any(usage.spent) or any(usage.cluster_spent)
    return not granted and usage.hold is None


@record
class FeedbackRecord:
    """What the account's mail met with: whether that is clean now, and when it last was not (a Unix time).

    ``delivered`` has the deliveries of each UTC day, where any are reported at all. ``identity``: whether the account
    proved to own the domain it sends from.
    """

    clean: bool = True
    soiled_at: float | None = None
    delivered: Mapping[int, int] = field(default_factory=dict)
    identity: bool = False


@record
class Allowed:
    """Caps of the account, of its cluster (None where it has none that counts), and the next step to earn.

    ``usual`` is the volume of a day that a hold would allow: the largest of the last 30 days, None where the account
    has no past to go by. ``jump`` are the recipients in a day above which it is held. ``until`` is the Unix time from
    which on other caps hold, None where that is not known beforehand. ``largest`` are the most recipients that can
    ever be granted to it at once, see :func:`largest`.
    """

    caps: Caps
    cluster: Caps | None
    next_step: NextStep | None
    usual: int | None
    jump: int
    until: float | None = None
    largest: int | None = None


def largest(policy: Policy, usage: Usage, own: Terms) -> int:
    """The most recipients that an account can ever be granted at once: by the caps of its plan, in whatever tier, with
    all steps earned, or by its own. Caps of its own that hold for good leave no others.
    """
    given = own.caps_at(usage.now)
    if given is not None and given.expires_at is None:
        return given.caps.at_once
    return max(policy.most_at_once(own.plan), 0 if given is None else given.caps.at_once)


def allowed(
    policy: Policy,
    tier: Tier,
    usage: Usage,
    past: FeedbackRecord,
    moved_at: float | None,
    own: Terms = terms.NONE,
    *,
    fresh: bool = False,
) -> Allowed:
    """What an account of this tier may send. ``moved_at``: the last login from a new network, a Unix time.

    ``fresh``: it signed up lately and is not an established customer, see :func:`is_fresh`. In attack mode it gets a
    part of the caps, unless a person gave it caps of its own.

    Caps that a person set for this account replace those of its tier, plan and steps. In the tier ``limit`` they can
    only tighten: of each window the smaller cap holds.
    """
    given = own.caps_at(usage.now)
    steps = () if given is not None else policy.steps(tier, own.plan)
    active = clean_days(policy, usage, past) if steps and past.clean else 0
    earned = 0  # as many steps as are earned: the highest that is, and all below it
    for at, step in enumerate(steps, 1):
        if past.clean and active >= step.days and (past.identity or not step.identity):
            earned = at
    caps: Caps = steps[earned - 1] if earned else policy.caps(tier, own.plan)
    if given is not None:
        caps = caps.tightest(given.caps) if tier == "limit" else given.caps
    elif fresh and policy.under_attack:
        caps = _times(caps, policy.attack.factor)
    following = steps[earned] if earned < len(steps) else None
    cluster = None
    if usage.cluster and policy.clusters.mode == "live":
        factor = 1.0 if usage.claims else policy.clusters.factor
        cluster = _times(caps, factor)
    usual, jump = _jump(policy, usage, moved_at, own.daily_volume, 0 if given is None else given.caps.daily)
    ahead = _next_step(policy, following, active, past, usage.now) if following else None
    until = None if given is None else given.expires_at
    return Allowed(caps, cluster, ahead, usual, jump, until, largest(policy, usage, own))


def is_fresh(policy: Policy, signed_up_at: float | None, established: float | None, now: float) -> bool:
    """Whether attack mode tightens the caps of an account: it signed up less than ``attack.days`` before Unix time
    ``now``, or nobody knows when, and is not an established customer. Times are Unix times.
    """
    young = signed_up_at is None or now - signed_up_at < policy.attack.days * DAY
    return established is None and young


def _times(caps: Caps, factor: float) -> Caps:
    return Caps(hourly=int(caps.hourly * factor), daily=int(caps.daily * factor), monthly=int(caps.monthly * factor))


def clean_days(policy: Policy, usage: Usage, past: FeedbackRecord) -> int:
    """Whole days with mail since the feedback was last bad; today is not over yet.

    Mail that was delivered, where deliveries are reported; else mail that was granted and not given back.
    """
    counted = past.delivered or usage.days
    if not counted:
        return 0
    today = int(usage.now // DAY)
    since = int((past.soiled_at or 0.0) // DAY)
    least = policy.clean.least_recipients
    return sum(1 for day, count in counted.items() if since < day < today and count >= least)


def _next_step(policy: Policy, step: Step, active: int, past: FeedbackRecord, now: float) -> NextStep:
    """The step as an answer shows it. Days left are counted from today on, the earliest there is."""
    left, clean, proof = max(step.days - active, 0), policy.clean, step.identity and not past.identity
    return {
        "not_before": _start_of(int(now // DAY) + left),
        "requires": _requirement(left, clean.least_recipients, clean.complaint_rate, clean.hard_bounce_rate, proof),
        "hourly": step.hourly,
        "daily": step.daily,
        "monthly": step.monthly,
    }


# All accounts that signed up on a day are told the same.
@lru_cache(maxsize=256)
def _start_of(day: int) -> str:
    """When a UTC day (days since 1970) begins, as answers say it."""
    return datetime.fromtimestamp(day * DAY, UTC).isoformat().replace("+00:00", "Z")


@lru_cache(maxsize=256)
def _requirement(left: int, recipients: int, complaints: float, bounces: float, proof: bool) -> str:
    return (
        f"{left} more {'day' if left == 1 else 'days'} with mail to {recipients} recipients or more, complaints at "
        f"most {complaints:.2%} and hard bounces at most {bounces:.0%}"
        f"{', and a sender domain of its own that passes DMARC' if proof else ''}"
    )


def _jump(policy: Policy, usage: Usage, moved_at: float | None, told: int, expected: int) -> tuple[int | None, int]:
    """The usual volume of a day and what would be a jump; no usual volume for an account without a past.

    ``told`` is the volume of a day that came with the account, 0 for none: it counts beside our record of days until
    that covers a month and ``takeover.active_days``. A day of ``expected`` recipients is not a sudden jump, as a person
    allowed them to this account; after a login from a new network it can still be one.
    """
    rules, now = policy.takeover, usage.now
    if rules.mode == "off" or (usage.first is None and not told):
        return None, 0
    # The day up to now is what is compared, so it is not part of what is usual.
    yesterday = int(now // DAY) - 1
    active = sum(1 for day, count in usage.days.items() if day < yesterday and count > 0)
    days = 0.0 if usage.first is None else (now - usage.first) / DAY
    usual = usage.usual
    if told and (days < MONTH or active < rules.active_days):
        # What somebody tells is rough. Nobody is held at less than what would not be a jump anyway.
        usual = max(usual, told, rules.sudden.floor)
    elif days < rules.established_days or active < rules.active_days:
        return None, 0
    moved = moved_at is not None and now - moved_at < rules.moved_hours * 3600
    jump = max(rules.sudden.floor, int(rules.sudden.factor * usual), expected)
    if moved:
        jump = min(jump, max(rules.moved.floor, int(rules.moved.factor * usual)))
    return usual, jump
