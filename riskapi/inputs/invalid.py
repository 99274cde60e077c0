"""What is wrong with JSON that somebody sent, as a problem whose errors point at the fields."""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from riskapi.errors import Problem, reworded

#: Errors listed for one body; more would only help to make big answers.
MOST_ERRORS = 20


#: How pydantic begins to say which kind of value a field takes.
_VALID = "Input should be a valid "
#: Bodies with fewer members than this, however they are spread, are not looked at: their errors are few.
_FEW = 500
#: Bytes of the shortest member, ``"":0`` and what parts it from others: a signup's body is too short for that many.
_LEAST = 5
#: Members that an object may have at no cost, and by how many those of all objects of a body may go over it together.
#: The widest that any body takes is a policy, with some 25 tables; a signup's have 11 at most, custom inputs 25.
_WIDE, _EXCESS = 16, 512


def refuse_wide(body: bytes) -> None:
    """Refuse JSON whose objects have far more members than any body takes, before each of them becomes an error.

    What cannot be parsed is left to whoever validates it. Raises ``invalid``.
    """
    if len(body) < _FEW * _LEAST or body.count(b":") < _FEW:
        return
    excess = 0

    def count(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal excess
        excess += max(len(pairs) - _WIDE, 0)
        return dict(pairs)

    try:
        content = json.loads(body, object_pairs_hook=count)
    except (ValueError, RecursionError):
        return
    if excess <= _EXCESS:
        return
    pointer = _widest(content)
    detail = "the objects of this body have far more members than are read"
    raise Problem(
        "invalid", f"1 error, at {pointer or 'the body'}.", [{"pointer": pointer, "code": "too_long", "detail": detail}]
    )


def _widest(content: Any) -> str:
    """The pointer to the object with the most members."""
    most, found, waiting = -1, "", [("", content)]
    while waiting:
        pointer, part = waiting.pop()
        if isinstance(part, dict):
            if len(part) > most:
                most, found = len(part), pointer
            waiting += [(f"{pointer}/{_token(name)}", inner) for name, inner in part.items() if inner]
        elif isinstance(part, list):
            waiting += [(f"{pointer}/{index}", inner) for index, inner in enumerate(part) if inner]
    return found


def _token(part: int | str) -> str:
    """One part of a JSON pointer (RFC 6901, section 3)."""
    return str(part)[:200].replace("~", "~0").replace("/", "~1")


def is_no_json(error: ValidationError) -> bool:
    """Whether pydantic could not read a body as JSON at all."""
    if error.error_count() > 1:
        return False
    return error.errors(include_url=False, include_context=False, include_input=False)[0]["type"] == "json_invalid"


def from_validation(error: ValidationError, body: bytes | None) -> Problem:
    """The problem for a body (``None``: a query) that pydantic refused: not JSON, or well-formed but wrong.

    Says where and what kind of value was expected, never what was given.
    """
    found = error.errors(include_url=False, include_context=False, include_input=False)
    if found[0]["type"] == "json_invalid":
        # The parser's message is a reason and a position: nothing of the body is in it.
        return Problem("not_json", found[0]["msg"])
    content = from_json(body) if body is not None else None
    errors: dict[str, dict[str, str]] = {}
    for each in found:
        pointer = _pointer(each["loc"], content, missing=each["type"] == "missing", known=body is not None)
        detail = reworded(each["msg"])
        if pointer in errors:  # the branches of a union each complain; the first stands for all
            errors[pointer]["detail"] = _either(errors[pointer]["detail"], detail)
        else:
            errors[pointer] = {"pointer": pointer, "code": each["type"], "detail": detail}
        if len(errors) == MOST_ERRORS:
            count = error.error_count()
            break
    else:
        count = len(errors)
    where = ", ".join(pointer or "the body" for pointer in list(errors)[:3])
    return Problem("invalid", f"{count} error{'s' if count > 1 else ''}, at {where}.", list(errors.values()))


def _either(detail: str, more: str) -> str:
    """What was expected, with what another branch of a union takes, where both are kinds of values."""
    kind = more.removeprefix(_VALID)
    return f"{detail} or {kind}" if detail.startswith(_VALID) and kind != more and kind not in detail else detail


def _pointer(location: tuple[int | str, ...], content: Any, *, missing: bool, known: bool) -> str:
    """A JSON pointer (RFC 6901) from pydantic's location, which also names branches of unions and ``[key]``."""
    parts: list[str] = []
    for index, part in enumerate(location):
        if _leads(content, part):
            content = content[part]
        elif known and not (missing and index == len(location) - 1):
            continue
        parts.append(_token(part))
    return "".join(f"/{part}" for part in parts)


def _leads(content: Any, part: int | str) -> bool:
    """Whether ``part`` names something in ``content``; the branch of a union does not."""
    if isinstance(content, dict):
        return part in content
    return isinstance(content, list) and isinstance(part, int) and part < len(content)
