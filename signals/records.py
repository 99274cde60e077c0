"""The plain records of the hot path: immutable for the type checker, and cheap to make when running."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any, TypeVar, dataclass_transform

Made = TypeVar("Made")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(made: type[Made]) -> type[Made]:
    """Make a class a dataclass with slots that mypy holds frozen: assigning to a field is an error there.

    A signup makes some thirty records. Frozen at run time as well, each takes five times as long to make (3.4 µs
    against 0.3 µs for twelve fields), which adds up to a tenth of a decision.
    """
    return dataclass(slots=True)(made)


def changed(made: Made, /, **values: Any) -> Made:
    """The same record with other values in some fields, as :func:`dataclasses.replace`, in a fraction of its time.

    Only for records that :func:`record` made. AttributeError for a field that it does not have.
    """
    kind: Any = type(made)
    copy: Made = _copier(kind)(made)
    for name, value in values.items():
        setattr(copy, name, value)
    return copy


@cache
def _copier(kind: type[Any]) -> Callable[[Any], Any]:
    """The function that copies a record of a kind: one assignment a field, written out as ``dataclass`` writes
    ``__init__``. Reading all fields and calling ``__init__`` with them takes twice the instructions.
    """
    lines = [f"    copy.{each.name} = made.{each.name}" for each in fields(kind)]
    names: dict[str, Any] = {"new": object.__new__, "kind": kind}
    exec("\n".join(["def copied(made):", "    copy = new(kind)", *lines, "    return copy"]), names)  # noqa: S102
    copied: Callable[[Any], Any] = names["copied"]
    return copied
