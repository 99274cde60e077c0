"""Pauses: an account that may send nothing, for a while or until a person says so. Its tier stays what it is."""

from __future__ import annotations

from typing import Any, Literal

import orjson
from typing_extensions import TypedDict

from riskapi.accounts.history import HistoryEntry
from riskapi.policy import Policy
from riskapi.store import damaged
from riskapi.store.connections import Store
from riskapi.store.streams import account_key, oldest, shard, stream
from riskapi.times import DAY, rfc3339
from signals.records import record


class PauseView(TypedDict):
    """Why an account may send nothing, by whom, since when, and until when; null until a person ends it."""

    source: str
    reason: str
    actor: str | None
    since: str
    expires_at: str | None


@record
class Pause:
    """A pause. ``source`` is what paused it (``feedback``, or ``reviewer``), ``reason`` the trigger, or what a person
    said. Times are Unix times; ``expires_at`` is None where it holds until a person ends it. ``linked``: what the
    mail of others met brought it about, see :mod:`riskapi.accounts.linked_restrictions`.
    """

    source: Literal["feedback", "reviewer"]
    reason: str
    actor: str | None
    at: float
    expires_at: float | None
    linked: bool = False

    def holds(self, now: float) -> bool:
        """Whether it holds at Unix time ``now``."""
        return self.expires_at is None or now < self.expires_at

    def view(self) -> PauseView:
        """As answers show it."""
        return {
            "source": self.source,
            "reason": self.reason,
            "actor": self.actor,
            "since": rfc3339(self.at),
            "expires_at": None if self.expires_at is None else rfc3339(self.expires_at),
        }


def pause_of(kept: bytes | None) -> Pause | None:
    """The pause in the field ``paused`` of an account, None where there is none, or it cannot be read."""

    def read() -> Pause:
        return Pause(**damaged.known(Pause, orjson.loads(kept or b"")))

    return damaged.read("pause", "?", read, None) if kept else None


@record
class PauseMove:
    """A pause that others brought about and that began, or ended: the ``entry`` of the history, the ``event`` about it
    and its type.
    """

    entry: HistoryEntry
    type: Literal["pause", "resume"]
    event: bytes

    def told_script(self) -> dict[str, str]:
        """What ``account_again.lua`` is told of it."""
        return {"entry": orjson.dumps(self.entry).decode(), "type": self.type, "event": self.event.decode()}


def pause_event(user_id: str, pause: Pause) -> bytes:
    """What the stream is told of a pause."""
    told: dict[str, Any] = {
        "user_id": user_id,
        "at": pause.at,
        "source": pause.source,
        "actor": pause.actor,
        "reason": pause.reason,
        "expires_at": pause.expires_at,
    }
    return orjson.dumps(told)


def until(pause: Pause) -> str:
    """When a pause ends, as scripts compare it: ``""`` for one that a person ends."""
    return "" if pause.expires_at is None else repr(pause.expires_at)


class Pauses:
    """Pauses accounts. A decision of a review ends a pause, and its undoing lets the pause go on
    (``store/lua/review_decide.lua``). Every method raises :class:`riskapi.errors.StoreUnavailable`.
    """

    def __init__(self, store: Store) -> None:
        self._pause = store.script("account_pause")

    def set(self, user_id: str, pause: Pause, policy: Policy) -> int | None:
        """Pause an account for what its own mail met, unless it is paused for as long already. Returns the new revision
        of the account where it was paused.

        A pause that others brought about says nothing of it: a longer one goes on, and this one is what is left when
        that ends. Safe to repeat. None where nothing changed, and for an account that is not there.
        """
        args: list[str | bytes | int] = [policy.retention.accounts_days * DAY, orjson.dumps(pause), until(pause)]
        args += (pause_event(user_id, pause), oldest(policy.retention.decisions_days))
        revision = self._pause.call([account_key(user_id), stream(shard(user_id))], args)
        return None if revision < 0 else int(revision)
