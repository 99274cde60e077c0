"""Values of a provider's JSON, whatever type they turn out to have: the value that was expected, or none."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from riskapi.errors import Problem

#: Characters that are kept of a diagnostic, as many as ``POST /v1/feedback`` takes.
LONGEST_DIAGNOSTIC: Final = 10_000
#: Characters of an id or address that are kept: an address has 320 at most (RFC 3696, erratum 1690).
_LONGEST: Final = 1000
#: Unix times above are in milliseconds: as seconds they would lie in the year 5138.
_MILLISECONDS: Final = 1e11
#: Enhanced status code, RFC 3463, section 2.
_ENHANCED: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")


def parsed(body: bytes | str) -> Any:
    """The JSON text. Raises ``not_json`` for anything else, and for one that is nested more than 1,024 deep."""
    try:
        return orjson.loads(body)
    except ValueError:
        raise Problem("not_json", "The body is not JSON in UTF-8.") from None


def mapping(value: Any) -> Mapping[str, Any]:
    """An object, or an empty one."""
    return value if isinstance(value, dict) else {}


def sequence(value: Any) -> Sequence[Any]:
    """An array, or an empty one."""
    return value if isinstance(value, list) else []


def text(value: Any, longest: int = _LONGEST) -> str | None:
    """A text without white space around it, or a whole number written as one; None for anything else and for none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.strip()[:longest] or None if isinstance(value, str) else None


def diagnostic(value: Any) -> str | None:
    """What a receiving server said, without the type that RFC 3464, 2.3.6, writes before it (``smtp;``)."""
    found = text(value, LONGEST_DIAGNOSTIC)
    return None if found is None else re.sub(r"^\s*smtp\s*;\s*", "", found, flags=re.IGNORECASE) or None


def enhanced(value: Any) -> str | None:
    """An enhanced status code (RFC 3463); None for anything else."""
    found = text(value)
    return found if found is not None and _ENHANCED.fullmatch(found) else None


def moment(value: Any, now: float) -> float:
    """Unix time of a value in seconds or milliseconds, or in ISO 8601; ``now`` for anything else and for what lies
    ahead.

    A time without an offset is in UTC.
    """
    at: float | None = None
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            at = float(value)
        elif isinstance(value, str):
            at = float(value) if re.fullmatch(r"\d{1,15}(\.\d{1,9})?", value) else _iso(value)
    except (ValueError, OverflowError):
        at = None
    if at is not None and at > _MILLISECONDS:
        at /= 1000
    return now if at is None or not 0 < at <= now else at


def _iso(value: str) -> float:
    """Unix time of a text that ISO 8601 allows."""
    found = datetime.fromisoformat(value.strip()[:64])
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def digest(*parts: str | None) -> str:
    """An id made of what tells an event from others, where the provider gives none: 40 hexadecimal digits.

    It is a hash, so that no address is in it.
    """
    joined = "\0".join(part or "" for part in parts)
    return hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()[:40]


def bare_id(value: Any) -> str | None:
    """A message id without its angle brackets."""
    found = text(value)
    return None if found is None else found.strip("<>") or None


def domain_of(address: str | None) -> str | None:
    """The domain of an address, in small letters."""
    return address.rpartition("@")[2].strip(" >").lower() or None if address is not None and "@" in address else None
