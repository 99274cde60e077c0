"""Signups as they were recorded, read back from the newest on, in slices that are short for whoever works beside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from riskapi.accounts.first_record import DECISION_FIELDS
from riskapi.accounts.log import Decisions, stored_decision
from riskapi.contract import Tier
from riskapi.policy import Policy
from riskapi.sending.allowances import Allowance, Allowances, Read
from riskapi.store import damaged
from riskapi.store.connections import Store
from riskapi.store.streams import SHARDS, account_key, stream
from signals.records import record
from signals.registry import Readings, registered

#: Signups that one run rests on at most, and entries of the streams it reads for them.
MOST = 20_000
_MOST_ENTRIES = 400_000
#: Entries of a shard read in one trip; what they hold is one slice.
_PAGE = 60


@record
class RecordedSignup:
    """A signup as it was decided at Unix time ``at``: the ``recorded`` decision with its ``readings``, in which signals
    that came since are unknown. ``label`` is the account's latest, ``""`` for none.

    ``allowance`` reads what the account may send now by a policy, in a tier.
    """

    user_id: str
    at: float
    recorded: Mapping[str, Any]
    readings: Readings
    label: str
    allowance: Read

    def allowed(self, policy: Policy, tier: Tier | None = None) -> Allowance:
        """What its account may send by this policy in this tier, by default the one it is in now."""
        return self.allowance(policy, tier=tier)


class RecordedSignups:
    """Opens readings of recorded signups."""

    def __init__(self, store: Store, decisions: Decisions, allowances: Allowances) -> None:
        self._store, self._decisions, self._allowances = store, decisions, allowances

    def back(self, since: float, now: float, most: int = MOST) -> ReadingBack:
        """The signups with ``since <= at < now`` (Unix times), at most ``most`` and a slice more. Raises
        :class:`StoreUnavailable`, and so does reading on.
        """
        return ReadingBack(self._store, self._decisions, self._allowances, since, now, most)

    def labels(self, user_ids: Iterable[str]) -> Mapping[str, str]:
        """The latest label of each account, ``""`` for none. Raises :class:`StoreUnavailable`."""
        names = list(dict.fromkeys(user_ids))
        found: dict[str, str] = {}
        for at in range(0, len(names), _PAGE):
            pipe = self._store.pipeline()
            for name in names[at : at + _PAGE]:
                pipe.execute_command("HGET", account_key(name), "label")
            found |= {name: (row or b"").decode() for name, row in zip(names[at:], self._store.run(pipe), strict=False)}
        return found


class ReadingBack:
    """One reading back. ``done`` of ``entries`` are read; ``since`` is how far back all signups were read, a Unix time.

    ``acted`` is what triggers did in that time: ``user_id``, ``at`` and the ``rule``, which is the trigger's name.
    ``gone`` are signups whose account is no longer kept, or cannot be read; ``older`` those that were read by fewer
    signals than there are today.
    """

    def __init__(
        self, store: Store, decisions: Decisions, allowances: Allowances, since: float, now: float, most: int
    ) -> None:
        self._store, self._decisions, self._allowances = store, decisions, allowances
        self._asked, self._now, self._most = since, now, most
        self._reached = dict.fromkeys(range(SHARDS), now)
        self._positions = dict.fromkeys(range(SHARDS), "+")
        self.done = self.found = self.gone = self.older = 0
        self.acted: list[Mapping[str, Any]] = []
        pipe = store.pipeline()
        for number in range(SHARDS):
            pipe.execute_command("XLEN", stream(number))
        self.entries = min(sum(store.run(pipe)), _MOST_ENTRIES)

    @property
    def is_cut(self) -> bool:
        """Whether there are signups left that were not read."""
        return bool(self._positions)

    @property
    def since(self) -> float:
        """Unix time since when no signup is missing."""
        return max((self._reached[number] for number in self._positions), default=self._asked)

    def slices(self) -> Iterator[list[RecordedSignup]]:
        """The signups, a few at a time, newest first; the shards take turns."""
        while self._positions and self.found < self._most and self.done < _MOST_ENTRIES:
            for number in list(self._positions):
                found = self._slice(number)
                self.found += len(found)
                yield found

    def _slice(self, number: int) -> list[RecordedSignup]:
        entries = self._store.execute("XREVRANGE", stream(number), self._positions[number], "-", "COUNT", _PAGE)
        self.done += len(entries)
        told = []
        for id, fields in entries:
            if fields.get(b"type") == b"feedback":
                self._note(damaged.loads("feedback", id.decode(), fields.get(b"data"), dict[str, Any]()))
            if fields.get(b"type") != b"decision":
                continue
            event = damaged.loads("decision", id.decode(), fields.get(b"data"), dict[str, Any]())
            if "user_id" in event and isinstance(event.get("at"), int | float):
                told.append((event, fields.get(b"decision")))
        # Entries are written as things happen, so a page of nothing but older ones is followed by older ones.
        if len(entries) < _PAGE or (told and max(event["at"] for event, _ in told) < self._asked):
            del self._positions[number]
        else:
            self._positions[number] = f"({entries[-1][0].decode()}"
            self._reached[number] = min([self._reached[number], *(event["at"] for event, _ in told)])
        return self._read(
            [
                (event, kept)
                for event, kept in told
                if event.get("kind", "signup") == "signup" and self._asked <= event["at"] < self._now
            ]
        )

    def _note(self, event: dict[str, Any]) -> None:
        if event.keys() >= {"user_id", "at", "rule"} and self._asked <= event["at"] < self._now:
            self.acted.append(event)

    def _read(self, told: list[tuple[dict[str, Any], bytes | None]]) -> list[RecordedSignup]:
        pipe, asked = self._store.pipeline(), []
        for event, kept in told:
            user_id = event["user_id"]
            fields = pipe.ask("HMGET", account_key(user_id), "label", *DECISION_FIELDS, read=tuple)
            asked.append((event, kept, fields, self._allowances.queue(pipe, user_id, self._now)))
        self._store.run(pipe)
        found = []
        for event, kept, fields, allowance in asked:
            label, *account = fields()
            reader = partial(self._signup, event, kept, account, label, allowance)
            signup = damaged.read("decision", str(event.get("id")), reader, None)
            if signup is None:
                self.gone += 1
            else:
                found.append(signup)
        return found

    def _signup(
        self,
        event: dict[str, Any],
        kept: bytes | None,
        account: Sequence[bytes | None],
        label: bytes | None,
        allowance: Read,
    ) -> RecordedSignup | None:
        recorded = stored_decision(event, kept, account)
        if recorded is None:
            return None
        read = self._decisions.readings(recorded)
        readings = {name: read.get(name) for name in registered()}
        self.older += len(readings.keys() - read.keys()) > 0
        _ = recorded["versions"], recorded["store_away"]
        return RecordedSignup(event["user_id"], event["at"], recorded, readings, (label or b"").decode(), allowance)
