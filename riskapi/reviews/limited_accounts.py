"""Accounts that were put to ``limit`` without a person: one row a cluster, so that somebody can look at them too."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import partial
from typing import Any

from riskapi.accounts.first_record import kept_signup
from riskapi.accounts.stored import latest_answer
from riskapi.budgets.keys import budget_key
from riskapi.contract import Reason
from riskapi.store import damaged
from riskapi.store.connections import Store
from riskapi.store.pipelines import as_it_is
from riskapi.store.streams import SHARDS, account_key, stream
from signals.records import record

#: Entries of each shard's stream that are looked at, the latest first, and rows. They show what was limited lately.
_ENTRIES, _ROWS = 400, 100
_FIELDS = ("assessment", "latest", "signup")

#: When an account was put to ``limit``, a Unix time, by what, and by which rule or entry of a list.
_Limiting = tuple[float, str, str]


@record
class LimitedAccounts:
    """Accounts of one cluster that are limited, and that nobody decided: how many, and one that stands for all.

    ``at`` is the Unix time of the latest decision about one of them that was seen, ``source`` and ``reason`` are what
    decided it, as in :class:`riskapi.accounts.history.HistoryEntry`, ``""`` where it is not said.
    """

    user_id: str
    count: int
    at: float
    source: str = ""
    reason: str = ""


@record
class LimitedCase:
    """The same with what a person wants to know of the account that stands for all."""

    accounts: LimitedAccounts
    name: str
    mail: str
    risk_score: float
    reasons: list[Reason]


class LimitedCases:
    """Reads them, from the last 400 entries of each shard's stream. Raises :class:`StoreUnavailable`.

    Entries are read once: what they say is kept in the process. Whether somebody is limited still is read each time.
    """

    def __init__(self, store: Store) -> None:
        self._store, self._limited = store, store.script("tier_limited")
        self._places, self._known, self._lock = [""] * SHARDS, dict[str, _Limiting](), threading.Lock()

    def latest(self) -> list[LimitedAccounts]:
        """Those limited last, the latest first, 100 at most: one a cluster."""
        times = self._seen()
        pipe = self._store.pipeline()
        asked = [
            (
                name,
                pipe.ask("HMGET", account_key(name), "tier", "decided", read=as_it_is),
                pipe.ask("HGET", budget_key(name), "cluster", read=_text),
            )
            for name in times
        ]
        if asked:
            self._store.run(pipe)
        found: dict[str, list[str]] = {}
        for name, fields, cluster in asked:
            tier, decided = fields()
            if tier == b"limit" and decided is None:
                found.setdefault(cluster() or f".{name}", []).append(name)
        return [LimitedAccounts(names[0], len(names), *times[names[0]]) for names in list(found.values())[:_ROWS]]

    def shown(self, rows: Sequence[LimitedAccounts]) -> list[LimitedCase]:
        """What a person wants to know of some; those that cannot be read are left out."""
        pipe = self._store.pipeline()
        asked = [(row, pipe.ask("HMGET", account_key(row.user_id), *_FIELDS, read=_fields)) for row in rows]
        if asked:
            self._store.run(pipe)
        read = (damaged.read("account", row.user_id, partial(_case, row, fields()), None) for row, fields in asked)
        return [case for case in read if case is not None]

    def _seen(self) -> dict[str, _Limiting]:
        """Accounts that something else than a person put to ``limit``, with when and what it was, the latest first."""
        with self._lock:
            found = self._known
            for number, reply in enumerate(self._told()):
                place, *told = reply
                self._places[number] = place.decode() or self._places[number]
                for data in told:
                    said = damaged.loads("entry", "limit", data, dict[str, Any]())
                    if said.get("source") != "reviewer" and "user_id" in said:
                        name, at = said["user_id"], float(said["at"])
                        if name not in found or at >= found[name][0]:
                            found[name] = (at, str(said.get("source") or ""), str(said.get("reason") or ""))
            self._known = dict(sorted(found.items(), key=lambda row: -row[1][0])[: 4 * _ROWS])
            return self._known

    def _told(self) -> list[list[bytes]]:
        """What the script tells of each shard. The first time, when it reads most, it takes a trip for each shard, so
        that others wait for one shard at most.
        """
        trips, found = [range(SHARDS)] if all(self._places) else [[number] for number in range(SHARDS)], []
        for numbers in trips:
            pipe = self._store.pipeline()
            asked = [
                self._limited.ask(pipe, [stream(number)], [_ENTRIES, self._places[number]], read=list[bytes])
                for number in numbers
            ]
            self._store.run(pipe)
            found += [reply() for reply in asked]
        return found


def _fields(reply: Sequence[bytes | None]) -> dict[str, bytes]:
    """The fields of an account that are there."""
    return {name: value for name, value in zip(_FIELDS, reply, strict=True) if value}


def _text(reply: bytes | None) -> str:
    return (reply or b"").decode()


def _case(accounts: LimitedAccounts, row: dict[str, bytes]) -> LimitedCase:
    answer = latest_answer(row)
    signup = damaged.whole(kept_signup(row))
    name, mail = str(signup["account"].get("name") or ""), str(signup["email"]["address"])
    return LimitedCase(accounts, name, mail, float(answer["risk_score"]), answer["reasons"])
