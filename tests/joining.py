"""Joins as tests bring them about: things that bind, and something that happens in the middle of a signup."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from riskapi.clusters.joins import Joins
from riskapi.links.entities import Links

#: Where: after the first trip, which touched things and read what is known, or after the second, which joined.
STEPS = ("before the join", "after the join")


def meanwhile(monkeypatch: pytest.MonkeyPatch, step: str, work: Callable[[], object]) -> None:
    """Have something done once, at a step of the next account that is joined to others."""
    join, once = Joins.join, iter([True])

    def between(joins: Joins, *given: Any, **named: Any) -> Any:
        first = next(once, False)
        if first and step == "before the join":
            work()
        found = join(joins, *given, **named)
        if first and step == "after the join":
            work()
        return found

    assert step in STEPS
    monkeypatch.setattr(Joins, "join", between)


def bind(links: Links, keys: Sequence[str], *, on: bool) -> None:
    """Note that things bind those who share them, or no longer do."""
    pipe = links._store.pipeline()
    links.queue_bind_mark(pipe, keys, on)
    links._store.run(pipe)
