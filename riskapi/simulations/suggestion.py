"""Thresholds that meet a budget of reviews and of good accounts limited, by recorded signups and their labels. Pure.

Nothing is applied. What rules, lists and outages decide stands whatever the thresholds are, and is counted in.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from typing_extensions import TypedDict

from riskapi.contract import Tier
from riskapi.decisions.decide import decide, probability_alone, under
from riskapi.decisions.record import listing
from riskapi.lists.matching import Listed
from riskapi.policy import Policy
from riskapi.policy.active import Basis
from riskapi.policy.tables import SEVERITY, Thresholds
from riskapi.simulations.confidence_intervals import BeforeAndAfter, rate, share
from riskapi.simulations.recorded_signups import ReadingBack, RecordedSignup
from riskapi.simulations.simulation import Foundation, RateBeforeAndAfter, foundation
from signals.records import record

#: The least score that is proposed for the limit: whoever is limited should be abuse more likely than not.
LEAST_LIMIT = 50.0
#: Labelled legitimate accounts from which on the limit is moved. With 30 of which none is limited, up to a tenth of all
#: may be (the rule of three: Hanley and Lippman-Hand, JAMA 249, 1983); with fewer it is a guess.
LEAST_LABELLED = 30


class ThresholdsView(TypedDict):
    """The ``risk_score`` from which on the model alone asks for a tier."""

    review: float
    limit: float


class Asked(TypedDict):
    """The budget: reviews a day at most, and the share of labelled legitimate accounts that may be limited."""

    reviews_per_day: float
    legitimate_limited: float


class Met(TypedDict):
    """Whether the thresholds keep to the budget, on what was recorded. ``surely``: the whole 95 % interval does."""

    reviews_per_day: bool
    legitimate_limited: bool
    surely: bool


class Proposal(TypedDict):
    """Proposed thresholds with what they would have done, and why just these. ``policy`` is the policy in force with
    them, to be simulated and published. ``now`` are those in force, ``before`` and ``after`` say what each do.
    """

    foundation: Foundation
    asked: Asked
    thresholds: ThresholdsView
    now: ThresholdsView
    met: Met
    reasons: list[str]
    reviews_per_day: RateBeforeAndAfter
    abuse_caught: BeforeAndAfter
    legitimate_limited: BeforeAndAfter
    policy: Mapping[str, Any]


@record
class Scored:
    """One signup as thresholds see it: the scores, 0 to 100, that are held against them, the tier it gets whatever the
    score is, and the entry of a list that has the last word.
    """

    at: float
    label: str
    review: float
    limit: float
    floor: Tier
    listing: Listed | None

    def tier(self, review: float, limit: float) -> Tier:
        """The tier under these thresholds."""
        model: Tier = "limit" if self.limit >= limit else "review" if self.review >= review else "allow"
        return under(self.listing, max(model, self.floor, key=SEVERITY.__getitem__))


def scored(past: RecordedSignup, basis: Basis) -> Scored:
    """One signup as thresholds see it, with the model as if it were live."""
    policy, listed = basis.policy, listing(past.recorded)
    silent = policy.model_copy(update={"thresholds": Thresholds.model_construct(review=math.inf, limit=math.inf)})
    decided = decide(
        past.readings, basis.scorer, silent, bare=True, store_away=past.recorded["store_away"], listing=listed
    )
    whole = alone = 0.0
    if basis.scorer is not None:
        whole = alone = basis.scorer.score(past.readings).probability
        if whole > policy.model.prior:  # below it nothing is proposed, and the guard's look is dear
            alone = probability_alone(past.readings, basis.scorer, policy)
    guarded = SEVERITY[policy.guard.tier]
    return Scored(
        past.at,
        past.label,
        100.0 * (alone if SEVERITY["review"] > guarded else whole),
        100.0 * (alone if SEVERITY["limit"] > guarded else whole),
        decided.before,
        None if past.recorded["store_away"] else listed,
    )


def proposal(rows: Iterable[Scored], back: ReadingBack, until: float, basis: Basis, asked: Asked) -> Proposal:
    """Thresholds for a budget, from a reading back that ended at Unix time ``until``."""
    found = sorted((row for row in rows if row.at >= back.since), key=lambda row: row.at)
    based = foundation(back, len(found), found[0].at if found else until, until)
    policy, reasons = basis.policy, [f"They rest on {based['text']}"]
    now = policy.thresholds
    if basis.scorer is None:
        review, limit = now.review, now.limit
        reasons.append("The model is off, so no threshold decides anything and none is moved")
    else:
        limit = _limit([row for row in found if row.label == "legitimate"], policy, asked, reasons)
        review = _review(found, int(asked["reviews_per_day"] * based["days"]), limit, policy, reasons)
    if policy.model.mode == "shadow":
        reasons.append("The model is in shadow: the thresholds decide nothing until it is live")

    def counted(
        tier: Tier, label: str | None, thresholds: tuple[float, float], *, least: bool = False
    ) -> tuple[int, int]:
        tiers = [row.tier(*thresholds) for row in found if label in (None, row.label)]
        return sum(each == tier or (least and SEVERITY[each] > SEVERITY[tier]) for each in tiers), len(tiers)

    def both(tier: Tier, label: str, least: bool = False) -> BeforeAndAfter:
        return {
            "before": share(*counted(tier, label, (now.review, now.limit), least=least)),
            "after": share(*counted(tier, label, (review, limit), least=least)),
        }

    days = based["days"]
    reviews: RateBeforeAndAfter = {
        "before": rate(counted("review", None, (now.review, now.limit))[0], days),
        "after": rate(counted("review", None, (review, limit))[0], days),
    }
    legitimate = both("limit", "legitimate")
    after, most = legitimate["after"], asked["legitimate_limited"]
    return {
        "foundation": based,
        "asked": asked,
        "thresholds": {"review": review, "limit": limit},
        "now": {"review": now.review, "limit": now.limit},
        "met": {
            "reviews_per_day": reviews["after"]["a_day"] <= asked["reviews_per_day"],
            "legitimate_limited": (after["share"] or 0.0) <= most,
            "surely": after["high"] <= most and reviews["after"]["high"] <= asked["reviews_per_day"],
        },
        "reasons": reasons,
        "reviews_per_day": reviews,
        "abuse_caught": both("review", "abuse", least=True),
        "legitimate_limited": legitimate,
        "policy": {
            **policy.model_dump(mode="json"),
            "thresholds": {"review": review, "limit": limit},
        },
    }


def _limit(legitimate: list[Scored], policy: Policy, asked: Asked, reasons: list[str]) -> float:
    """The lowest threshold of the limit that keeps to the share of legitimate accounts."""
    if len(legitimate) < LEAST_LABELLED:
        reasons.append(
            f"The limit stays at {policy.thresholds.limit:g}: {len(legitimate)} accounts are labelled legitimate, and "
            f"fewer than {LEAST_LABELLED} say nothing"
        )
        return policy.thresholds.limit
    most = int(asked["legitimate_limited"] * len(legitimate))
    anyway = sum(row.tier(math.inf, math.inf) == "limit" for row in legitimate)
    if anyway > most:
        reasons.append(
            f"Rules and lists alone limit {anyway} of {len(legitimate)} legitimate accounts, where {most} may be: no "
            "threshold mends that"
        )
        return 100.0
    free = [row.limit for row in legitimate if row.tier(math.inf, math.inf) != "limit" and row.tier(0, 0) == "limit"]
    found = _above(free, most - anyway, LEAST_LIMIT)
    reasons.append(
        f"From {found:g} on the limit takes at most {most} of the {len(legitimate)} accounts labelled legitimate"
        + (f"; lower than {LEAST_LIMIT:g} is not proposed" if found == LEAST_LIMIT else "")
    )
    return found


def _review(found: list[Scored], most: int, limit: float, policy: Policy, reasons: list[str]) -> float:
    """The lowest threshold of a review that keeps to the reviews there may be in all."""
    least, highest = round(policy.model.prior * 100 + 0.01, 2), round(limit - 0.01, 2)
    anyway = sum(row.tier(math.inf, limit) == "review" for row in found)
    free = [row.review for row in found if row.tier(math.inf, limit) == "allow" and row.tier(0, limit) == "review"]
    if anyway > most:
        reasons.append(
            f"Rules and lists alone bring {anyway} reviews, where {most} fit in that time: no threshold mends that"
        )
        return highest
    review = min(_above(free, most - anyway, least), highest)
    reasons.append(
        f"From {review:g} on there is room for {most} reviews in that time, of which rules and lists bring {anyway}"
    )
    return review


def _above(scores: list[float], most: int, least: float) -> float:
    """The lowest threshold, to two digits and not below ``least``, that at most so many of these scores reach."""
    if most >= len(scores):
        return least
    over = sorted(scores, reverse=True)[most]
    return min(max(round(math.floor(over * 100) / 100 + 0.01, 2), least), 100.0)
