"""What the HTTP contract (what ``/openapi.json`` promises callers) names everywhere: tiers, ids of accounts, times,
reasons.

An answer is a plain dictionary. Its shape is a ``TypedDict`` beside the function that builds it: mypy holds the builder
to it, and ``/openapi.json`` is made from it. Nothing is validated while requests are answered.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    StringConstraints,
    WithJsonSchema,
)
from typing_extensions import TypedDict

from riskapi.times import instant, instant_of

Tier = Literal["allow", "review", "limit"]
USER_ID = r"^[A-Za-z0-9_.:@-]{1,128}$"
UserId = Annotated[str, StringConstraints(pattern=USER_ID, max_length=128)]
Time = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(instant_of, json_schema_input_type=datetime)]


def _checked(text: str) -> str:
    instant(text)
    return text


#: A time in an answer: RFC 3339 in UTC.
Instant = Annotated[str, AfterValidator(_checked), WithJsonSchema({"type": "string", "format": "date-time"})]
#: How many there are of something.
Count = Annotated[int, Field(ge=0)]


class Reason(TypedDict):
    """One reason. ``code`` is stable, ``text`` may change; ``contribution`` in log-odds, null for rules and lists."""

    code: str
    signal: str | None
    text: str
    contribution: float | None
