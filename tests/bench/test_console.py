"""What is said of pages that are timed, and of a queue that is cleared by keyboard."""

from __future__ import annotations

import pytest

from tests.bench import pages, reviewing
from tests.bench.pages import Found, Timed
from tests.bench.reviewing import Cleared


@pytest.mark.parametrize(("slow", "is_over"), [(1, False), (3, True)])
def test_a_page_is_over_when_more_than_five_of_a_hundred_answers_are(slow: int, is_over: bool) -> None:
    timed = Timed("/queue", [10.0] * (40 - slow) + [200.0] * slow)
    text = "\n".join(pages.lines(Found(100, 5, [timed], {"alone": [1.0, 2.0]})))
    assert ("OVER 150" in text) == is_over and "100 accounts and 5 open reviews" in text


def test_keys_are_counted_over_all_cases() -> None:
    text = list(reviewing.lines([Cleared(12, "limit", 3, 80.0), Cleared(1, "allow", 1, 20.0)]))
    assert text[-1].strip().startswith("4 keys for 2 cases: 2.00 a case, aim 4")
