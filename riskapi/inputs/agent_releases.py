"""When a browser's major version came out, from a few dates of each calendar and straight lines between them.

Dates are the release dates in MDN's ``browser-compat-data`` 8.1.9 (November 2026), which link the vendors' release
notes. Anchors stand where a cadence changed: Chrome went from six to four weeks with 94 (September 2021) and to
two with 153 (September 2026), Firefox to four weeks in 2020 and to two with 155 (September 2026), Edge follows Chrome,
Safari has one major version each September. Between anchors a date is off by 28 days at most (Chrome 60 to
159, Firefox 60 to 162, Edge 80 to 159; tests hold a sample), which is enough for an age in months.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, date, datetime
from typing import Final

_CHROME: Final = (
    (1, "2008-12-11"), (5, "2010-05-25"), (20, "2012-06-26"), (40, "2015-01-21"), (60, "2017-07-25"),
    (80, "2020-02-04"), (85, "2020-08-25"), (93, "2021-08-31"), (94, "2021-09-21"), (100, "2022-03-29"),
    (105, "2022-09-02"), (110, "2023-02-07"), (115, "2023-07-18"), (120, "2023-12-05"), (125, "2024-05-14"),
    (130, "2024-10-15"), (135, "2025-04-01"), (140, "2025-09-02"), (145, "2026-02-10"), (150, "2026-06-30"),
    (152, "2026-08-25"), (153, "2026-09-08"), (158, "2026-11-17"),
)  # fmt: skip
_EDGE: Final = (
    (80, "2020-02-07"), (85, "2020-08-27"), (90, "2021-04-15"), (95, "2021-10-21"), (100, "2022-04-01"),
    (110, "2023-02-09"), (120, "2023-12-07"), (130, "2024-10-17"), (140, "2025-09-05"), (145, "2026-02-14"),
    (152, "2026-08-28"), (153, "2026-09-11"), (158, "2026-11-19"),
)  # fmt: skip
_FIREFOX: Final = (
    (1, "2004-11-09"), (4, "2011-03-22"), (60, "2018-05-09"), (71, "2019-12-03"), (80, "2020-08-25"),
    (85, "2021-01-26"), (90, "2021-07-13"), (95, "2021-12-07"), (100, "2022-05-03"), (110, "2023-02-14"),
    (120, "2023-11-21"), (130, "2024-09-03"), (135, "2025-02-04"), (140, "2025-06-24"), (147, "2026-01-13"),
    (154, "2026-08-18"), (155, "2026-09-01"), (160, "2026-11-10"), (162, "2026-12-08"),
)  # fmt: skip
#: Safari went from 18 to 26 in 2025, when Apple began to number all its systems by year.
_SAFARI: Final = (
    (3, "2007-10-26"), (5, "2010-06-07"), (6, "2012-07-25"), (7, "2013-10-22"), (8, "2014-10-16"), (9, "2015-09-30"),
    (10, "2016-09-20"), (11, "2017-09-19"), (12, "2018-09-17"), (13, "2019-09-19"), (14, "2020-09-16"),
    (15, "2021-09-20"), (16, "2022-09-12"), (17, "2023-09-18"), (18, "2024-09-16"), (26, "2025-09-15"),
    (27, "2026-09-14"),
)  # fmt: skip
_OPERA: Final = (
    (15, "2013-07-02"), (40, "2016-09-20"), (60, "2019-04-09"), (80, "2021-10-05"), (100, "2023-06-29"),
    (115, "2024-11-27"), (130, "2026-04-08"), (140, "2026-11-10"),
)  # fmt: skip
_SAMSUNG: Final = (
    (4, "2016-03-11"), (10, "2019-08-22"), (13, "2020-12-02"), (16, "2021-11-25"), (20, "2023-02-10"),
    (24, "2024-01-25"), (27, "2024-11-06"), (28, "2025-04-02"), (29, "2025-10-25"), (30, "2026-05-11"),
)  # fmt: skip


def _calendar(anchors: tuple[tuple[int, str], ...]) -> tuple[tuple[int, ...], tuple[float, ...]]:
    majors = tuple(major for major, _ in anchors)
    return majors, tuple(
        datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC).timestamp() for _, day in anchors
    )


#: By family as ua-parser names it. Chrome and Firefox number all their platforms alike.
_CALENDARS: Final = {
    family: _calendar(anchors)
    for families, anchors in (
        (
            ("Chrome", "Chrome Mobile", "Chrome Mobile iOS", "Chrome Mobile WebView", "Chromium", "HeadlessChrome"),
            _CHROME,
        ),
        (("Edge", "Edge Mobile"), _EDGE),
        (("Firefox", "Firefox Mobile", "Firefox iOS"), _FIREFOX),
        (("Safari", "Mobile Safari"), _SAFARI),
        (("Opera",), _OPERA),
        (("Samsung Internet",), _SAMSUNG),
    )
    for family in families
}


def released(family: str, major: int) -> float | None:
    """Unix time at which ``major`` of ``family`` came out; ``None`` for a family without a calendar or before it.

    Versions past the last date are placed by the last cadence, so a number far ahead lies far in the future.
    """
    calendar = _CALENDARS.get(family)
    if calendar is None or major < calendar[0][0]:
        return None
    majors, times = calendar
    right = min(bisect_right(majors, major), len(majors) - 1)
    left = right - 1
    share = (major - majors[left]) / (majors[right] - majors[left])
    return times[left] + share * (times[right] - times[left])
