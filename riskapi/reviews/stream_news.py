"""What streams say since they were read last: so that whoever keeps what they read before reads only what changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from riskapi.store import damaged
from riskapi.store.connections import Store
from riskapi.store.pipelines import as_it_is
from signals.records import record

#: Entries of a stream that are looked at. Where more came, reading everything anew costs no more.
_MOST = 200
#: Types of entries that change what the queue says of a review.
_TYPES = ("review", "tier", "cluster")


@record
class StreamNews:
    """What one stream says: ``place`` is the id of its latest entry, ``""`` of an empty one. ``told`` are type and data
    of the entries about reviews, tiers and clusters, in their order. Not ``whole``: more changed than is told.
    """

    place: str
    whole: bool
    told: Sequence[tuple[str, Mapping[str, Any]]] = ()


class StreamReader:
    """Reads them. Raises :class:`StoreUnavailable` while the store is away."""

    def __init__(self, store: Store) -> None:
        self._store, self._news = store, store.script("stream_news")

    def since(self, places: Mapping[str, str]) -> dict[str, StreamNews]:
        """What each stream says since the entry that was read last (``""`` for none), by its key. One trip."""
        pipe = self._store.pipeline()
        asked = {
            key: self._news.ask(pipe, [key], [place, _MOST, *_TYPES], read=as_it_is) for key, place in places.items()
        }
        self._store.run(pipe)
        return {key: _news(reply()) for key, reply in asked.items()}


def _news(reply: Sequence[Any]) -> StreamNews:
    place, whole, *rest = reply
    told = [
        (type.decode(), damaged.loads("entry", type.decode(), data, dict[str, Any]()))
        for type, data in zip(rest[::2], rest[1::2], strict=True)
    ]
    return StreamNews(place.decode(), bool(whole), told)
