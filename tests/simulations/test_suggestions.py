"""Thresholds proposed for a budget: by labels, with what rules do anyway, and never past what is known."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from riskapi.lists.matching import Listed
from riskapi.policy.active import Basis
from riskapi.simulations.recorded_signups import ReadingBack
from riskapi.simulations.suggestion import Asked, Proposal, Scored, proposal
from tests.small_policy import made

DAY = 86400.0
UNTIL = 100 * DAY
ASKED: Asked = {"reviews_per_day": 1.0, "legitimate_limited": 0.02}


def row(score: float, label: str = "", floor: Any = "allow", limit: float | None = None, listed: Any = None) -> Scored:
    return Scored(UNTIL - 10 * DAY, label, score, score if limit is None else limit, floor, listed)


def proposed(rows: list[Scored], scorer: Any = "a model", mode: str = "live", **asked: float) -> Proposal:
    back = cast("ReadingBack", SimpleNamespace(since=0.0, is_cut=False, older=0, gone=0))
    basis = Basis(made(mode=mode), cast("Any", scorer), {})
    return proposal(rows, back, UNTIL, basis, cast("Asked", {**ASKED, **asked}))


#: A hundred legitimate accounts with scores 0 to 99, over ten days.
GOOD = [row(float(score), "legitimate") for score in range(100)]


def test_the_limit_takes_as_many_legitimate_accounts_as_it_may() -> None:
    found = proposed(GOOD)
    assert found["thresholds"]["limit"] == 97.01
    assert found["legitimate_limited"]["after"]["count"] == 2
    # One review a day for ten days: the ten highest below the limit.
    assert found["thresholds"]["review"] == 87.01
    assert found["reviews_per_day"]["after"]["a_day"] == 1
    assert found["met"] == {"reviews_per_day": True, "legitimate_limited": True, "surely": False}
    assert found["policy"]["thresholds"] == found["thresholds"]
    assert found["now"] == {"review": 40, "limit": 90.5}
    assert found["reasons"][0].startswith("They rest on 100 recorded signups of 10 days")


@pytest.mark.parametrize(
    ("share", "limit"), [(0.0, 99.01), (0.1, 89.01), (0.4, 59.01), (0.49, 50.01), (0.9, 50.0), (1.0, 50.0)]
)
def test_nobody_is_limited_who_is_more_likely_good(share: float, limit: float) -> None:
    assert proposed(GOOD, legitimate_limited=share)["thresholds"]["limit"] == limit


def test_with_few_labels_the_limit_stays() -> None:
    found = proposed([row(10.0, "legitimate")] * 29 + [row(95.0)] * 5)
    assert found["thresholds"]["limit"] == 90.5
    assert "29 accounts are labelled legitimate" in found["reasons"][1]


def test_what_rules_bring_is_counted_in() -> None:
    rules = [row(0.0, floor="review")] * 8
    found = proposed(GOOD + rules)
    assert found["thresholds"]["review"] == 95.01
    assert found["reviews_per_day"]["after"]["a_day"] == 1
    many = proposed(GOOD + rules * 2)
    assert not many["met"]["reviews_per_day"] and many["thresholds"]["review"] == 97.0
    assert "Rules and lists alone bring 16 reviews, where 10 fit" in many["reasons"][2]
    limited = proposed([*GOOD[:97], *[row(0.0, "legitimate", floor="limit")] * 3])
    assert limited["thresholds"]["limit"] == 100 and not limited["met"]["legitimate_limited"]


def test_lists_have_the_last_word() -> None:
    allowed, denied = (cast("Listed", SimpleNamespace(list=name)) for name in ("allow", "deny"))
    found = proposed([*GOOD, *[row(99.0, listed=allowed)] * 50, *[row(1.0, listed=denied)] * 50])
    assert found["thresholds"] == proposed(GOOD)["thresholds"]


def test_whoever_the_guard_eases_is_reviewed_and_not_limited() -> None:
    found = proposed([*GOOD, row(99.5, limit=5.0)])
    assert found["thresholds"]["limit"] == 97.01
    # It takes the place of one of the ten.
    assert found["thresholds"]["review"] == 88.01


@pytest.mark.parametrize(
    ("scorer", "mode", "said"),
    [(None, "off", "The model is off"), ("a model", "shadow", "The model is in shadow")],
)
def test_a_model_that_decides_nothing_is_said(scorer: Any, mode: str, said: str) -> None:
    found = proposed(GOOD, scorer, mode)
    assert any(reason.startswith(said) for reason in found["reasons"])
    assert (found["thresholds"] == found["now"]) == (scorer is None)


def test_of_nothing_at_all_the_lowest_review_is_proposed() -> None:
    found = proposed([])
    assert found["thresholds"] == {"review": 5.01, "limit": 90.5}
    assert found["foundation"]["decisions"] == 0
