"""What the tests of the whole service share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from riskapi.store.connections import Store
from tests.trips import Trips


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> Trips:
    """How many trips some work takes."""
    counted = [0]
    for name in ("run", "execute"):
        through = getattr(Store, name)

        def count(self: Store, *given: Any, through: Any = through, **named: Any) -> Any:
            counted[0] += 1
            return through(self, *given, **named)

        monkeypatch.setattr(Store, name, count)

    def measure(work: Callable[[], Any]) -> int:
        before = counted[0]
        work()
        return counted[0] - before

    return measure
