"""An account as it is stored: the fields of its hash, its history and its labels, and what can be read in them.

Long fields are packed (:mod:`riskapi.accounts.packing`). ``assessment`` has the first answer, the first decision and
the signup (:mod:`riskapi.accounts.first_record`); ``latest`` and ``again`` are answer and decision of the last time it
was decided again, where it was. Until 2026-11 a field ``decision`` was always the last one, and everything was JSON as
it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, cast

import orjson

from riskapi.accounts.first_record import first_answer, first_decision, kept_signup
from riskapi.accounts.history import HistoryEntry, LabelEntry, history_entry
from riskapi.accounts.packing import pack, unpack
from riskapi.contract import Tier
from riskapi.store import damaged
from riskapi.times import instant
from signals.records import record

#: What an answer says at least.
_ANSWER = ("id", "decision", "reasons", "review_id")
#: What the first answer does not tell of a first decision: when the entry of a list that made it ends, and its cause.
_UNTOLD = ("first_until", "first_cause")
#: Marks an account whose history is kept whole, with its first entry: imports, and what was answered in an outage.
_WHOLE = "history_whole"


def packed_json(value: Any) -> bytes:
    """A value as JSON, packed."""
    return pack(orjson.dumps(value))


def latest_answer(fields: Mapping[str, bytes]) -> dict[str, Any]:
    """The latest answer about an account in its fields ``latest`` and ``assessment``."""
    latest = fields.get("latest")
    return damaged.whole(unpack(latest) if latest else first_answer(fields["assessment"]), _ANSWER)


def first_entry_fields(until: float | None, cause: str | None) -> dict[str, str]:
    """Fields that keep what the first entry of the history says and the first answer does not."""
    found = {} if until is None else {"first_until": repr(until)}
    return found if cause is None else {**found, "first_cause": cause}


@record
class KeptDecisions:
    """The decisions of reviews that an account keeps (``store/lua/review_decide.lua``), by their ids.

    ``stands`` is the one in force, None where the account was labelled, or put in a tier, since. ``made`` are all that
    were not ``undone``, ``allowed`` those of them that allowed it; ``undone`` are the rest.
    """

    stands: str | None = None
    made: frozenset[str] = frozenset()
    allowed: frozenset[str] = frozenset()
    undone: frozenset[str] = frozenset()


class StoredAccount:
    """An account and its rows as they were read at once. What cannot be read raises
    :class:`~riskapi.store.damaged.Unreadable` where it is asked for.
    """

    def __init__(
        self, fields: Mapping[str, bytes], history: Sequence[HistoryEntry], labels: Sequence[LabelEntry]
    ) -> None:
        self.fields = fields
        self._history = history
        self.labels = list(labels)

    @property
    def tier(self) -> Tier:
        """The tier it is in."""
        return cast("Tier", self.fields["tier"].decode())

    @property
    def own(self) -> Tier:
        """The tier by its own evidence."""
        return cast("Tier", self.fields.get("own", self.fields["tier"]).decode())

    @property
    def signed_up_at(self) -> float:
        """When it signed up, as a Unix time."""
        return float(self.fields["at"])

    @cached_property
    def signup(self) -> bytes:
        """Its signup as posted, with what was changed of it since, as JSON."""
        return kept_signup(self.fields)

    @cached_property
    def first_answer(self) -> dict[str, Any]:
        """The answer to its signup."""
        return damaged.whole(first_answer(self.fields["assessment"]), _ANSWER)

    @cached_property
    def latest_answer(self) -> dict[str, Any]:
        """The latest answer about it."""
        return latest_answer(self.fields)

    @cached_property
    def decision(self) -> dict[str, Any]:
        """The latest decision about it, as :func:`riskapi.decisions.record.decision_entry` made it."""
        again = self.fields.get("again")
        return damaged.whole(unpack(again), ("schema", "readings", "tier")) if again else first_decision(self.fields)

    @cached_property
    def history(self) -> list[HistoryEntry]:
        """The history of its tiers, oldest first. The first entry is told by the first answer, and kept only where that
        does not tell it.
        """
        # An account of before 2026-11 kept its first answer as it was given, and its whole history.
        if _WHOLE in self.fields or self.fields["assessment"][:1] == b"{":
            return list(self._history)
        kept = first_answer(self.fields["assessment"])
        answer = damaged.whole(kept, ("created_at", "decision", "disposition", "versions"))
        until, cause = (self.fields.get(name, b"").decode() for name in _UNTOLD)
        first = history_entry(
            instant(answer["created_at"]).timestamp(),
            None,
            answer["decision"],
            answer["disposition"]["source"],
            answer["disposition"]["rule"],
            answer["versions"],
            until=float(until) if until else None,
            cause=cause or None,
        )
        return [{**first, "at": answer["created_at"]}, *self._history]

    @cached_property
    def decided(self) -> KeptDecisions:
        """The decisions of reviews about it. What one that cannot be read decided is not known."""
        kept = {name[2:]: value for name, value in self.fields.items() if name.startswith("d:")}
        made = {id: text for id, text in kept.items() if text.startswith(b"{")}
        allowed = [
            id
            for id, text in made.items()
            if damaged.loads("decision", id, text, dict[str, Any]()).get("to") == "allow"
        ]
        stands = self.fields.get("decided", b"").decode() or None
        return KeptDecisions(stands, frozenset(made), frozenset(allowed), frozenset(kept.keys() - made))

    def is_established(self, now: float) -> bool:
        """Whether it is an established customer at Unix time ``now``: nobody who was found abusive is."""
        since = self.fields.get("established")
        return since is not None and float(since) <= now and self.fields.get("label") != b"abuse"

    @property
    def proved(self) -> dict[str, str]:
        """What it proved to be its own: the key of the entity by kind."""
        return damaged.loads("account", "?", self.fields.get("proved"), dict[str, str]())
