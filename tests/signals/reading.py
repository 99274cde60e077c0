"""Signals read one by one, the plain way: :func:`signals.registry.read` reads all, and what several need only once."""

from __future__ import annotations

from signals.facts import Facts
from signals.registry import Signal, Value


def alone(signal: Signal, facts: Facts) -> Value:
    """What a signal says by itself."""
    seen = signal.of(facts)
    return None if seen is None else signal.judge(seen)
