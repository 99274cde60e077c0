"""How many accounts have a thing, and what became of them: counted in the store, whatever their number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from riskapi.links.touches import KEEP
from riskapi.store.connections import Store
from riskapi.store.pipelines import Pipeline, ReplyReader
from riskapi.store.replies import scored
from signals.records import record


@record
class Census:
    """The accounts that a thing remembers, 2,100 at most, and how many of them are limited, labelled abusive and
    established. ``first`` and ``last`` are Unix times of their uses, None where there are no accounts. ``hub``: a look
    found that so many share it that sharing says nothing.
    """

    accounts: int
    limited: int = 0
    abusive: int = 0
    established: int = 0
    first: float | None = None
    last: float | None = None
    hub: bool = False

    @property
    def is_full(self) -> bool:
        """Whether there may be more accounts than are remembered."""
        return self.accounts >= KEEP


class Censuses:
    """Asks for the accounts of things, in pipelines of others."""

    def __init__(self, store: Store) -> None:
        self._census, self._members = store.script("entity_census"), store.script("entity_members")

    def queue(self, pipe: Pipeline, key: str, now: float) -> ReplyReader[Census]:
        """Ask, in a pipeline, for the census of an entity at Unix time ``now``; no crowd is read."""
        return self._census.ask(pipe, [key], (repr(now),), read=_census)

    def queue_size(self, pipe: Pipeline, key: str) -> ReplyReader[tuple[int, bool]]:
        """Ask, in a pipeline, how many accounts an entity remembers, and whether it was found to be a hub."""
        return self._census.ask(pipe, [key], (0,), read=lambda reply: (reply[0], bool(reply[4])))

    def queue_newest(self, pipe: Pipeline, key: str, most: int) -> ReplyReader[list[tuple[str, float]]]:
        """Ask, in a pipeline, for the ``most`` newest accounts of an entity with the Unix time of their use, the newest
        first.
        """
        return self._members.ask(pipe, [key], ("-inf", "(5e11", most, "newest", "scores"), read=scored)


def _census(reply: Sequence[Any]) -> Census:
    accounts, limited, abusive, established, hub, *times = reply
    last, *firsts = (float(at) if at else None for at in times)
    first = min((at for at in firsts if at is not None), default=None)
    return Census(accounts, limited, abusive, established, first, last, hub=bool(hub))
