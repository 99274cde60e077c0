"""Changes of the policy that somebody is about to publish: kept for a week, so that the simulation has its policy.

A draft is never changed: another change is another draft.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import orjson

from riskapi.errors import Problem
from riskapi.store import damaged
from riskapi.times import DAY

if TYPE_CHECKING:
    from riskapi.store.connections import Store

#: Seconds a draft is kept: as long as its simulation is.
_KEPT = 7 * DAY
#: What stands for a key that is not there.
_GONE = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One draft: the whole ``policy`` as JSON, made from version ``base`` by ``author`` at Unix time ``at``.

    ``text`` is its TOML, where somebody wrote that. ``simulation_id`` is the latest simulation of it. ``restores`` is
    the version it brings back, if it does.
    """

    id: str
    author: str
    at: float
    base: int
    policy: Mapping[str, Any]
    text: str | None = None
    simulation_id: str | None = None
    restores: int | None = None


class Drafts:
    """Keeps drafts. Every method raises :class:`StoreUnavailable` while the store is away."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def keep(self, draft: Draft) -> Draft:
        """Keep a draft, by a new id."""
        made = replace(draft, id=f"drf_{secrets.token_hex(12)}")
        self._store.execute("SET", _key(made.id), orjson.dumps(asdict(made)), "EX", _KEPT)
        return made

    def simulated(self, draft: Draft, simulation_id: str) -> None:
        """Say which simulation of a draft is the latest."""
        row = orjson.dumps(asdict(replace(draft, simulation_id=simulation_id)))
        self._store.execute("SET", _key(draft.id), row, "XX", "EX", _KEPT)

    def get(self, id: str) -> Draft:
        """A draft. Raises ``not_found``."""
        row = self._store.execute("GET", _key(id))
        if row is None:
            raise Problem("not_found", "This draft is not there any more. Drafts are kept for a week.")
        return Draft(**damaged.known(Draft, damaged.whole(row, ("id", "author", "at", "base", "policy"))))


def carried_over(base: Any, mine: Any, theirs: Any) -> Any:
    """``theirs`` with what ``mine`` changed of ``base``. Lists are taken whole, except rows of equal number. Pure."""
    if mine == base and isinstance(mine, bool) == isinstance(base, bool):
        return theirs
    if all(isinstance(each, Mapping) for each in (base, mine, theirs)):
        sides = (base, mine, theirs)
        found = {key: carried_over(*(side.get(key, _GONE) for side in sides)) for key in {**theirs, **mine}}
        return {key: value for key, value in found.items() if value is not _GONE}
    if all(isinstance(each, list) and len(each) == len(mine) for each in (base, mine, theirs)) and all(
        isinstance(row, Mapping) for row in mine
    ):
        return [carried_over(*rows) for rows in zip(base, mine, theirs, strict=True)]
    return mine


def _key(id: str) -> str:
    return f"risk:draft:{id}"
