"""The streams of events: one a shard, written in the same atomic step as the state they are about."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from riskapi.times import DAY
from signals.records import record

if TYPE_CHECKING:
    from riskapi.store.connections import Store

#: Accounts are spread over this many hash slots. All keys of an account carry the same ``{n}``, so that one
#: script can write them on a cluster too.
SHARDS = 8


@record
class StreamEntry:
    """One entry: the key of its stream, its id there, its sort (``tier``, ``review``, …), and what it says."""

    stream: str
    id: str
    type: str
    data: Mapping[str, Any]


def shard(user_id: str) -> int:
    """The shard of an account: CRC-32 of its identifier modulo :data:`SHARDS`."""
    return zlib.crc32(user_id.encode()) % SHARDS


def stream(number: int | str) -> str:
    """Key of a shard's stream of decisions, labels, tier changes and reviews; of clusters' for ``b``, see
    :mod:`riskapi.budgets.keys`. It has no TTL: it is trimmed by age.
    """
    return f"risk:d:{{{number}}}"


def oldest(days: int) -> str:
    """The oldest stream id kept when events are kept for ``days``.

    Goes by the real clock even in replay: stream ids are given by the store, from its own clock.
    """
    return str(int((time.time() - days * DAY) * 1000))


def account_key(user_id: str) -> str:
    """Key of the account's hash; it expires ``retention.accounts_days`` after the last change."""
    return f"risk:a:{{{shard(user_id)}}}:{user_id}"


def entry_pages(store: Store, key: str, most: int) -> Iterator[list[tuple[bytes, dict[bytes, bytes]]]]:
    """The entries of the stream with this key, oldest first, ``most`` in a trip: of each its id and its fields.

    What is added meanwhile is read too. Raises :class:`riskapi.errors.StoreUnavailable`.
    """
    position = "-"
    while entries := store.execute("XRANGE", key, position, "+", "COUNT", most):
        yield entries
        position = f"({entries[-1][0].decode()}"
