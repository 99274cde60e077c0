"""The plain records of the hot path: immutable for the type checker, and cheap to make when running."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

Made = TypeVar("Made")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(made: type[Made]) -> type[Made]:
    """Make a class a dataclass with slots that mypy holds frozen: assigning to a field is an error there.

    A signup makes some thirty records. Frozen at run time as well, each takes five times as long to make (3.4 µs
    against 0.3 µs for twelve fields), which adds up to a tenth of a decision.
    """
    return dataclass(slots=True)(made)
