"""The one place where signals are declared, listed and read.

A signal is a function of :class:`signals.facts.Facts` with a docstring and a reason. That one declaration
gives the reading, its type, the row of the catalogue, the column of the model, the monotone constraint, the key a
policy rule uses, the sentence a reviewer reads and the JSON key.
"""

from __future__ import annotations

import hashlib
import inspect
import string
import sys
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import compress
from operator import itemgetter
from types import NoneType
from typing import Any, TypeVar, overload

from typing_extensions import TypedDict

from signals.facts import Facts

Value = bool | int | float | str | None
Readings = dict[str, Value]
#: What of the facts a signal is called with.
Seen = TypeVar("Seen")
Risk = typing.Literal[-1, 0, 1]
#: Why a reading is unknown that should be known.
Cause = typing.Literal["input_invalid", "store_unavailable", "no_data", "pending"]


class SignalError(Exception):
    """A declaration that cannot be accepted; it stops the import that made it."""


def _way(spec: str) -> Callable[[Any], str]:
    """How a reading is said inside a reason. What may stand after the colon of ``{value:…}``:

    - ``one|other``: the first text for ``True`` and for what is rounded to 1, the second for ``False`` and any other
      number: ``the captcha was {value:|not }passed``, ``{value} {value:account|accounts}``;
    - ``one|other|none``: the same, and the third for ``False`` and for what is rounded to 0;
    - ``seconds``: milliseconds in seconds, with the unit: ``184 seconds``, ``3.8 seconds``, ``1 second``;
    - anything else is Python's own format: ``{value:.0%}``.
    """
    if "|" in spec:
        one, other, *none = spec.split("|")
        zero = none[0] if none else other
        return lambda value: one if 0.5 < (value or 0) < 1.5 else zero if -0.5 <= (value or 0) <= 0.5 else other
    if spec == "seconds":
        return _seconds
    return (lambda value: format(value, spec)) if spec else str


def _seconds(value: float) -> str:
    seconds = float(value or 0) / 1000
    number = f"{seconds:.0f}" if seconds >= 9.95 else f"{round(seconds, 3):.2g}"
    return f"{number} second" if number == "1" else f"{number} seconds"


@cache
def _parts(reason: str) -> tuple[tuple[str, Callable[[Any], str] | None], ...]:
    """A reason taken apart: texts, each with how the reading is said after it, ``None`` where it is not.

    ``str.format`` takes a reason apart for each reading anew. Raises ValueError for what cannot be taken apart, and for
    anything but ``{value}`` in braces.
    """
    found = []
    for text, field, spec, conversion in string.Formatter().parse(reason):
        if field not in (None, "value") or conversion is not None:
            raise ValueError(f"only {{value}} can stand in it, not {field!r}")
        found.append((text, None if spec is None else _way(spec)))
    return tuple(found)


def _text(reason: str, value: Value) -> str:
    said = "".join([text if way is None else text + way(value) for text, way in _parts(reason)])
    return said[:1].upper() + said[1:]


#: Reviews say the same again and again: counts, and what is so. To say it takes seven times as long.
_kept_text = lru_cache(maxsize=4096, typed=True)(_text)

#: Causes that are nobody's failure: the caller did not send it, the operator has nobody asked about it.
_BY_CHOICE = frozenset({"not_provided", "not_asked"})

#: One reading of each type with which a declaration is tried.
_SAMPLES: Mapping[str, Value] = {"bool": True, "int": 2, "float": 0.5, "str": "x"}


@dataclass(frozen=True, slots=True)
class Signal:
    """One declared signal.

    ``risk`` is the direction of the monotone constraint: +1 more is riskier, -1 more is safer, 0 the
    model may learn either. ``None`` marks a fact for people and rules (a country, an AS number) that
    is recorded but never becomes a column of the model. ``needs`` names what must be there for the
    signal to be known, as keys of :attr:`signals.facts.Facts.missing`. ``judge`` is the declared function, ``of`` what
    of the facts it is called with; where that is ``None``, so is the signal. ``attribute`` is the one that it says of
    it, where it does nothing else. ``blameless`` is what it says, where it is known, as if no other account were bad,
    or had come before: a number, or the name of the signal that tells it; ``None`` where that changes nothing.
    """

    name: str
    family: str
    type: str
    risk: Risk | None
    reason: str
    needs: tuple[str, ...]
    doc: str
    of: Callable[[Facts], Any]
    judge: Callable[[Any], Value]
    attribute: str | None = None
    blameless: float | str | None = None

    @property
    def code(self) -> str:
        """The stable code of this signal in ``reasons[].code``: its name in capitals."""
        return self.name.upper()

    @property
    def is_column(self) -> bool:
        """Whether the model may use this signal as a column."""
        return self.risk is not None

    def text(self, value: Value) -> str:
        """The sentence a person reads when the signal had this value; not for ``None``, of which nothing is known."""
        # Floats that are zero are equal, and are not said alike where the sign differs.
        kept = value or not isinstance(value, float)
        return _kept_text(self.reason, value) if kept else _text(self.reason, value)

    def cause(self, facts: Facts) -> Cause | None:
        """Why the reading is ``None`` and should not be: one of the causes in :attr:`signals.facts.Facts.missing`.

        ``None`` where something it needs was not sent or is not asked about, and where the signal does not apply.
        """
        return self.cause_in(facts.missing)

    def cause_in(self, missing: Mapping[str, str]) -> Cause | None:
        """As :meth:`cause`, by what is missing alone."""
        found = [missing[need] for need in self.needs if need in missing]
        return typing.cast("Cause", found[0]) if found and _BY_CHOICE.isdisjoint(found) else None


