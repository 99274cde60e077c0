"""Spreads: what confirmed abuse of an account means for others, as it is kept with the account.

A spread is begun once for each label ``abuse`` that an account gets, whoever comes to it first, and goes with the
label: a script that labels anew takes it away. While it is ``live``, things that the account shares are marked as an
abuser's, and what that means for others follows from the marks (``docs/others.md``). In every other state they are
not, so to undo a spread is to change its state.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any, Literal

import orjson
from typing_extensions import TypedDict

from riskapi.contract import Count, Instant
from riskapi.policy import Policy
from riskapi.store import damaged
from riskapi.store.connections import Store
from riskapi.store.streams import account_key, oldest, shard, stream
from riskapi.times import rfc3339
from signals.records import record

#: ``held``: it would touch more accounts than the policy lets go by itself. ``undone``: a person took it back.
#: ``ended``: the days that the policy gives it are over.
SpreadState = Literal["live", "held", "shadow", "off", "undone", "ended"]


class KeptSpread(TypedDict):
    """A spread of an account: its state, since when and by whom, and whom it was found to touch when it began.

    ``accounts`` are decided again, at most; ``established`` of them are customers, who are only looked at.
    """

    spread_id: str
    state: SpreadState
    by: str
    at: Instant
    changed_at: Instant
    changed_by: str | None
    accounts: Count
    established: Count
    expires_at: Instant | None


@record
class Spread:
    """A spread. ``by`` is who labelled the account, times are Unix times; ``expires_at`` is None where it goes with its
    label only.
    """

    id: str
    state: SpreadState
    by: str
    at: float
    changed_at: float
    changed_by: str | None
    accounts: int
    established: int
    expires_at: float | None

    def has_ended(self, now: float) -> bool:
        """Whether its days are over at Unix time ``now``, and nobody noted that yet."""
        return self.state == "live" and self.expires_at is not None and self.expires_at <= now

    def view(self) -> KeptSpread:
        """As answers show it."""
        return {
            "spread_id": self.id,
            "state": self.state,
            "by": self.by,
            "at": rfc3339(self.at),
            "changed_at": rfc3339(self.changed_at),
            "changed_by": self.changed_by,
            "accounts": self.accounts,
            "established": self.established,
            "expires_at": None if self.expires_at is None else rfc3339(self.expires_at),
        }


def spread_id(user_id: str, at: float, by: str) -> str:
    """The id of the spread of a label, by when it was given and by whom: the same for everybody who begins it."""
    name = f"{user_id}\0{at!r}\0{by}"
    return f"spr_{hashlib.sha256(name.encode()).hexdigest()[:20]}"


def spread_of(kept: bytes | None, user_id: str = "?") -> Spread | None:
    """The spread in the field ``spread`` of an account, None where there is none, or it cannot be read."""

    def read() -> Spread:
        return Spread(**damaged.known(Spread, orjson.loads(kept or b"")))

    return damaged.read("spread", user_id, read, None) if kept else None


class Spreads:
    """Keeps spreads. Every method is safe to repeat and raises :class:`riskapi.errors.StoreUnavailable`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._put = store.script("account_spread")

    def of(self, user_id: str) -> Spread | None:
        """The spread of the label that an account has now."""
        return spread_of(self._store.execute("HGET", account_key(user_id), "spread"), user_id)

    def begin(self, user_id: str, spread: Spread, policy: Policy) -> None:
        """Keep the spread of an account's label, unless somebody did, or the account is not labelled any more."""
        self._written(user_id, "", spread, policy)

    def change(
        self, user_id: str, spread: Spread, state: SpreadState, actor: str | None, at: float, policy: Policy
    ) -> bool:
        """Put a spread in another state at Unix time ``at``; False where the account has another one by now, or none.

        What a person applies does not end by itself.
        """
        ends = None if state == "live" else spread.expires_at
        changed = replace(spread, state=state, changed_at=at, changed_by=actor, expires_at=ends)
        return self._written(user_id, spread.id, changed, policy)

    def _written(self, user_id: str, before: str, spread: Spread, policy: Policy) -> bool:
        told: dict[str, Any] = {"user_id": user_id, "at": spread.changed_at, "state": spread.state}
        told |= {"spread_id": spread.id, "by": spread.changed_by or spread.by}
        args: list[Any] = [before, orjson.dumps(spread), orjson.dumps(told)]
        args.append(oldest(policy.retention.decisions_days))
        return bool(self._put.call([account_key(user_id), stream(shard(user_id))], args))
