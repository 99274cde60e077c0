"""Why reviews were opened: at length for those that are shown, and by name for all that wait, to filter by.

What a review says does not change while it is open, so which reasons it names is kept in the process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TypeVar

from riskapi.contract import Reason
from riskapi.reviews.kept_reasons import FIELDS, kept_reasons, reasons_of
from riskapi.reviews.queue import review_key
from riskapi.reviews.waiting_reviews import WaitingReview
from riskapi.store import damaged
from riskapi.store.connections import Store
from signals.records import record

T = TypeVar("T")
#: Reviews whose names are kept, some 300 bytes each: more than the queue reads of each status.
_KEPT = 10_000
#: Reviews asked of in one trip: others have their turn between two.
_ASKED = 200


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
        """The reasons of reviews, by id; none for a review that no longer exists. A trip or two for every 200."""
        return self._read(review_ids, reasons_of)

    def codes(self, review_ids: Iterable[str]) -> dict[str, list[str]]:
        """The codes of the reasons of reviews, as :meth:`of`."""
        return self._read(review_ids, _codes)

    def named(self, reviews: Iterable[WaitingReview]) -> Mapping[str, NamedReasons]:
        """Which reasons each of these reviews names, by its id. No trip where all were seen before."""
        wanted = {each.id: (each.id, each.opened_at) for each in reviews}
        kept = self._named
        said = self._read((name for name, place in wanted.items() if place not in kept), _named)
        found = {wanted[name]: names for name, names in said.items()}
        if found:
            if len(kept) + len(found) > _KEPT:  # those that wait no more go
                kept = {place: kept[place] for place in wanted.values() if place in kept}
            self._named = kept = {**kept, **found}
        return {name: kept[place] for name, place in wanted.items()}

    def _read(self, review_ids: Iterable[str], read: Callable[[bytes | None], T]) -> dict[str, T]:
        """What ``read`` makes of the reasons that are kept; of those that are damaged, as of none."""
        names, found = list(review_ids), dict[str, T]()
        for at in range(0, len(names), _ASKED):
            pipe = self._store.pipeline()
            part = names[at : at + _ASKED]
            asked = {name: pipe.ask("HMGET", review_key(name), *FIELDS, read=tuple) for name in part}
            self._store.run(pipe)
            for name, kept in kept_reasons(self._store, {name: reply() for name, reply in asked.items()}).items():
                found[name] = damaged.read("review", name, partial(read, kept), read(None))
        return found


def _codes(kept: bytes | None) -> list[str]:
    return [row["code"] for row in reasons_of(kept)]


def _named(kept: bytes | None) -> NamedReasons:
    rows = reasons_of(kept)
    return NamedReasons(
        frozenset(row["code"] for row in rows), frozenset(row["signal"] for row in rows if row["signal"])
    )
