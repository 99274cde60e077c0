"""Message ids: which account sent a message, as the caller told it at send time, under the id that reports give it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence

from riskapi.feedback.counts import WINDOW_DAYS
from riskapi.store.connections import Store
from riskapi.store.pipelines import as_it_is
from riskapi.times import DAY

#: Seconds for which an id is known: a day longer than an event counts.
KEPT = (WINDOW_DAYS + 1) * DAY


class MessageIds:
    """Knows the accounts of messages for :data:`KEPT` seconds. Some 105 bytes an id."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tell = store.script("feedback_message")

    def tell(self, user_id: str, ids: Sequence[str]) -> int:
        """Note that an account sent messages. Returns how many of the ids were told by several accounts, and so say
        nothing.

        Safe to repeat. Raises :class:`StoreUnavailable`.
        """
        pipe = self._store.pipeline()
        asked = [self._tell.ask(pipe, [message_key(id)], [user_id, KEPT], read=as_it_is) for id in ids]
        self._store.run(pipe)
        return sum(state() == b"several" for state in asked)

    def accounts(self, ids: Iterable[str]) -> Mapping[str, Sequence[str]]:
        """The account of each id that was told; none for the others, and for ids that several accounts told."""
        asked = list(ids)
        if not asked:
            return {}
        pipe = self._store.pipeline()
        found = [pipe.ask("GET", message_key(id), read=as_it_is) for id in asked]
        self._store.run(pipe)
        held = ((id, holder()) for id, holder in zip(asked, found, strict=True))
        return {id: [holder.decode()] for id, holder in held if holder}


def bare(id: str) -> str:
    """A message id without white space and angle brackets, as reports are asked for it."""
    return id.strip().strip("<>").strip()


def hashed(id: str) -> str:
    """What stands for a message id in keys: 120 bits of its SHA-256. Ids can have addresses in them."""
    digest = hashlib.sha256(b"message\0" + bare(id).encode("utf-8", "surrogatepass")).digest()
    return base64.urlsafe_b64encode(digest[:15]).decode()


def message_key(id: str) -> str:
    """Key of a message, which holds its account, or nothing where several told it; it expires after :data:`KEPT`."""
    return f"risk:fm:{hashed(id)}"