_SIGNALS: dict[str, Signal] = {}
_TYPES = {bool: "bool", int: "int", float: "float", str: "str"}


def _type_of(function: Callable[[Any], Value]) -> str:
    hint = typing.get_type_hints(function).get("return")
    members = [member for member in typing.get_args(hint) or (hint,) if member is not NoneType]
    if len(members) != 1 or members[0] not in _TYPES:
        raise SignalError(f"{function.__name__}: returns {hint}, expected one of bool, int, float, str, or None")
    return _TYPES[members[0]]


#: What functions are compiled to that say an attribute of the one thing they are given, or one of that, and no more.
_SAY_ATTRIBUTE = ((lambda seen: seen.first).__code__.co_code, (lambda seen: seen.first.second).__code__.co_code)


def _attribute_of(function: Callable[[Any], Value]) -> str | None:
    """The attribute that a function says of what it is given, where it does nothing else; ``email.free`` is one too."""
    code = function.__code__
    return ".".join(code.co_names) if code.co_code in _SAY_ATTRIBUTE and code.co_argcount == 1 else None


def _check_reason(found: Signal) -> None:
    """Refuse a reason that cannot be said, or that would say ``True`` and ``False`` instead of a sentence."""
    try:
        found.text(_SAMPLES[found.type])
        specs = [spec or "" for _, field, spec, _ in string.Formatter().parse(found.reason) if field is not None]
    except (ValueError, LookupError, AttributeError, TypeError) as error:
        raise SignalError(f"{found.name}: its reason cannot be formatted: {error}") from error
    if found.type == "bool" and not (specs and all("|" in spec for spec in specs)):
        raise SignalError(f"{found.name}: its reason needs a text for true and one for false, {{value:true|false}}")


def _all(facts: Facts) -> Facts:
    return facts


@overload
def signal(
    *,
    reason: str,
    risk: Risk | None = 0,
    needs: str | tuple[str, ...] | None = None,
    blameless: float | str | None = None,
) -> Callable[[Callable[[Facts], Value]], Callable[[Facts], Value]]: ...


@overload
def signal(
    *,
    of: Callable[[Facts], Seen | None],
    reason: str,
    risk: Risk | None = 0,
    needs: str | tuple[str, ...] | None = None,
    attribute: str | None = None,
    blameless: float | str | None = None,
) -> Callable[[Callable[[Seen], Value]], Callable[[Seen], Value]]: ...


def signal(
    *,
    of: Callable[[Facts], Any] = _all,
    reason: str,
    risk: Risk | None = 0,
    needs: str | tuple[str, ...] | None = None,
    attribute: str | None = None,
    blameless: float | str | None = None,
) -> Callable[[Callable[[Any], Value]], Callable[[Any], Value]]:
    """Declare the decorated function a signal.

    It is called with what ``of`` finds in the facts, all of them by default. Signals that need the same thing name the
    same ``of``, which is then worked out once in one reading; where it finds ``None``, they are ``None`` and are not
    called. ``attribute`` is what a function says of it that says an attribute and no more, where that cannot be told
    from its code. ``blameless`` is as in :class:`Signal`.

    ``reason`` is a sentence without a full stop, true for every reading, with ``{value}`` as :func:`_way` says
    it; :meth:`Signal.text` makes its first letter a capital. ``needs`` defaults to ``NEEDS`` of the module. A duplicate
    name, a missing docstring, a name that does not start with the module's name, a type that is not a plain value, or a
    reason without a text for true and for false raises :class:`SignalError` and stops the import.
    """

    def declare(function: Callable[[Any], Value]) -> Callable[[Any], Value]:
        name = sys.intern(function.__name__)  # as whoever reads many readings does, see ``model/features.py``
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
        declared = Signal(
            name=name,
            family=family,
            type=kind,
            risk=risk,
            reason=reason,
            needs=(found,) if isinstance(found, str) else tuple(found),
            doc=doc,
            of=of,
            judge=function,
            attribute=attribute or _attribute_of(function),
            blameless=blameless,
        )
        _check_reason(declared)
        _SIGNALS[name] = declared
        _unknown.cache_clear()
        _reader.cache_clear()
        schema.cache_clear()
        _causes.cache_clear()
        _blameless.cache_clear()
        return function

    return declare


