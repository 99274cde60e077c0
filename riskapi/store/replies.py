"""Replies of the store whose form depends on the connection's protocol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def scored(reply: Sequence[Any]) -> list[tuple[str, float]]:
    """Members with their scores, of a command with ``WITHSCORES``: pairs in RESP3, one after the other in RESP2."""
    nested = bool(reply) and isinstance(reply[0], list | tuple)
    rows = reply if nested else zip(reply[::2], reply[1::2], strict=True)
    return [(member.decode(), float(score)) for member, score in rows]
