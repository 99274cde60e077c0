"""What is different between two policies, said in sentences, and what of it loosens."""

from __future__ import annotations

from typing import Any, cast

import pytest

from riskapi import policy
from riskapi.policy.changes import Change
from riskapi.policy.loosening import loosening
from riskapi.policy.told_changes import sentence
from tests.small_policy import good, overlaid, rule

SAID = [
    ("tiers.review.daily", 50, 30, "review: a cap of 50 a day becomes 30"),
    ("tiers.allow.steps[1].monthly", 9000, 12000, "allow, step 2: a cap of 9,000 a month becomes 12,000"),
    ("plans.pro.hourly", 10, 20, "plan pro: a cap of 10 an hour becomes 20"),
    ("plans.pro.review.daily", 10, 20, "plan pro, review: a cap of 10 a day becomes 20"),
    ("outage.daily", 20, 10, "outage: a cap of 20 a day becomes 10"),
    ("thresholds.review", 40.0, 30.5, "The score asks for a review from 30.5 on, instead of 40"),
    ("thresholds.limit", 90.0, 80.0, "The score limits from 80 on, instead of 90"),
    ("attack.limit", 60.0, 50.0, "The score limits in attack mode from 50 on, instead of 60"),
    ("rules.tor_exit", None, rule("x", "limit"), "The rule tor_exit is new: live, it asks for limit"),
    ("rules.tor_exit", rule("x"), None, "The rule tor_exit (live, review) is gone"),
    ("rules.tor_exit.mode", "shadow", "live", "The rule tor_exit, mode: shadow becomes live"),
    ("publishing.loosening_needs_second", False, True, "publishing.loosening_needs_second is switched on"),
    ("guard.signals", ["a_*"], ["a_*", "b_*"], "guard.signals: a_* becomes a_*, b_*"),
    ("plans.pro", None, {"hourly": 1, "paid": True}, "plans.pro is new: hourly 1, paid on"),
    ("plans.pro", {"hourly": 1000}, None, "plans.pro is gone, it was hourly 1,000"),
]


@pytest.mark.parametrize(("key", "before", "after", "said"), SAID, ids=[row[3] for row in SAID])
def test_a_difference_is_said_in_a_sentence(key: str, before: Any, after: Any, said: str) -> None:
    assert sentence(cast("Change", {"key": key, "from": before, "to": after})) == said


BASE = good(rules=[rule("old"), rule("tried", mode="shadow")], plans={}).model_dump(mode="json")
LOOSENS: list[tuple[dict[str, Any], list[str]]] = [
    ({"tiers": {"review": {"daily": 11}}}, []),
    ({"tiers": {"review": {"daily": 49}}}, ["tiers.review.daily"]),
    ({"thresholds": {"limit": 89.0}}, []),
    ({"thresholds": {"limit": 91.0}}, ["thresholds.limit"]),
    ({"rules": [rule("old"), rule("tried", mode="shadow"), rule("new")]}, []),
    ({"rules": [rule("old"), rule("tried", mode="live")]}, []),
    ({"rules": [rule("old")]}, []),
    ({"rules": [rule("tried", mode="shadow")]}, ["rules.old"]),
    ({"rules": [rule("old", "limit"), rule("tried", mode="shadow")]}, []),
    ({"rules": [rule("old", "allow"), rule("tried", mode="shadow")]}, ["rules.old.tier"]),
    (
        {"rules": [rule("old", velocity_phone_30d={"ge": 4}), rule("tried", mode="shadow")]},
        ["rules.old.when.velocity_phone_30d.ge"],
    ),
    ({"publishing": {"loosening_needs_second": True}}, []),
    ({"retention": {"decisions_days": 20}}, []),
    ({"attack": {"factor": 0.25}}, []),
    ({"attack": {"factor": 0.75}}, ["attack.factor"]),
    ({"plans": {"pro": {"hourly": 1, "daily": 1, "monthly": 1}}}, ["plans.pro"]),
]


@pytest.mark.parametrize(("change", "keys"), LOOSENS, ids=[str(change)[:60] for change, _ in LOOSENS])
def test_what_is_not_sure_to_tighten_loosens(change: dict[str, Any], keys: list[str]) -> None:
    low = overlaid(BASE, {"tiers": {"review": {"daily": min(BASE["tiers"]["review"]["daily"], 48)}}})
    assert [each["key"] for each in loosening(low, overlaid(low, change))] == keys


def test_turning_the_second_person_off_loosens() -> None:
    on = overlaid(BASE, {"publishing": {"loosening_needs_second": True}})
    assert [each["key"] for each in loosening(on, BASE)] == ["publishing.loosening_needs_second"]


def test_attack_mode_tightens_every_shipped_table_it_touches() -> None:
    shipped = policy.load(policy.DEFAULT)
    assert not loosening(shipped.model_dump(mode="json"), shipped.attacked.model_dump(mode="json"))
    assert shipped.attacked.attacked is shipped.attacked
