"""What was written to the streams."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from riskapi.store.connections import Store
from riskapi.store.streams import SHARDS, StreamEntry, stream


def entries(store: Store, *names: str) -> list[StreamEntry]:
    """The entries of these streams, or of all streams of accounts, stream by stream in the order they were written."""
    return [
        StreamEntry(name, id.decode(), fields[b"type"].decode(), orjson.loads(fields[b"data"]))
        for name in names or tuple(stream(number) for number in range(SHARDS))
        for id, fields in store.execute("XRANGE", name, "-", "+")
    ]


def told(store: Store, type: str, *names: str) -> list[Mapping[str, Any]]:
    """What the entries of one type say."""
    return [entry.data for entry in entries(store, *names) if entry.type == type]
