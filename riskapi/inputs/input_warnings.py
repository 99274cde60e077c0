"""What is read of what a visitor's browser, clock or keyboard controls, and what the caller is told of the rest.

Text is cut to its length, and control characters are left out of it. An identifier is used whole or not at all: a part
of one could be that of somebody else. A count loses its fraction; one that is negative or too large is not used. A time
too far ahead counts as now, and so does one before the year 1. Addresses, numbers and IP addresses have readers of
their own, which refuse what they cannot read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any, Final, Literal, TypeVar

from pydantic import BaseModel
from typing_extensions import TypedDict

from riskapi.inputs.visitor_values import LARGEST, LONGEST, LONGEST_CUSTOM, MOST_FIELDS, NOT_FINITE
from riskapi.times import EARLIEST

#: How far ahead a time may lie, seconds (5 minutes, as the HTTP contract says): clocks differ.
AHEAD: Final = 300.0
#: Characters of the longest id of an account; no field with text allows fewer.
_SHORT: Final = 128
#: What stands for characters that were not valid: halves of surrogate pairs (Unicode, 3.9, U+FFFD substitution).
UNREADABLE: Final = "\ufffd"

WarningCode = Literal["INPUT_INVALID", "INPUT_CUT", "INPUT_AMBIGUOUS", "INPUT_MISSING"]
Body = TypeVar("Body", bound=BaseModel)

#: Control characters (Unicode, general category Cc), white space aside: names with several lines are a signal.
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")


class InputWarning(TypedDict):
    """Something given that was not used (``INPUT_INVALID``), or not as a whole (``INPUT_CUT``), or that can be read in
    more ways than one (``INPUT_AMBIGUOUS``); or what an event is about and does not say (``INPUT_MISSING``).
    """

    code: WarningCode
    warning: str
    input_pointer: str


def unreadable(pointer: str, what: str) -> InputWarning:
    """The warning for an input at a JSON pointer that could not be understood; ``what`` it is, in words."""
    return _warned("INPUT_INVALID", pointer, f"{what} could not be understood")


def without_country(pointer: str) -> InputWarning:
    """The warning for a phone number that only people of its country could dial, where that is not known."""
    return _warned(
        "INPUT_AMBIGUOUS", pointer, "The phone number has no country code, and the country of the person is not known"
    )


def missing(pointer: str, what: str) -> InputWarning:
    """The warning for an event that does not carry what it is about; ``what`` that is, in words."""
    return _warned("INPUT_MISSING", pointer, f"The event carries no {what}")


def one_each(warnings: list[InputWarning]) -> list[InputWarning]:
    """One warning for each input: the last, which is the reader's own where it has one."""
    return warnings if len(warnings) < 2 else list({each["input_pointer"]: each for each in warnings}.values())


def is_broken(text: str) -> bool:
    """Whether a text has control characters, or characters that were not valid."""
    # Nearly all texts are printable, which is known faster than what they are made of.
    return UNREADABLE in text or (not text.isprintable() and _CONTROLS.search(text) is not None)


def usable(body: Body, at: float, time: str = "/event/time") -> tuple[Body, list[InputWarning]]:
    """The body with what is used of it, and a warning for each input that is cut or not used.

    ``at`` is the Unix time that counts for the body, ``time`` the pointer to the time it was given. The same body comes
    back where nothing is wrong with it.
    """
    changed: dict[str, Any] = {}
    warnings: list[InputWarning] = []
    parts, own, path = _read_of(type(body), time)
    values = body.__dict__
    for part, pointer, fields in parts:
        given = values[part]
        if given is not None:
            cut = _cut(given.__dict__, pointer, fields, warnings)
            if cut:
                changed[part] = given.model_copy(update=cut)
    if own:
        changed |= _cut(values, "", own, warnings)
    custom = values.get("custom_inputs")
    if custom:
        cut = _cut_custom(custom, warnings)
        if cut:
            changed["custom_inputs"] = {**custom, **cut}
    said = _time_of(values, path)
    if said is not None and counted(said, at) != said:
        what = "lies over 5 minutes ahead" if said > at else "is no later than the start of the year 1"
        warnings.append(_warned("INPUT_INVALID", time, f"The time {what} and counts as now"))
    return (body.model_copy(update=changed) if changed else body), warnings


def counted(said: float, now: float) -> float:
    """The Unix time that counts for one that a clock said: itself, or ``now`` where it lies too far ahead, or no later
    than the start of the year 1: that is a wrong clock, or stands for no time at all, as Go and .NET write it.
    """
    return now if said > now + AHEAD or said <= EARLIEST else said


@cache
def _read_of(kind: type[BaseModel], time: str) -> tuple[list[tuple[str, str, Fields]], Fields, list[str]]:
    """What is read of a kind of body: parts of it, each with its pointer and its fields; fields of its own; and the
    names that lead to its time.
    """
    has = kind.model_fields
    parts = [(part, f"/{part}", fields) for part, fields in _PARTS.items() if part in has]
    return parts, [field for field in _OWN if field[0] in has], time[1:].split("/")


