"""The one place where signals are declared, listed and read.

A signal is a function of :class:`signals.facts.Facts` with a docstring and a reason. From that one
declaration come the reading, its type, the row of the catalogue, the column of the model, the
monotone constraint, the key a policy rule uses, the sentence a reviewer reads and the JSON key.
"""

from __future__ import annotations

import hashlib
import inspect
import sys
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import NoneType

from signals.facts import Facts

Value = bool | int | float | str | None
Readings = dict[str, Value]
Risk = typing.Literal[-1, 0, 1]


class SignalError(Exception):
    """A declaration that cannot be accepted; it stops the import that made it."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One declared signal.

    ``risk`` is the direction of the monotone constraint: +1 more is riskier, -1 more is safer, 0 the
    model may learn either. ``None`` marks a fact for people and rules (a country, an AS number) that
    is recorded but never becomes a column of the model. ``needs`` names what must be there for the
    signal to be known, as JSON pointers into the signup, or ``store``.
    """

    name: str
    family: str
    type: str
    risk: Risk | None
    reason: str
    needs: tuple[str, ...]
    doc: str
    read: Callable[[Facts], Value]

    @property
    def code(self) -> str:
        """The stable code of this signal in ``reasons[].code``: its name in capitals."""
        return self.name.upper()

    @property
    def is_column(self) -> bool:
        """Whether the model may use this signal as a column."""
        return self.risk is not None

    def text(self, value: Value) -> str:
        """The sentence a person reads when the signal had this value."""
        return self.reason.format(value=value)

    def cause(self, facts: Facts) -> str:
        """Why the reading is ``None``: ``not_provided``, ``input_invalid``, ``store_unavailable`` or ``no_data``."""
        for need in self.needs:
            found = facts.missing.get(need)
            if found is not None:
                return found
        return "no_data"


_SIGNALS: dict[str, Signal] = {}
_TYPES = {bool: "bool", int: "int", float: "float", str: "str"}


def _type_of(function: Callable[[Facts], Value]) -> str:
    hint = typing.get_type_hints(function).get("return")
    members = [member for member in typing.get_args(hint) or (hint,) if member is not NoneType]
    if len(members) != 1 or members[0] not in _TYPES:
        raise SignalError(f"{function.__name__}: returns {hint}, expected one of bool, int, float, str, or None")
    return _TYPES[members[0]]


def signal(
    *, reason: str, risk: Risk | None = 0, needs: str | tuple[str, ...] | None = None
) -> Callable[[Callable[[Facts], Value]], Callable[[Facts], Value]]:
    """Declare the decorated function a signal.

    ``needs`` defaults to ``NEEDS`` of the module. A duplicate name, a missing docstring, a name that
    does not start with the module's name, or a type that is not a plain value raises
    :class:`SignalError` and stops the import.
    """

    def declare(function: Callable[[Facts], Value]) -> Callable[[Facts], Value]:
        name = function.__name__
        family = function.__module__.rsplit(".", 1)[-1]
        if not name.startswith(f"{family}_"):
            raise SignalError(f"{name}: a signal of {family}.py must be named {family}_…")
        if name in _SIGNALS:
            raise SignalError(f"{name}: declared twice")
        doc = inspect.getdoc(function)
        if not doc:
            raise SignalError(f"{name}: has no docstring")
        kind = _type_of(function)
        if kind == "str" and risk is not None:
            raise SignalError(f"{name}: text cannot be a column of the model; declare it with risk=None")
        found = needs if needs is not None else getattr(sys.modules[function.__module__], "NEEDS", ())
        _SIGNALS[name] = Signal(
            name=name,
            family=family,
            type=kind,
            risk=risk,
            reason=reason,
            needs=(found,) if isinstance(found, str) else tuple(found),
            doc=doc,
            read=function,
        )
        return function

    return declare


def registered() -> Mapping[str, Signal]:
    """Every declared signal by name, in the order of declaration."""
    return _SIGNALS


def columns() -> tuple[str, ...]:
    """Names of the signals a model may use, in the order of declaration."""
    return tuple(name for name, found in _SIGNALS.items() if found.is_column)


def schema() -> str:
    """Twelve hexadecimal digits that name this ordered list of signals.

    Decisions store their readings as a bare list beside this name, so the list of names is stored once.
    """
    return hashlib.sha256("\n".join(_SIGNALS).encode()).hexdigest()[:12]


def read(facts: Facts) -> Readings:
    """Read every signal: ``{name: value or None}``, in the order of declaration. Pure."""
    return {name: found.read(facts) for name, found in _SIGNALS.items()}


def degraded(facts: Facts, readings: Readings) -> list[dict[str, str]]:
    """The readings that are unknown, each with its cause, as ``degraded`` in the answer."""
    return [{"signal": name, "cause": _SIGNALS[name].cause(facts)} for name, value in readings.items() if value is None]
