"""What the streams tell of one account: decisions, events, labels, feedback and reviews, dead letters too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import orjson

from riskapi.store import damaged
from riskapi.store.connections import Store
from riskapi.store.consumer import dead_key
from riskapi.store.streams import entry_pages, shard, stream
from signals.records import record

#: Entries read in one trip: some 10 ms.
_PAGE: Final = 1000
#: Where an entry says what it is about: an account, the other of two that a person compared, or a review.
_ABOUT: Final = ("user_id", "other", "id")


@record
class AccountEntry:
    """An entry about an account: the key of its stream, its id there, its sort, what it says, and all its fields."""

    stream: str
    id: str
    type: str
    data: Mapping[str, Any]
    fields: Mapping[bytes, bytes]


def entries_of(store: Store, user_id: str, review_ids: Sequence[str]) -> Iterator[AccountEntry]:
    """Every entry about an account or one of its reviews, stream by stream, oldest first. What names many accounts (a
    cluster, a list) is about none of them. Raises :class:`StoreUnavailable`.

    It reads all streams that can tell of the account: a second or two where there are a million.
    """
    about = frozenset({user_id, *review_ids})
    for number in (str(shard(user_id)), "b"):
        for key in (stream(number), dead_key(number)):
            yield from _about(store, key, about)


def drop_entries(store: Store, user_id: str, review_ids: Sequence[str]) -> int:
    """Take every entry about an account or its reviews out of its stream. Returns how many. Safe to repeat. Raises
    :class:`StoreUnavailable`.
    """
    found: dict[str, list[str]] = {}
    for entry in entries_of(store, user_id, review_ids):
        found.setdefault(entry.stream, []).append(entry.id)
    for key, ids in found.items():
        for start in range(0, len(ids), _PAGE):
            store.execute("XDEL", key, *ids[start : start + _PAGE])
    return sum(map(len, found.values()))


def _about(store: Store, key: str, about: frozenset[str]) -> Iterator[AccountEntry]:
    quoted = [orjson.dumps(name) for name in about]
    for entries in entry_pages(store, key, _PAGE):
        for id, fields in entries:
            text = fields.get(b"data", b"")
            if not any(name in text for name in quoted):  # nearly all are about others, and are not parsed
                continue
            data = damaged.loads("entry", id.decode(), text, dict[str, Any]())
            if not about.isdisjoint(str(data.get(name)) for name in _ABOUT):
                yield AccountEntry(key, id.decode(), fields.get(b"type", b"").decode(), data, fields)
