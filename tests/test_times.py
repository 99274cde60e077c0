"""RFC 3339 as callers write it, and nothing else; pauses that grow."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from riskapi.times import EARLIEST, LATEST, Backoff, instant, rfc3339, unix_text, written


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-22T10:00:00Z", 1_795_341_600.0),
        ("2026-11-22t10:00:00z", 1_795_341_600.0),
        ("2026-11-22 12:00:00+02:00", 1_795_341_600.0),
        ("2026-11-22T10:00:00.25Z", 1_795_341_600.25),
        ("2026-11-22T10:00:00.123456789Z", 1_795_341_600.123456),
        ("2016-12-31T23:59:60Z", 1_483_228_800.0),  # a leap second, RFC 3339 section 5.8
        ("1990-12-31T15:59:60.5-08:00", 662_688_000.5),
        ("9999-12-31T23:59:60Z", LATEST),
        ("0001-01-01T00:00:00Z", EARLIEST),
        ("9999-12-31T23:59:59Z", LATEST),
        ("0001-01-01T00:00:00+23:59", EARLIEST),
        ("9999-12-31T23:59:59-23:59", LATEST),
    ],
)
def test_rfc_3339_is_understood(text: str, at: float) -> None:
    assert instant(text).timestamp() == at


@pytest.mark.parametrize(
    "text",
    [
        "", "now", "1700000000", "+1700000000", "1.7e9", "2026-11-22", "2026-11-22T10:00Z", "2026-11-22_10:00:00Z",
        "2026-11-22T10:00:00", "2026-11-22T10:00:00+0100", "2026-11-22T10:00:00−01:00", "2026-13-01T00:00:00Z",
        "2026-11-22T25:00:00Z", "0000-01-01T00:00:00Z",
        "2026-11-22T10:00:00Z\n", "２０26-11-22T10:00:00Z", "2026-11-22T10:00:00+99:99",
        "2026-11-22T10:00:00+24:00", "2026-11-22T10:00:61Z",
    ],
)  # fmt: skip
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        instant(text)


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (1_795_341_600.25, "2026-11-22T10:00:00.250Z"),
        (EARLIEST - 1, "0001-01-01T00:00:00.000Z"),
        (LATEST + 1e6, "9999-12-31T23:59:59.000Z"),
    ],
)
def test_times_are_written_in_utc_and_cut_to_what_can_be_written(at: float, text: str) -> None:
    assert rfc3339(at) == text


@given(st.one_of(st.floats(EARLIEST, LATEST), st.floats(-2, 2), st.floats(1.7e9, 1.8e9)))
@example(1_795_341_599.9999996)
@example(-0.0000004)
def test_a_time_is_written_as_python_itself_writes_it(at: float) -> None:
    own = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    assert rfc3339(at) == own.replace("+00:00", "Z")


@pytest.mark.parametrize(
    "at", [0.0, -0.5, 1, 1_795_341_600.0, 1_795_341_600.123456, 1_795_341_600.1234567, 0.1 + 0.2, EARLIEST, LATEST]
)
def test_a_unix_time_is_written_as_the_shortest_text_that_is_read_as_the_same(at: float) -> None:
    assert unix_text(at) == repr(at)


def test_pauses_grow_while_starts_fail_and_end_with_a_life_that_was_long_enough() -> None:
    backoff = Backoff(first=0.5, longest=10.0, steady=10.0)
    assert [backoff.after(1.0) for _ in range(7)] == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    assert backoff.after(10.0) == 0.0
    assert backoff.after(9.9) == 0.5, "from the beginning"


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine that is not on UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "EST5EDT,M3.2.0,M11.1.0")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 22 Nov 2026 10:00:00 GMT",
        "Sun, 22 Nov 2026 12:00:00 +0200",
        "Sun, 22 Nov 2026 10:00:00 -0000",  # RFC 5322, 3.3: UTC, of somebody who may be anywhere
        "Sun, 22 Nov 2026 10:00:00",
        "Sunday, 22-Nov-26 10:00:00 GMT",  # RFC 9110, 5.6.7, and the next one
        "Sun Nov 22 10:00:00 2026",
    ],
)
def test_a_date_of_mail_and_http_is_in_utc_where_it_names_no_zone(elsewhere: None, text: str) -> None:
    assert written(text) == 1_795_341_600.0