def registered() -> Mapping[str, Signal]:
    """Every declared signal by name, in the order of declaration."""
    return _SIGNALS


def columns() -> tuple[str, ...]:
    """Names of the signals a model may use, in the order of declaration."""
    return tuple(name for name, found in _SIGNALS.items() if found.is_column)


@cache
def schema() -> str:
    """Twelve hexadecimal digits that name this ordered list of signals.

    Decisions store their readings as a bare list beside this name, so the list of names is stored once.
    """
    return hashlib.sha256("\n".join(_SIGNALS).encode()).hexdigest()[:12]


def read(facts: Facts) -> Readings:
    """Read every signal: ``{name: value or None}``, in the order of declaration. Pure."""
    readings = _unknown().copy()
    _reader(others=False)(facts, readings)
    return readings


def read_again(facts: Facts, readings: Readings) -> Readings:
    """How facts read that differ from those of ``readings`` only in what is known of other accounts: the signals that
    need the store are read, a third of all; what the others read stands. Pure.
    """
    again = readings.copy()
    _reader(others=True)(facts, again)
    return again


def read_blameless(readings: Readings) -> Readings:
    """How facts that read so would read as if no other account were bad, or had come before
    (:func:`riskapi.decisions.influence.blameless`): each signal that feels it declares what it then says. Pure.
    """
    zeros, said, others = _blameless()
    # Some forty signals depend on other accounts; mostly few of them are neither unknown nor 0.
    without = readings | dict.fromkeys(compress(zeros, said(readings)), 0)
    for name, told in others:
        if readings[name] is not None:
            without[name] = readings[told] if isinstance(told, str) else told
    return without


@cache
def _blameless() -> tuple[list[str], Callable[[Readings], tuple[Value, ...]], list[tuple[str, float | str]]]:
    """The signals that say 0 as if no other account were bad, or had come before; the function that takes what they say
    of readings; and the others that feel it, with what they then say.
    """
    felt = [(name, found.blameless) for name, found in _SIGNALS.items() if found.blameless is not None]
    zeros = [name for name, said in felt if said == 0]
    return zeros, itemgetter(*zeros), [(name, said) for name, said in felt if said != 0]


@cache
def _unknown() -> Readings:
    """All signals as unknown, in the order of declaration."""
    return dict.fromkeys(_SIGNALS)


@cache
def _reader(*, others: bool) -> Callable[[Facts, Readings], None]:
    """The function that puts into readings what is known. Of all signals, over readings that are unknown; or with
    ``others`` of those that need what the store knows of other accounts, over whatever was read of them.

    What several signals are called with is worked out once, and those that lack it cost nothing. The function is
    written out, one assignment a signal, as ``dataclass`` writes ``__init__``: a loop over the signals takes a quarter
    more instructions to read them.
    """
    meant = [found for found in _SIGNALS.values() if not others or "store" in found.needs]
    groups: dict[Callable[[Facts], Any], list[Signal]] = {}
    for found in meant:
        groups.setdefault(found.of, []).append(found)
    lines, names = ["def put(facts, readings):"], dict[str, Any]()
    for number, (of, needing) in enumerate(groups.items()):
        names[f"of_{number}"] = of
        lines += [f"    seen = of_{number}(facts)", "    if seen is not None:"]
        for found in needing:
            # Half of all say an attribute, which needs no call.
            said = f"{found.name}(seen)" if found.attribute is None else f"seen.{found.attribute}"
            names[found.name] = found.judge
            lines.append(f"        readings[{found.name!r}] = {said}")
        if others:
            lines += ["    else:", *(f"        readings[{found.name!r}] = None" for found in needing)]
    exec("\n".join(lines), names)  # noqa: S102
    put: Callable[[Facts, Readings], None] = names["put"]
    return put


class Degraded(TypedDict):
    """A signal that should have been known and was not, and why; ``pending`` is being asked, and the account is decided
    again then. What was not sent is in ``not_provided``; a signal that does not apply is nowhere.
    """

    signal: str
    cause: Cause


def degraded(facts: Facts, readings: Readings) -> list[Degraded]:
    """The readings that should be known and are not, each with its cause, as ``degraded`` in the answer.

    The rows are shared between answers.
    """
    return [row for row in _causes(tuple(facts.missing.items())) if readings.get(row["signal"], 0) is None]


@lru_cache(maxsize=1024)
def _causes(missing: tuple[tuple[str, str], ...]) -> tuple[Degraded, ...]:
    """The signals that should be known although this is missing, with the cause where they are not. Signups lack the
    same things again and again.
    """
    lacking = dict(missing)
    found = ((name, declared.cause_in(lacking)) for name, declared in _SIGNALS.items())
    return tuple({"signal": name, "cause": cause} for name, cause in found if cause is not None)
