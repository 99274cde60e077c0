"""Release dates from a few anchors are exact to four weeks where the cadence was steady."""

from datetime import UTC, datetime

import pytest

from riskapi.inputs.agent_releases import _CALENDARS, released


@pytest.mark.parametrize(
    ("family", "major", "day"),
    [
        ("Chrome", 94, "2021-09-21"),
        ("Chrome Mobile", 132, "2025-01-14"),
        ("Chrome Mobile iOS", 143, "2025-12-02"),
        ("Chrome", 157, "2026-11-03"),
        ("Edge", 132, "2025-01-17"),
        ("Edge", 144, "2026-01-21"),
        ("Firefox", 105, "2022-09-20"),
        ("Firefox Mobile", 145, "2025-11-11"),
        ("Firefox", 158, "2026-10-13"),
        ("Safari", 18, "2024-09-16"),
        ("Mobile Safari", 26, "2025-09-15"),
        ("Samsung Internet", 27, "2024-11-06"),
    ],
)
def test_a_version_is_dated_within_four_weeks(family: str, major: int, day: str) -> None:
    exact = datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()
    found = released(family, major)
    assert found is not None
    assert abs(found - exact) <= 28 * 86_400


def test_a_version_far_ahead_lies_in_the_future() -> None:
    found, now = released("Chrome", 999), datetime(2026, 11, 22, tzinfo=UTC).timestamp()
    assert found is not None and found > now + 20 * 365 * 86_400


@pytest.mark.parametrize(("family", "major"), [("curl", 8), ("Chrome", 0), ("Safari", 1), ("", 1)])
def test_what_has_no_calendar_has_no_date(family: str, major: int) -> None:
    assert released(family, major) is None


def test_calendars_run_forwards() -> None:
    for majors, times in _CALENDARS.values():
        assert list(majors) == sorted(set(majors)) and list(times) == sorted(set(times))
