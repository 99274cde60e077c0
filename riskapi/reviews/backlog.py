"""The backlog: how many reviews wait for a person, and since when the oldest does. One trip, however many there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from riskapi.reviews.queue import ReviewStatus, index_key
from riskapi.store.connections import Store
from riskapi.store.streams import SHARDS
from signals.records import record

#: Statuses in which a review waits for a person.
_WAITING: Final[Sequence[ReviewStatus]] = ("open", "claimed", "escalated")


@record
class Backlog:
    """Reviews by status, and the age of the oldest of all in seconds, 0 where none waits."""

    by_status: dict[ReviewStatus, int]
    oldest: float

    @property
    def waiting(self) -> int:
        """All that wait."""
        return sum(self.by_status.values())


def backlog(store: Store, now: float) -> Backlog:
    """What waits at Unix time ``now``. Raises :class:`riskapi.errors.StoreUnavailable`."""
    pipe = store.pipeline()
    counts = [
        (status, pipe.ask("ZCARD", index_key(number, status), read=int))
        for status in _WAITING
        for number in range(SHARDS)
    ]
    places = [index_key(number, status) for status in _WAITING for number in range(SHARDS)]
    firsts = [pipe.ask("ZRANGE", place, 0, 0, read=list[bytes]) for place in places]
    store.run(pipe)
    found: dict[ReviewStatus, int] = dict.fromkeys(_WAITING, 0)
    for status, count in counts:
        found[status] += count()
    since = [float(place.decode().partition(":")[0]) for first in firsts for place in first()]
    return Backlog(found, max(now - min(since), 0.0) if since else 0.0)
