"""What the store keeps of lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from riskapi.budgets.keys import EVENTS
from riskapi.lists.entries import StoredEntry
from riskapi.store.connections import Store
from tests import streams

#: ``put("deny", "ip", "203.0.113.9")`` puts something on a list.
Put = Callable[..., StoredEntry]


def table(store: Store) -> Mapping[bytes, bytes]:
    """The entries of all lists as they are kept."""
    found: Mapping[bytes, bytes] = store.execute("HGETALL", "risk:l:{b}")
    return found


def told(store: Store, type: str = "list") -> list[Mapping[str, Any]]:
    """What the stream of what concerns no single account was told of one sort."""
    return streams.told(store, type, EVENTS)
