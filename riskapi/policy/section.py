"""What all tables of a policy have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

#: TOML has no larger whole numbers (TOML 1.0, Integer), and they cannot be written as JSON here.
_LARGEST: Final = 2**63 - 1


class Section(BaseModel):
    """A table: unknown keys, wrong types and infinite numbers are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


def beyond_64_bits(data: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Whole numbers that are too large for a policy, as (key, reason); ``key`` is that of the table ``data``."""
    if isinstance(data, Mapping):
        for name, part in data.items():
            yield from beyond_64_bits(part, f"{key}.{name}".removeprefix("."))
    elif isinstance(data, list | tuple):
        for at, part in enumerate(data):
            yield from beyond_64_bits(part, f"{key}[{at}]")
    elif isinstance(data, int) and not -_LARGEST <= data <= _LARGEST:
        yield key, "a whole number has 64 bits at most"
