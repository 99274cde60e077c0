"""A rule of the policy: conditions on signals that must all hold, and the tier it then asks for at least.

A rule can only tighten. A reading that is unknown (``None``) never matches, whatever the condition: what
cannot be known is no evidence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

from signals.registry import Readings, Signal

Mode = Literal["off", "shadow", "live"]
Operator = Literal["eq", "ne", "lt", "le", "gt", "ge", "in"]
Operand = StrictBool | StrictInt | StrictFloat | StrictStr | list[StrictInt | StrictFloat | StrictStr]
Test = Callable[[Any], bool]

#: What can be asked of a signal of each type.
_OPERATORS: dict[str, tuple[Operator, ...]] = {
    "bool": ("eq", "ne"),
    "str": ("eq", "ne", "in"),
    "int": get_args(Operator),
    "float": get_args(Operator),
}
_ASKS_FOR = {"bool": "true or false", "int": "a whole number", "float": "a number", "str": "text"}


class Rule(BaseModel):
    """One ``[[rules]]`` table. ``text`` is the sentence a reviewer reads; ``name`` in capitals the reason's code."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{2,63}$")
    mode: Mode
    tier: Literal["review", "limit"]
    text: str = Field(min_length=1, max_length=200)
    when: dict[str, dict[Operator, Operand]]

    @property
    def code(self) -> str:
        """The stable code of this rule in ``reasons[].code``."""
        return self.name.upper()

    def faults(self, known: Mapping[str, Signal]) -> Iterator[tuple[str, str]]:
        """What is wrong with the conditions, as (key below the rule, reason)."""
        if not self.when:
            yield "when", "has no condition, so the rule would match everybody"
        if self.name in known:
            yield "name", f"{self.name} is the name of a signal; their codes could not be told apart"
        for name, conditions in self.when.items():
            found = known.get(name)
            if found is None:
                yield f"when.{name}", "there is no such signal"
            elif not conditions:
                yield f"when.{name}", "has no condition"
            else:
                yield from _condition_faults(f"when.{name}", found.type, conditions)

    def tests(self) -> tuple[tuple[str, Test], ...]:
        """The conditions as pairs of a signal's name and a function of its reading."""
        return tuple(
            (name, _test(operator, operand))
            for name, conditions in self.when.items()
            for operator, operand in conditions.items()
        )


class Matcher:
    """A rule made ready to be matched many times."""

    __slots__ = ("_tests", "rule")

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._tests = rule.tests()

    def matches(self, readings: Readings) -> bool:
        """Whether every condition holds."""
        for name, test in self._tests:
            value = readings.get(name)
            if value is None or not test(value):
                return False
        return True


def _test(operator: Operator, operand: Any) -> Test:
    match operator:
        case "eq":
            return lambda value: bool(value == operand)
        case "ne":
            return lambda value: bool(value != operand)
        case "lt":
            return lambda value: bool(value < operand)
        case "le":
            return lambda value: bool(value <= operand)
        case "gt":
            return lambda value: bool(value > operand)
        case "ge":
            return lambda value: bool(value >= operand)
        case "in":
            members = frozenset(operand)
            return lambda value: value in members


def _condition_faults(key: str, kind: str, conditions: Mapping[Operator, Any]) -> Iterator[tuple[str, str]]:
    sound = True
    for operator, operand in conditions.items():
        if operator not in _OPERATORS[kind]:
            sound = False
            yield f"{key}.{operator}", f"a {kind} signal can only be asked {', '.join(_OPERATORS[kind])}"
        elif operator == "in":
            if not isinstance(operand, list) or not operand:
                sound = False
                yield f"{key}.in", "expected a list of at least one value"
            elif not all(_fits(kind, "in", member) for member in operand):
                sound = False
                yield f"{key}.in", f"the signal is {kind}, so each value must be {_ASKS_FOR[kind]}"
            elif len(set(operand)) != len(operand):
                yield f"{key}.in", "lists a value twice"
        elif not _fits(kind, operator, operand):
            sound = False
            yield f"{key}.{operator}", f"the signal is {kind}, so expected {_ASKS_FOR[kind]}, found {operand!r}"
    if sound:
        yield from _contradictions(key, conditions)


def _fits(kind: str, operator: Operator, operand: Any) -> bool:
    """Whether a value can be compared with a reading. Bounds on a count may lie between two counts."""
    if kind == "bool" or isinstance(operand, bool):
        return kind == "bool" and isinstance(operand, bool)
    if kind == "str" or isinstance(operand, str):
        return kind == "str" and isinstance(operand, str)
    if not isinstance(operand, int | float) or not math.isfinite(operand):
        return False
    return kind == "float" or operator in ("lt", "le", "gt", "ge") or float(operand).is_integer()


def _contradictions(key: str, conditions: Mapping[Operator, Any]) -> Iterator[tuple[str, str]]:
    floor = max((conditions[name] for name in ("gt", "ge") if name in conditions), default=None)
    ceiling = min((conditions[name] for name in ("lt", "le") if name in conditions), default=None)
    if floor is None or ceiling is None:
        return
    closed = "gt" not in conditions and "lt" not in conditions
    if floor > ceiling or (floor == ceiling and not closed):
        yield key, f"nothing lies between {floor} and {ceiling}, so the rule could never match"
