"""What is wrong with JSON that somebody sent, as a problem whose errors point at the fields."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from riskapi.errors import Problem

#: Errors listed for one body; more would only help to make big answers.
MOST_ERRORS = 20


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
        # The branches of a union each complain; the first stands for all.
        errors.setdefault(pointer, {"pointer": pointer, "code": each["type"], "detail": each["msg"]})
        if len(errors) == MOST_ERRORS:
            break
    count = error.error_count()
    where = ", ".join(pointer or "the body" for pointer in list(errors)[:3])
    return Problem("invalid", f"{count} error{'s' if count > 1 else ''}, at {where}.", list(errors.values()))


def _pointer(location: tuple[int | str, ...], content: Any, *, missing: bool, known: bool) -> str:
    """A JSON pointer (RFC 6901) from pydantic's location, which also names branches of unions and ``[key]``."""
    parts: list[str] = []
    for index, part in enumerate(location):
        if _leads(content, part):
            content = content[part]
        elif known and not (missing and index == len(location) - 1):
            continue
        parts.append(str(part)[:200].replace("~", "~0").replace("/", "~1"))
    return "".join(f"/{part}" for part in parts)


def _leads(content: Any, part: int | str) -> bool:
    """Whether ``part`` names something in ``content``; the branch of a union does not."""
    if isinstance(content, dict):
        return part in content
    return isinstance(content, list) and isinstance(part, int) and part < len(content)