def _time_of(values: dict[str, Any], path: list[str]) -> float | None:
    found = values[path[0]]
    for name in path[1:]:
        found = None if found is None else getattr(found, name)
    return None if found is None else float(found.timestamp())


def _cut(values: dict[str, Any], pointer: str, fields: Fields, warnings: list[InputWarning]) -> dict[str, Any]:
    """The fields of a part of the body that are not used as given, with what is used of them."""
    changed: dict[str, Any] = {}
    for name, read, what in fields:
        value = values[name]
        # What is empty is used as it is, and so is nearly all the rest, which is seen faster here than by its reader.
        kind = type(value)
        if (
            not value
            or (kind is str and len(value) <= _SHORT and value.isascii() and value.isprintable())
            or (kind is int and 0 < value <= LARGEST)
        ):
            continue
        used, text = read(value, what)
        if text is not None:
            changed[name] = used
            warnings.append(_lost(used, f"{pointer}/{name}", text))
    return changed


def _cut_custom(custom: dict[str, Any], warnings: list[InputWarning]) -> dict[str, Any]:
    """As :func:`_cut`, for what the caller passes through."""
    changed: dict[str, Any] = {}
    for name, value in custom.items():
        used, text = _scalar(value, "The value")
        if text is not None:
            changed[name] = used
            warnings.append(_lost(used, f"/custom_inputs/{name}", text))
    return changed


def _lost(used: Any, pointer: str, text: str) -> InputWarning:
    return _warned("INPUT_INVALID" if used in (None, "") else "INPUT_CUT", pointer, text)


def _warned(code: WarningCode, pointer: str, text: str) -> InputWarning:
    return {"code": code, "warning": text, "input_pointer": pointer}


def _text(value: str, what: str, longest: int = LONGEST) -> tuple[str, str | None]:
    if len(value) <= longest and not is_broken(value):
        return value, None
    cut = _CONTROLS.sub("", value[:longest])
    if len(value) > longest:
        return cut, f"{what} is longer than {longest} characters; the rest is not used"
    if cut == value:
        return cut, f"{what} has characters that are not valid"
    return cut, f"{what} has control characters; they are left out"


def _identifier(value: str, what: str) -> tuple[str | None, str | None]:
    if len(value) > LONGEST:
        return None, f"{what} is longer than {LONGEST} characters and is not used"
    # White space around it is left out by whoever reads it.
    return (None, f"{what} has control characters and is not used") if is_broken(value) else (value, None)


def _referrer(value: str, what: str) -> tuple[str | None, str | None]:
    if len(value) > _SHORT:
        return None, f"{what} is longer than {_SHORT} characters and is not used"
    return _identifier(value, what)


def _count(value: int | float, what: str) -> tuple[int | None, str | None]:
    if value < 0:
        return None, f"{what} is negative and is not used"
    if value > LARGEST:
        return None, f"{what} is too large and is not used"
    whole = int(value)
    return whole, None if whole == value else f"{what} has a fraction; it is left out"


def _names(value: list[str], what: str) -> tuple[list[str], str | None]:
    cut = [_text(name, what)[0] for name in value[:MOST_FIELDS]]
    if len(value) > MOST_FIELDS:
        return cut, f"{what} are more than {MOST_FIELDS}; the rest is not used"
    broken = cut != value or any(UNREADABLE in name for name in cut)
    return cut, f"{what} have names that are too long or have control characters; that is left out" if broken else None


def _scalar(value: Any, what: str) -> tuple[Any, str | None]:
    if isinstance(value, str):
        return _text(value, what, LONGEST_CUSTOM)
    if isinstance(value, float) and abs(value) >= NOT_FINITE:
        return None, f"{what} is too large and is not used"
    return value, None


#: Fields of a part: the name of each, how it is read, and what it is called in a warning.
Fields = list[tuple[str, Callable[[Any, str], tuple[Any, str | None]], str]]

_PARTS: Final[dict[str, Fields]] = {
    "account": [
        ("name", _text, "The name"),
        ("organization", _text, "The organization"),
        ("website", _text, "The website"),
        ("plan", _text, "The plan"),
        ("referrer_id", _referrer, "The id of the referrer"),
    ],
    "phone": [("number", _text, "The phone number")],
    "device": [
        ("id", _identifier, "The id of the device"),
        ("user_agent", _text, "The user agent"),
        ("accept_language", _text, "The list of languages"),
        ("time_zone", _text, "The time zone"),
        ("tls_fingerprint", _identifier, "The TLS fingerprint"),
    ],
    "behavior": [
        ("form_fill_ms", _count, "The time to fill the form"),
        ("pasted_fields", _names, "The pasted fields"),
        ("keystrokes", _count, "The number of keystrokes"),
        ("pages_before_signup", _count, "The number of pages"),
    ],
    "payment": [("fingerprint", _identifier, "The fingerprint of the payment")],
}
#: Fields of an event itself.
_OWN: Final[Fields] = [("plan", _text, "The plan"), ("count", _count, "The count")]
