"""Why reviews were opened: at length for those that are shown, and by name for all that wait, to filter by.

What a review says does not change while it is open, so which reasons it names is kept in the process.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from riskapi.contract import Reason
from riskapi.reviews.queue import reasons_of, review_key
from riskapi.reviews.waiting import WaitingReview
from riskapi.store import damaged
from riskapi.store.connections import Store, as_it_is
from signals.records import record

#: Reviews whose names are kept, some 300 bytes each: more than the queue reads of each status. Chosen by us.
_KEPT = 10_000


@record
class NamedReasons:
    """Which reasons a review names: their codes, and the signals behind them."""

    codes: frozenset[str]
    signals: frozenset[str]


class ReviewReasons:
    """Reads reasons. Safe to share between threads; every method raises :class:`StoreUnavailable`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        # A review that was withdrawn and is opened again may say something else: the time tells them apart.
        self._named: dict[tuple[str, float], NamedReasons] = {}

    def of(self, review_ids: Iterable[str]) -> dict[str, list[Reason]]:
        """The reasons of reviews, by id; none for one that is there no more. One trip."""
        pipe = self._store.pipeline()
        asked = {name: pipe.ask("HGET", review_key(name), "reasons", read=as_it_is) for name in review_ids}
        if asked:
            self._store.run(pipe)
        read = {name: partial(reasons_of, said()) for name, said in asked.items()}
        return {name: damaged.read("review", name, reader, list[Reason]()) for name, reader in read.items()}

    def named(self, reviews: Iterable[WaitingReview]) -> Mapping[str, NamedReasons]:
        """Which reasons each of these reviews names, by its id. One trip where some were not seen before, else none."""
        wanted = {each.id: (each.id, each.opened_at) for each in reviews}
        kept = self._named
        said = self.of(name for name, place in wanted.items() if place not in kept)
        found = {wanted[name]: _named(reasons) for name, reasons in said.items()}
        if found:
            if len(kept) + len(found) > _KEPT:  # those that wait no more go
                kept = {place: kept[place] for place in wanted.values() if place in kept}
            self._named = kept = {**kept, **found}
        return {name: kept[place] for name, place in wanted.items()}


def _named(reasons: Iterable[Reason]) -> NamedReasons:
    rows = list(reasons)
    return NamedReasons(
        frozenset(row["code"] for row in rows), frozenset(row["signal"] for row in rows if row["signal"])
    )
