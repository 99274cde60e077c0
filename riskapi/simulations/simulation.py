"""What a proposed policy would have made of recorded signups, beside what the policy in force makes of them. Pure.

Both decide anew on the recorded readings, so only what differs between them counts. Nothing is written.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from riskapi.contract import Count, Instant, Tier
from riskapi.decisions.decide import Decision
from riskapi.decisions.recorded_decisions import decided_again
from riskapi.policy.active import Basis
from riskapi.policy.tables import SEVERITY, Caps
from riskapi.simulations.confidence_intervals import BeforeAndAfter, Rate, Share, rate, share
from riskapi.simulations.recorded_signups import ReadingBack, RecordedSignup
from riskapi.times import DAY, rfc3339
from signals.records import record

#: Accounts named of each move, and established customers named in all: as many as a person looks at.
_NAMED, _MOST_ESTABLISHED = 10, 100


class Foundation(TypedDict):
    """What the figures rest on: so many recorded signups, since when, over how many days.

    ``whole`` is false where only the newest were read; ``since`` then says how far back that was. ``older_signals``
    were read by fewer signals than there are today, the rest unknown; ``gone`` could not be read, or are kept no more.
    """

    decisions: Count
    since: Instant
    until: Instant
    days: float
    whole: bool
    older_signals: Count
    gone: Count
    text: str


_From = TypedDict("_From", {"from": Tier})


class Move(_From):
    """Accounts that would move from one tier to another; ``sample`` are the ids of the newest of them."""

    to: Tier
    accounts: Count
    established: Count
    sample: list[str]


class MovedCustomer(_From):
    """An established customer that would move."""

    user_id: str
    to: Tier


class TouchedAccount(_From):
    """An account of somebody good that the policy would hold tighter: its tier before and after, and how many more of
    the recipients it wrote to in the last 30 days would be above its caps.
    """

    user_id: str
    to: Tier
    established: bool
    recipients_capped: int


class TouchedGood(TypedDict):
    """Established customers, and accounts labelled legitimate, that would get a tighter tier, or whose mail of the last
    30 days would meet more of their caps; the ten that it would touch most.
    """

    accounts: Count
    most: list[TouchedAccount]


class MovedBy(TypedDict):
    """Accounts that move because of one thing: `model`, `rule:<name>`, `list` or `outage`."""

    reason: str
    tightened: Count
    loosened: Count


class TierCounts(TypedDict):
    """How many accounts are in a tier before and after."""

    tier: Tier
    before: Count
    after: Count


class CapsHit(TypedDict):
    """Accounts that would reach their own daily or monthly cap by what they were granted in the last 30 days, and how
    many of these recipients lie above it.
    """

    accounts: Count
    recipients_capped: Count


class CapsBeforeAndAfter(TypedDict):
    """Caps hit under the policy in force, and under the one that was tried."""

    before: CapsHit
    after: CapsHit


class RateBeforeAndAfter(TypedDict):
    """A rate under the policy in force, and under the one that was tried."""

    before: Rate
    after: Rate


class Effect(TypedDict):
    """What would change, and what it rests on.

    ``abuse_caught`` are the accounts labelled abuse that are reviewed or limited, ``legitimate_limited`` those labelled
    legitimate that are limited.
    """

    foundation: Foundation
    moved_accounts: Count
    moved: list[Move]
    established: Annotated[list[MovedCustomer], Field(description="At most 100.")]
    touched: TouchedGood
    tiers: list[TierCounts]
    reasons: list[MovedBy]
    reviews_per_day: RateBeforeAndAfter
    abuse_caught: BeforeAndAfter
    legitimate_limited: BeforeAndAfter
    recipients_capped: Annotated[int, Field(description="How many more are capped than now; negative: fewer.")]
    caps: CapsBeforeAndAfter


@record
class SignupOutcome:
    """One signup under both policies: tiers, what set the tighter one, and whether its account meets a cap."""

    user_id: str
    at: float
    before: Tier
    after: Tier
    by: str
    label: str
    established: bool
    hit: tuple[bool, bool]
    capped: tuple[int, int]


def outcome(past: RecordedSignup, before: Basis, after: Basis) -> SignupOutcome:
    """What becomes of one signup under the policy in force, and under another."""
    was = decided_again(past.recorded, past.readings, before, bare=True)
    would = decided_again(past.recorded, past.readings, after, bare=True)
    now = past.allowed(before.policy)
    # Where the signup is decided the same, its account stays in the tier that what came after has brought it to.
    then = past.allowed(after.policy, would.tier if would.tier != was.tier else None)
    days = now.usage.days
    tighter = would if SEVERITY[would.tier] > SEVERITY[was.tier] else was
    return SignupOutcome(
        past.user_id,
        past.at,
        was.tier,
        would.tier,
        _cause(tighter),
        past.label,
        now.account.established is not None,
        (_is_hit(days, now.allowed.caps), _is_hit(days, then.allowed.caps)),
        (_capped(days, now.allowed.caps), _capped(days, then.allowed.caps)),
    )


def effect(found: Iterable[SignupOutcome], back: ReadingBack, until: float) -> Effect:
    """The outcomes of a reading back that ended at Unix time ``until``, counted."""
    rows = sorted((row for row in found if row.at >= back.since), key=lambda row: -row.at)
    based = foundation(back, len(rows), rows[-1].at if rows else until, until)
    moved: defaultdict[tuple[Tier, Tier], list[SignupOutcome]] = defaultdict(list)
    causes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        if row.before != row.after:
            moved[row.before, row.after].append(row)
            causes[row.by]["tightened" if SEVERITY[row.after] > SEVERITY[row.before] else "loosened"] += 1
    reviews = [sum(tier == "review" for tier in tiers) for tiers in _tiers(rows)]
    capped = [sum(row.capped[at] for row in rows) for at in (0, 1)]
    hit = [sum(row.hit[at] for row in rows) for at in (0, 1)]
    customers = [row for row in rows if row.established and row.before != row.after]
    return {
        "foundation": based,
        "moved_accounts": sum(map(len, moved.values())),
        "moved": [
            {
                "from": before,
                "to": after,
                "accounts": len(each),
                "established": sum(row.established for row in each),
                "sample": [row.user_id for row in each[:_NAMED]],
            }
            for (before, after), each in sorted(moved.items(), key=lambda item: -len(item[1]))
        ],
        "established": [
            {"user_id": row.user_id, "from": row.before, "to": row.after} for row in customers[:_MOST_ESTABLISHED]
        ],
        "touched": _touched(rows),
        "tiers": [
            {
                "tier": tier,
                "before": sum(row.before == tier for row in rows),
                "after": sum(row.after == tier for row in rows),
            }
            for tier in _ALL
        ],
        "reasons": [
            {"reason": name, "tightened": counts["tightened"], "loosened": counts["loosened"]}
            for name, counts in sorted(causes.items(), key=lambda item: -item[1].total())
        ],
        "reviews_per_day": {"before": rate(reviews[0], based["days"]), "after": rate(reviews[1], based["days"])},
        "abuse_caught": _both(rows, "abuse", lambda tier: tier != "allow"),
        "legitimate_limited": _both(rows, "legitimate", lambda tier: tier == "limit"),
        "recipients_capped": capped[1] - capped[0],
        "caps": {
            "before": {"accounts": hit[0], "recipients_capped": capped[0]},
            "after": {"accounts": hit[1], "recipients_capped": capped[1]},
        },
    }


_ALL: tuple[Tier, ...] = ("allow", "review", "limit")


def foundation(back: ReadingBack, decisions: int, oldest: float, until: float) -> Foundation:
    """What figures from a reading back rest on, up to Unix time ``until``. The oldest signup is from ``oldest``."""
    whole = not back.is_cut
    since = back.since if back.is_cut else max(oldest, back.since)
    days = round(max((until - since) / DAY, 1.0), 2)  # a rate by less than a day would be a guess
    spoken = f"{days:g} {'day' if days == 1 else 'days'}"
    text = f"{decisions:,} recorded signups of {spoken}, {rfc3339(since)[:10]} to {rfc3339(until)[:10]}"
    return {
        "decisions": decisions,
        "since": rfc3339(since),
        "until": rfc3339(until),
        "days": days,
        "whole": whole,
        "older_signals": back.older,
        "gone": back.gone,
        "text": text if whole else f"{text}; earlier ones were left out, there are too many",
    }


def _touched(rows: list[SignupOutcome]) -> TouchedGood:
    """Those of the good that it touches, first those moved furthest, then those with most above their caps."""

    def by(row: SignupOutcome) -> tuple[int, int]:
        return SEVERITY[row.after] - SEVERITY[row.before], row.capped[1] - row.capped[0]

    good = [row for row in rows if (row.established or row.label == "legitimate") and max(by(row)) > 0]
    most = sorted(good, key=by, reverse=True)[:_NAMED]
    return {
        "accounts": len(good),
        "most": [
            {
                "user_id": row.user_id,
                "from": row.before,
                "to": row.after,
                "established": row.established,
                "recipients_capped": row.capped[1] - row.capped[0],
            }
            for row in most
        ],
    }


def _tiers(rows: list[SignupOutcome]) -> tuple[list[Tier], list[Tier]]:
    return [row.before for row in rows], [row.after for row in rows]


def _both(rows: list[SignupOutcome], label: str, counts: Callable[[Tier], bool]) -> BeforeAndAfter:
    before, after = _tiers([row for row in rows if row.label == label])

    def of(tiers: list[Tier]) -> Share:
        return share(sum(map(counts, tiers)), len(tiers))

    return {"before": of(before), "after": of(after)}


def _cause(decision: Decision) -> str:
    return f"rule:{decision.rule}" if decision.source == "rule" and decision.rule else decision.source


def _is_hit(days: Mapping[int, int], caps: Caps) -> bool:
    """Whether an account that sent so much on each day of the last 30 stood at a cap. What it was refused is not known,
    so a cap of nothing counts only where something was sent.
    """
    total = sum(days.values())
    return total > 0 and (max(days.values()) >= caps.daily or total >= caps.monthly)


def _capped(days: Mapping[int, int], caps: Caps) -> int:
    """Recipients of the last 30 days above the daily caps, or above the monthly one, whichever are more."""
    return max(sum(max(count - caps.daily, 0) for count in days.values()), sum(days.values()) - caps.monthly, 0)
