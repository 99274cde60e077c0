"""All reviews of one account: for a person who asks what is held of them, and for erasing it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from riskapi.reviews.queue import STATUSES, index_key, place_pages, review_key
from riskapi.store.connections import Store
from riskapi.store.streams import shard


class AccountReviews:
    """Finds and erases the reviews of an account. Raises :class:`StoreUnavailable` while the store is away."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._erase = store.script("review_erase")

    def of(self, user_id: str) -> list[str]:
        """The ids of an account's reviews, oldest first in each status. All reviews of its shard are looked at: nothing
        else knows those of years ago.
        """
        found: dict[str, None] = {}
        number = shard(user_id)
        # A review that is moved on meanwhile is met again.
        for places in chain.from_iterable(place_pages(self._store, number, status) for status in STATUSES):
            ids = [place.decode().partition(":")[2] for place in places]
            pipe = self._store.pipeline()
            for each in ids:
                pipe.execute_command("HGET", review_key(each), "user_id")
            whose = zip(ids, self._store.run(pipe), strict=True)
            found |= {name: None for name, user in whose if user == user_id.encode()}
        return list(found)

    def erase(self, user_id: str, review_ids: Sequence[str]) -> int:
        """Erase these reviews of an account, with notes, reasons and questions. Returns how many. Who decided what in
        those that people decided stays, so that it can be undone. Safe to repeat.
        """
        indexes = [index_key(shard(user_id), status) for status in STATUSES]
        return sum(int(self._erase.call([review_key(each), *indexes], [user_id])) for each in review_ids)
