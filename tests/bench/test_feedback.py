"""What is said of the times from a complaint to the answer that shows it."""

from __future__ import annotations

import pytest

from tests.bench import feedback


@pytest.mark.parametrize(
    ("slowest", "word", "late"),
    [
        (0.2, "as aimed at", False),
        (1.9, "within the bound", False),
        (2.1, "TOO LATE", True),
        (float("inf"), "TOO LATE", True),
    ],
)
def test_the_slowest_of_a_hundred_decides(slowest: float, word: str, late: bool) -> None:
    found = {"the account": [0.1] * 99 + [slowest]}
    assert list(feedback.lines(found))[1].endswith(word)
    assert feedback.is_late(found) == late
