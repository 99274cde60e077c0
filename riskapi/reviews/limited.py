"""Accounts that were put to ``limit`` without a person: one row a cluster, so that somebody can look at them too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

from riskapi.accounts.packing import unpack
from riskapi.accounts.stored import latest_answer
from riskapi.budgets.keys import budget_key
from riskapi.contract import Reason
from riskapi.store import damaged
from riskapi.store.connections import Store, as_it_is
from riskapi.store.streams import SHARDS, account_key, stream
from signals.records import changed, record

#: Entries of each shard's stream that are looked at, the latest first, and rows. Chosen by us: what was limited lately.
_ENTRIES, _ROWS = 400, 100
_FIELDS = ("tier", "own", "at", "assessment", "latest", "signup", "decided")


@record
class LimitedCase:
    """Accounts of one cluster that are limited, and that nobody decided. The first stands for all.

    ``at`` is the Unix time of the latest decision about one of them that was seen.
    """

    user_id: str
    name: str
    mail: str
    cluster_id: str
    count: int
    at: float
    risk_score: float
    reasons: list[Reason]


class LimitedCases:
    """Reads them, from the last 400 entries of each shard's stream. Raises :class:`StoreUnavailable`."""

    def __init__(self, store: Store) -> None:
        self._store, self._limited = store, store.script("tier_limited")

    def latest(self) -> list[LimitedCase]:
        """Those limited last, the latest first, 100 at most."""
        times = self._seen()
        pipe = self._store.pipeline()
        asked = [
            (
                name,
                pipe.ask("HMGET", account_key(name), *_FIELDS, read=_fields),
                pipe.ask("HGET", budget_key(name), "cluster", read=_text),
            )
            for name in times
        ]
        if asked:
            self._store.run(pipe)
        found: dict[str, LimitedCase] = {}
        counts = Counter[str]()
        for name, fields, cluster in asked:
            row = fields()
            if row.get("tier") != b"limit" or "decided" in row:
                continue
            key = cluster() or f".{name}"
            counts[key] += 1
            if key in found:
                continue
            case = damaged.read("account", name, partial(_case, name, cluster(), row, times[name]), None)
            if case is not None:
                found[key] = case
        return [changed(case, count=counts[key]) for key, case in list(found.items())[:_ROWS]]

    def _seen(self) -> dict[str, float]:
        """Accounts that were put to ``limit`` by something else than a person, with when, the latest first."""
        pipe = self._store.pipeline()
        asked = [self._limited.ask(pipe, [stream(number)], [_ENTRIES], read=as_it_is) for number in range(SHARDS)]
        self._store.run(pipe)
        found: dict[str, float] = {}
        for data in (data for reply in asked for data in reply()):
            told = damaged.loads("entry", "limit", data, dict[str, Any]())
            if told.get("source") != "reviewer" and "user_id" in told:
                found[told["user_id"]] = max(float(told["at"]), found.get(told["user_id"], 0.0))
        return dict(sorted(found.items(), key=lambda row: -row[1])[: 4 * _ROWS])


def _fields(reply: Sequence[bytes | None]) -> dict[str, bytes]:
    """The fields of an account that are there."""
    return {name: value for name, value in zip(_FIELDS, reply, strict=True) if value}


def _text(reply: bytes | None) -> str:
    return (reply or b"").decode()


def _case(user_id: str, cluster: str, row: dict[str, bytes], at: float) -> LimitedCase:
    answer = latest_answer(row)
    signup = damaged.whole(unpack(row["signup"]))
    name, mail = str(signup["account"].get("name") or ""), str(signup["email"]["address"])
    return LimitedCase(user_id, name, mail, cluster, 1, at, float(answer["risk_score"]), answer["reasons"])
