"""How many accounts have a thing, and what became of them: counted in the store, whatever their number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from riskapi.links.entities import KEEP
from riskapi.store.connections import Pipeline, as_it_is
from signals.records import record

#: Where the sorts of members of an entity begin and end; see ``store/lua/entity_touch.lua``.
_ACCOUNTS, _LIMITED, _ABUSIVE = ("-inf", "(5e11"), (5e11, "(15e11"), (15e11, "(25e11")
_ESTABLISHED, _FIRST_USES = (69e11, 7e12), (79e11, "(89e11")


@record
class Census:
    """The accounts that a thing remembers, 2,000 at most, and how many of them are limited, labelled abusive and
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


def queue_census(pipe: Pipeline, key: str, now: float) -> Callable[[], Census]:
    """Ask, in a pipeline, for the census of an entity at Unix time ``now``: eight commands that read no crowd."""
    counts = [pipe.ask("ZCOUNT", key, *within, read=int) for within in (_ACCOUNTS, _LIMITED, _ABUSIVE)]
    since, until = _ESTABLISHED
    counts.append(pipe.ask("ZCOUNT", key, since, until + now, read=int))
    newest, oldest = _ACCOUNTS[::-1], _ACCOUNTS
    last = pipe.ask("ZREVRANGEBYSCORE", key, *newest, "WITHSCORES", "LIMIT", 0, 1, read=as_it_is)
    first = pipe.ask("ZRANGEBYSCORE", key, *oldest, "WITHSCORES", "LIMIT", 0, 1, read=as_it_is)
    used = pipe.ask("ZRANGEBYSCORE", key, *_FIRST_USES, "WITHSCORES", "LIMIT", 0, 1, read=as_it_is)
    hub = pipe.ask("ZSCORE", key, "=h", read=bool)

    def read() -> Census:
        accounts, limited, abusive, established = (count() for count in counts)
        times = [_score(first()), None if (at := _score(used())) is None else at - 8e12]
        known = [at for at in times if at is not None]
        return Census(accounts, limited, abusive, established, min(known, default=None), _score(last()), hub=hub())

    return read


def queue_size(pipe: Pipeline, key: str) -> Callable[[], tuple[int, bool]]:
    """Ask, in a pipeline, how many accounts an entity remembers, and whether it was found to be a hub."""
    accounts = pipe.ask("ZCOUNT", key, *_ACCOUNTS, read=int)
    hub = pipe.ask("ZSCORE", key, "=h", read=bool)
    return lambda: (accounts(), hub())


def queue_newest(pipe: Pipeline, key: str, first: int, most: int) -> Callable[[], list[tuple[str, float]]]:
    """Ask, in a pipeline, for accounts of an entity with the Unix time of their use, newest first: ``most`` of them,
    from the one at place ``first`` on.
    """
    top, bottom = _ACCOUNTS[::-1]
    found = pipe.ask("ZREVRANGEBYSCORE", key, top, bottom, "WITHSCORES", "LIMIT", first, most, read=as_it_is)

    def read() -> list[tuple[str, float]]:
        reply: Sequence[Any] = found()
        return [(name.decode(), float(at)) for name, at in zip(reply[::2], reply[1::2], strict=True)]

    return read


def _score(reply: Sequence[Any]) -> float | None:
    return float(reply[1]) if reply else None
