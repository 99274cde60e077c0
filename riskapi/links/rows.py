"""Rows: what ``store/lua/entity_touch.lua`` says of entities, which it says in short where there is little to say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

#: Parts of what is said of a thing that is only counted.
_COUNTED = 3
#: What is said by one number: that nobody else is told of, or that the thing is the account's own (-1).
_SHORT: dict[int, tuple[Any, ...]] = {-1: (-1,), **{one: (one, one, one, one, 0, 0, b"", 0, 0) for one in (0, 1)}}


def rows_of(replies: Sequence[Any]) -> list[Any]:
    """One whole row an entity: they come together from one node, and one a reply from a cluster."""
    return [_row(told) for reply in replies for told in reply]


def _row(told: Any) -> Sequence[Any]:
    if isinstance(told, int):
        return _SHORT[told]
    if len(told) == _COUNTED:
        accounts, abusive, limited = told
        return accounts, 0, 0, 0, abusive, limited, b"", 0, 0
    return cast("Sequence[Any]", told)
