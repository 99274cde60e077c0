"""One setting: how a field of :class:`riskapi.settings.Settings` is declared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import TypeVar

T = TypeVar("T")


def declare(
    parse: Callable[[str], object],
    meaning: str,
    *,
    default: Callable[[], T],
    shown: str,
    name: str | None = None,
) -> T:
    """A field: its parser, its meaning, and its default, which docs/settings.md prints as ``shown``.

    ``name`` is that of the environment variable where it is not made of the field's.
    """
    metadata = {"parse": parse, "meaning": meaning, "shown": shown, "name": name}
    made: T = field(default_factory=default, metadata=metadata)
    return made
