"""Why a review was opened, as it is kept: with the review, or, of one that a signup opened, in the answer to that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import orjson

from riskapi.accounts.first_record import first_answer
from riskapi.accounts.packing import unpack
from riskapi.contract import Reason
from riskapi.store import damaged
from riskapi.store.connections import Store
from riskapi.store.pipelines import as_it_is
from riskapi.store.streams import account_key

#: Fields of a review that :func:`kept_reasons` goes by.
FIELDS = ("reasons", "user_id")


def kept_reasons(store: Store, reviews: Mapping[str, Sequence[bytes | None]]) -> Mapping[str, bytes | None]:
    """What says of each review why it was opened, for :func:`reasons_of`; ``reviews`` are :data:`FIELDS` by id.

    One trip, where the accounts of some have to be asked. None where neither says it any more. Raises
    :class:`StoreUnavailable`.
    """
    users = {name: user.decode("utf-8", "replace") for name, (kept, user) in reviews.items() if user and kept is None}
    pipe = store.pipeline()
    asked = {name: pipe.ask("HGET", account_key(user), "assessment", read=as_it_is) for name, user in users.items()}
    if asked:
        store.run(pipe)
    told = {
        name: damaged.read("account", users[name], partial(_told, name, reply()), None) for name, reply in asked.items()
    }
    return {name: told.get(name, kept) for name, (kept, _) in reviews.items()}


def reasons_of(kept: bytes | None) -> list[Reason]:
    """The reasons of a review: packed, or JSON as it is; none where nothing says them. Raises ValueError."""
    found: list[Reason] = [] if kept is None else orjson.loads(unpack(kept))
    return found


def _told(review_id: str, record: bytes | None) -> bytes | None:
    if record is None:
        return None  # erased, or expired
    answer = damaged.whole(first_answer(record), ("review_id", "reasons"))
    return orjson.dumps(answer["reasons"]) if answer["review_id"] == review_id else None
