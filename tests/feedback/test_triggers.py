"""Which triggers fire: the thresholds that providers publish, small samples, lone voices, spikes, and silence."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskapi import policy
from riskapi.feedback.triggers import Met, acting, fired, weighed, wilson
from riskapi.policy.tables import FeedbackRules
from tests.conftest import NOW

RULES = policy.load(policy.DEFAULT).feedback
TODAY = int(NOW // 86_400)


def met(
    cause: str, count: int, sent: int, *, voices: int | None = None, days_ago: int = 0, ever: int | None = None
) -> Met:
    """So many events from so many voices, among recipients sent to today."""
    among = min(count, voices if voices is not None else count)
    spread = {f"v{number}": count // among + (number < count % among) for number in range(among)} if among else {}
    events: dict[Any, Any] = {cause: {TODAY - days_ago: spread}}
    return Met(events, {TODAY: sent}, sent if ever is None else ever)


CASES: dict[str, tuple[Met, str | None]] = {
    "nothing": (met("complaint", 0, 1000), None),
    "one complaint among the first fifty": (met("complaint", 1, 50), "first_complaint"),
    "one complaint after the first fifty is chance": (met("complaint", 1, 51), None),
    "one complaint in two hundred is worth a warning": (met("complaint", 1, 200), "complaints_warn"),
    "a rate just above a warning": (met("complaint", 100, 100_000), "complaints_warn"),
    "a rate above the limit": (met("complaint", 60, 40_000), "complaints_limit"),
    "a rate above the pause": (met("complaint", 200, 40_000), "complaints_pause"),
    "few and bad": (met("complaint", 6, 400), "complaints_pause"),
    "two complaints of two places among the first two hundred": (met("complaint", 2, 199), "second_complaint"),
    "two complaints of one place are one voice": (met("complaint", 2, 199, voices=1), None),
    "two complaints after that are chance": (met("complaint", 2, 199, ever=201), None),
    "too few recipients for a rate": (met("hard_bounce", 6, 199, days_ago=2), None),
    "all by one voice count half": (met("complaint", 10, 1600, voices=1), "complaints_limit"),
    "four hard bounces in a day": (met("hard_bounce", 4, 100), None),
    "five hard bounces in a day": (met("hard_bounce", 5, 100), "hard_bounces_in_a_day"),
    "five hard bounces over a week ago": (met("hard_bounce", 5, 100, days_ago=8), None),
    "a list with a twelfth of wrong addresses": (met("hard_bounce", 120, 1200), "hard_bounces_pause"),
    "a blocklist is named": (met("block_blocklist", 1, 5), "blocklist_named"),
    "a spam trap": (met("spam_trap", 1, 10_000), "spam_trap"),
}


@pytest.mark.parametrize(("found", "expected"), CASES.values(), ids=CASES)
def test_what_fires(found: Met, expected: str | None) -> None:
    assert [each.name for each in acting(fired(RULES, found, NOW))] == ([expected] if expected else [])


def test_shadow_triggers_are_told_and_not_done() -> None:
    silent = Met({}, {TODAY: 100}, 100)
    assert [each.name for each in fired(RULES, silent, NOW)] == ["silence"]
    assert acting(fired(RULES, silent, NOW)) == []
    assert fired(RULES, Met({}, {TODAY: 100}, 100, frozenset({TODAY})), NOW) == []


def test_a_spike_is_against_the_accounts_own_past() -> None:
    quiet = {TODAY - day: {"v": 1} for day in range(1, 20)}
    past: dict[int, int] = {TODAY - day: 1000 for day in range(1, 30)}
    today = {TODAY: {f"v{number}": 1 for number in range(12)}}
    spiky = Met({"complaint": {**quiet, **today}}, {**past, TODAY: 1000}, 10**6)
    assert "complaint_spike" in [each.name for each in fired(RULES, spiky, NOW)]
    usual = Met({"complaint": {**quiet, TODAY: {"v": 1}}}, {**past, TODAY: 1000}, 10**6)
    assert "complaint_spike" not in [each.name for each in fired(RULES, usual, NOW)]


@given(st.integers(0, 1000), st.integers(0, 100_000), st.floats(0, 4))
def test_the_lower_end_is_never_above_the_rate_and_rises_with_more_of_the_same(
    events: int, more: int, z: float
) -> None:
    of = events + more
    low = wilson(events, of, z)
    assert 0.0 <= low <= (events / of if of else 0.0) + 1e-12
    assert wilson(10 * events, 10 * of, z) >= low - 1e-12


@given(st.dictionaries(st.text(max_size=3), st.integers(1, 500), max_size=8), st.floats(0.01, 1))
def test_no_voice_weighs_more_than_its_share_and_each_at_least_one(voices: dict[str, int], share: float) -> None:
    total = sum(voices.values())
    found = weighed(voices, share)
    assert len(voices) <= found <= total
    assert found <= len(voices) * max(1, math.ceil(share * total))


def test_the_policy_says_what_the_code_has_for_policies_of_before() -> None:
    assert FeedbackRules() == RULES
