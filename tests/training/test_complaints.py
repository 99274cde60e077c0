"""What is printed of complaints: bad figures too."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from training.complaints import Contained, Touched, show
from training.report import Report

RINGS = [Contained(1, True, 3.0, 40), Contained(1, False, None, 500)]


@pytest.mark.parametrize(("touched", "word"), [(1, "PASS"), (2, "MISSED")])
def test_it_says_whether_good_accounts_are_touched_too_often(touched: int, word: str) -> None:
    text = StringIO()
    holds = show(
        RINGS, Touched(accounts=300, touched=touched, first=touched), Report(Console(file=text, width=120), "simulated")
    )
    assert holds == (word == "PASS")
    assert word in text.getvalue() and "never" in text.getvalue() and "≤ 3" in text.getvalue()
    assert text.getvalue().count("(simulated)") == 3
