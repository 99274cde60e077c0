"""What is counted of feedback for people to look at: by receiving domain, and by whose mail it was.

One trip for a body of events. It is lost where the store goes away in between: a share is not worth refusing a report
that is stored.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping

from riskapi.accounts.origin import Origin
from riskapi.errors import StoreUnavailable
from riskapi.feedback import mail_rates
from riskapi.feedback.platform.receivers import Receivers
from riskapi.store.connections import Store
from riskapi.store.pipelines import ReplyReader
from riskapi.store.tallies import Tallies

#: Where accounts came from, as asked in a pipeline.
Origins = Mapping[str, ReplyReader[Origin | None]]


class Observed:
    """Counts. Safe to share between threads."""

    def __init__(self, store: Store) -> None:
        self._store, self._receivers, self._tallies = store, Receivers(store), Tallies(store)

    def count(self, events: Iterable[tuple[str, str, str | None]], origins: Origins, now: float) -> None:
        """Count events at Unix time ``now``: type, account and recipient of each. Each once: what was counted for its
        account before is not to be handed in again.
        """
        rows, pipe = list(events), self._store.pipeline()
        self._receivers.queue(pipe, ((type, recipient) for type, _, recipient in rows), now)
        self._tallies.queue(pipe, mail_rates.happened(((type, origins[name]()) for type, name, _ in rows), now), now)
        with contextlib.suppress(StoreUnavailable):
            self._store.run(pipe)
