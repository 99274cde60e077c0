"""Policies as the tests publish them."""

from __future__ import annotations

from typing import Any

import orjson

from riskapi.policy.versions import Publication
from riskapi.store.connections import Store

WHY = Publication(note="why", author="ana", at="2026-11-22T10:00:00.000Z")


def anything(_: int) -> bool:
    return True


def store_version(store: Store, number: int, content: dict[str, Any]) -> None:
    """What other software, or another store, may have left."""
    row = {"version": number, "policy": content, "source": "store", "author": "x", "new_field": 1}
    store.execute("HSET", "risk:policies", number, orjson.dumps(row), "current", f"{number}:other")
