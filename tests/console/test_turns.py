"""Turns of threads are short while any page is made, and the usual ones again after the last."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator

import pytest

from riskapi.console.turns import SHORT, ShortTurns


@pytest.fixture(autouse=True)
def usual() -> Iterator[float]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(0.004)
    yield 0.004
    sys.setswitchinterval(interval)


def test_turns_are_short_until_the_last_page_is_made(usual: float) -> None:
    turns = ShortTurns()
    with turns:
        with turns:
            assert sys.getswitchinterval() == pytest.approx(SHORT)
        assert sys.getswitchinterval() == pytest.approx(SHORT)
    assert sys.getswitchinterval() == pytest.approx(usual)


def test_a_page_that_fails_gives_the_usual_turns_back(usual: float) -> None:
    with pytest.raises(OSError, match="gone"), ShortTurns():
        raise OSError("gone")
    assert sys.getswitchinterval() == pytest.approx(usual)


def test_pages_made_at_once_leave_the_usual_turns(usual: float) -> None:
    turns, start = ShortTurns(), threading.Barrier(4)

    def pages() -> None:
        start.wait(20)
        for _ in range(2_000):
            with turns:
                pass

    threads = [threading.Thread(target=pages) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sys.getswitchinterval() == pytest.approx(usual)
