"""Answers held to their shapes, as ``/openapi.json`` documents them."""

from __future__ import annotations

from types import GenericAlias
from typing import Any, TypeVar

from pydantic import ConfigDict, TypeAdapter

Shape = TypeVar("Shape")


def checked(shape: type[Shape], answer: bytes) -> Shape:
    """An answer (JSON) that has just the fields of this ``TypedDict``, each of its type."""
    # A ``TypedDict`` takes its configuration from the type that it is part of.
    many: Any = GenericAlias(list, (shape,))
    adapter: TypeAdapter[list[Shape]] = TypeAdapter(many, config=ConfigDict(extra="forbid", strict=True))
    return adapter.validate_json(b"[%b]" % answer)[0]
