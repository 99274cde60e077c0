"""A rule of the policy: conditions on signals that must all hold, and the tier it then asks for at least.

A rule can only tighten. A reading that is unknown (``None``) never matches, whatever the condition: what
cannot be known is no evidence.
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

from signals.registry import Readings, Signal

Mode = Literal["off", "shadow", "live"]
Operator = Literal["eq", "ne", "lt", "le", "gt", "ge", "in"]
Operand = StrictBool | StrictInt | StrictFloat | StrictStr | list[StrictInt | StrictFloat | StrictStr]
#: A signal's name, a comparison of a reading with an operand, and the operand.
Test = tuple[str, Callable[[Any, Any], bool], Any]

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

    def tests(self) -> tuple[Test, ...]:
        """The conditions as what is compared with what."""
        return tuple(
            (sys.intern(name), _COMPARISONS[asked], frozenset(operand) if isinstance(operand, list) else operand)
            for name, conditions in self.when.items()
            for asked, operand in conditions.items()
        )


#: A rule made ready to be matched many times: the signal of its first condition, how and with what that is compared,
#: the other conditions, and the rule. A plain tuple: to take one apart costs less than to read the fields of an object.
Matcher = tuple[str, Callable[[Any, Any], bool], Any, tuple[Test, ...], Rule]


def matcher(rule: Rule) -> Matcher:
    """A rule made ready."""
    (signal, compare, operand), *others = rule.tests()
    return signal, compare, operand, tuple(others), rule


def matching(matchers: Iterable[Matcher], readings: Readings) -> list[Rule]:
    """The rules of which every condition holds, in their order."""
    found, read = [], readings.get
    # Most rules do not match, and most of those by their first condition: it is looked at without a call.
    for signal, compare, operand, others, rule in matchers:
        value = read(signal)
        if value is not None and compare(value, operand) and _hold(others, readings):
            found.append(rule)
    return found


def _hold(tests: Iterable[Test], readings: Readings) -> bool:
    for name, compare, operand in tests:
        value = readings.get(name)
        if value is None or not compare(value, operand):
            return False
    return True


def _is_among(value: Any, members: frozenset[Any]) -> bool:
    return value in members


_COMPARISONS: Mapping[Operator, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
    "in": _is_among,
}


def _condition_faults(key: str, kind: str, conditions: Mapping[Operator, Any]) -> Iterator[tuple[str, str]]:
    sound = True
    for asked, operand in conditions.items():
        if asked not in _OPERATORS[kind]:
            sound = False
            yield f"{key}.{asked}", f"a {kind} signal can only be asked {', '.join(_OPERATORS[kind])}"
        elif asked == "in":
            if not isinstance(operand, list) or not operand:
                sound = False
                yield f"{key}.in", "expected a list of at least one value"
            elif not all(_fits(kind, "in", member) for member in operand):
                sound = False
                yield f"{key}.in", f"the signal is {kind}, so each value must be {_ASKS_FOR[kind]}"
            elif len(set(operand)) != len(operand):
                yield f"{key}.in", "lists a value twice"
        elif not _fits(kind, asked, operand):
            sound = False
            yield f"{key}.{asked}", f"the signal is {kind}, so expected {_ASKS_FOR[kind]}, found {operand!r}"
    if sound:
        yield from _contradictions(key, conditions)


def _fits(kind: str, asked: Operator, operand: Any) -> bool:
    """Whether a value can be compared with a reading. Bounds on a count may lie between two counts."""
    if kind == "bool" or isinstance(operand, bool):
        return kind == "bool" and isinstance(operand, bool)
    if kind == "str" or isinstance(operand, str):
        return kind == "str" and isinstance(operand, str)
    if not isinstance(operand, int | float) or not math.isfinite(operand):
        return False
    return kind == "float" or asked in ("lt", "le", "gt", "ge") or float(operand).is_integer()


def _contradictions(key: str, conditions: Mapping[Operator, Any]) -> Iterator[tuple[str, str]]:
    floor = max((conditions[name] for name in ("gt", "ge") if name in conditions), default=None)
    ceiling = min((conditions[name] for name in ("lt", "le") if name in conditions), default=None)
    if floor is None or ceiling is None:
        return
    closed = "gt" not in conditions and "lt" not in conditions
    if floor > ceiling or (floor == ceiling and not closed):
        yield key, f"nothing lies between {floor} and {ceiling}, so the rule could never match"
