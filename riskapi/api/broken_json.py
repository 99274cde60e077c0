"""JSON that a visitor's text or number broke: browsers write it, strict parsers do not take it."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from riskapi.inputs.input_warnings import UNREADABLE

_HALVES = re.compile("[\ud800-\udfff]")
#: A whole number with more digits is larger than any that is used; also Python's own limit is larger.
_DIGITS: Final = 400


def mended(raw: bytes) -> bytes | None:
    """The body with U+FFFD for halves of surrogate pairs, and infinity for numbers of more than 400 digits.

    ``None`` where that does not make it JSON. A browser's text is UTF-16 and may hold a half of a pair, which JSON can
    write (RFC 8259, 8.2), in an escape or as bytes.
    """
    try:
        found = json.loads(raw.decode("utf-8", "surrogatepass"), parse_int=_whole)
        return json.dumps(_whole_text(found), ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) <= _DIGITS else float(digits)


def _whole_text(value: Any) -> Any:
    """The value with every text whole, keys included."""
    if isinstance(value, str):
        return _HALVES.sub(UNREADABLE, value)
    if isinstance(value, list):
        return [_whole_text(each) for each in value]
    if isinstance(value, dict):
        return {_whole_text(key): _whole_text(each) for key, each in value.items()}
    return value
