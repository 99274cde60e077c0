"""What is different between two policies, as a person would say it."""

from __future__ import annotations

from typing import Any

import pytest

from riskapi.policy.changes import changes
from tests.small_policy import good

RULE = {"name": "one", "mode": "live", "tier": "review", "text": "t", "when": {"velocity_phone_30d": {"ge": 2}}}
OTHER = {**RULE, "name": "two"}
STEP = {"days": 2, "hourly": 1, "daily": 2, "monthly": 3}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param({"version": 1}, {"version": 2}, [], id="only the version"),
        pytest.param(
            {"tiers": {"review": {"daily": 50, "hourly": 20}}},
            {"tiers": {"review": {"daily": 60, "hourly": 20}}},
            [("tiers.review.daily", 50, 60)],
            id="a cap",
        ),
        pytest.param({"a": 1}, {"a": 1.0}, [], id="the same number"),
        pytest.param({"a": {"eq": 1}}, {"a": {"eq": True}}, [("a.eq", 1, True)], id="true is not one"),
        pytest.param({}, {"sends": {"near": 1}}, [("sends", None, {"near": 1})], id="a table more"),
        pytest.param({"sends": 1}, {}, [("sends", 1, None)], id="a table less"),
        pytest.param({"g": ["a", "b"]}, {"g": ["b"]}, [("g", ["a", "b"], ["b"])], id="a list of words"),
        pytest.param({"g": []}, {"g": ["b"]}, [("g", [], ["b"])], id="a list that was empty"),
        pytest.param(
            {"steps": [STEP]}, {"steps": [{**STEP, "daily": 9}]}, [("steps[0].daily", 2, 9)], id="a step is other"
        ),
        pytest.param({"steps": [STEP]}, {"steps": []}, [("steps[0]", STEP, None)], id="a step less"),
        pytest.param({"steps": []}, {"steps": [STEP]}, [("steps[0]", None, STEP)], id="a step more"),
        pytest.param(
            {"rules": [RULE, OTHER]},
            {"rules": [RULE, {**OTHER, "mode": "off"}]},
            [("rules.two.mode", "live", "off")],
            id="a rule's mode",
        ),
        pytest.param(
            {"rules": [RULE]},
            {"rules": [{**RULE, "when": {"velocity_phone_30d": {"gt": 2}}}]},
            [("rules.one.when.velocity_phone_30d.ge", 2, None), ("rules.one.when.velocity_phone_30d.gt", None, 2)],
            id="a condition",
        ),
        pytest.param(
            {"rules": [OTHER]},
            {"rules": [RULE, OTHER]},
            [("rules.one", None, {key: value for key, value in RULE.items() if key != "name"})],
            id="a rule more, before another",
        ),
        pytest.param(
            {"rules": [RULE, OTHER]}, {"rules": [OTHER, RULE]}, [("rules", ["one", "two"], ["two", "one"])], id="order"
        ),
    ],
)
def test_changes_are_named_by_their_keys(before: Any, after: Any, expected: list[tuple[str, Any, Any]]) -> None:
    assert [(row["key"], row["from"], row["to"]) for row in changes(before, after)] == expected
    back = [(row["key"], row["to"], row["from"]) for row in changes(after, before)]
    assert sorted(back, key=str) == sorted(expected, key=str)


def test_a_whole_policy_does_not_differ_from_itself() -> None:
    found = good().model_dump(mode="json")
    assert changes(found, found) == []
    assert len(changes({}, found)) > 10
