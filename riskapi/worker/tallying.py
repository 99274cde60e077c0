"""Tallying: signups, reviews, clusters and thresholds, counted by hour and day from what the streams tell.

Each stream is read from where it was counted up to, and that moves on in the step that counts, so that an entry counts
once, however many workers there are and wherever one stops. A signup pays nothing for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import orjson

from riskapi.decisions.record import told_decision
from riskapi.policy.tables import SEVERITY
from riskapi.reviews.backlog import backlog
from riskapi.store import damaged
from riskapi.store.connections import Store
from riskapi.store.consumer import STREAMS
from riskapi.store.streams import stream
from riskapi.store.tallies import Happened, Tallies
from riskapi.times import instant

#: Entries read of a stream in one trip, and trips of one step: what is left is counted by the next.
_PAGE, _TRIPS = 250, 20


class Tallying:
    """Counts what is new in the streams."""

    def __init__(self, store: Store) -> None:
        self._store, self._tallies = store, Tallies(store)

    def step(self, now: float) -> int:
        """Count what happened since the last step, and how long the queue is at Unix time ``now``.

        Returns how many streams have more to count. Raises :class:`riskapi.errors.StoreUnavailable`.
        """
        left = list(STREAMS)
        for _ in range(_TRIPS):
            left = self._count(left)
            if not left:
                break
        waiting, pipe = backlog(self._store, now), self._store.pipeline()
        self._tallies.queue(pipe, [], now, {"waiting": waiting.waiting, "oldest": round(waiting.oldest)})
        self._store.run(pipe)
        return len(left)

    def _count(self, names: list[str]) -> list[str]:
        """Count a page of each stream; returns those of which there is more."""
        positions, pipe = self._tallies.positions(), self._store.pipeline()
        starts = {name: positions.get(name, "0-0") for name in names}
        for name, start in starts.items():
            pipe.execute_command("XRANGE", stream(name), f"({start}", "+", "COUNT", _PAGE)
        pages = dict(zip(names, self._store.run(pipe), strict=True))
        pipe = self._store.pipeline()
        for name, entries in pages.items():
            if entries:
                found: dict[float, list[Happened]] = {}
                for id, fields in entries:
                    row = damaged.read("entry", id.decode(), partial(_row, fields), None)
                    if row is not None and row[1]:
                        found.setdefault(row[0], []).extend(row[1])
                self._tallies.queue_stream(pipe, found, name, starts[name], entries[-1][0].decode())
        self._store.run(pipe)
        return [name for name, entries in pages.items() if len(entries) == _PAGE]


def _row(fields: Mapping[bytes, bytes]) -> tuple[float, list[Happened]]:
    """The hour of an entry, and what to count of it. Raises one of :data:`riskapi.store.damaged.FAULTS`."""
    data = orjson.loads(fields[b"data"])
    rows = list(happened(fields[b"type"].decode(), data))
    at = data["at"] if rows else 0.0
    seconds = instant(at).timestamp() if isinstance(at, str) else float(at)
    return seconds // 3600 * 3600, rows


def happened(type: str, data: Mapping[str, Any]) -> Iterator[Happened]:
    """What to count of an entry of the streams."""
    if type == "decision":
        data = told_decision(data)
    match type:
        case "decision" if data.get("kind") == "signup":
            yield Happened("signup", data["tier"], "n")
            if (score := data.get("score")) is not None:
                yield Happened("score", str(min(int(score) // 10, 9)), "n")
            for candidate, tier in (data.get("shadow") or {}).items():
                apart = SEVERITY[tier] - SEVERITY[data["tier"]]
                what = "tighter" if apart > 0 else "looser" if apart < 0 else "same"
                yield Happened("shadow", candidate, what)
        case "review" if data.get("to") == "decided" or data.get("opened"):
            yield Happened("review", "decided" if data["to"] == "decided" else "opened", "n")
        case "feedback" if data.get("action"):
            yield Happened("threshold", str(data.get("rule")), "n")
        case "platform" if data.get("action") == "crossed":
            yield Happened("threshold", f"platform {data.get('rule')}", "n")
        case "hold":
            yield Happened("threshold", "sudden volume", "n")
        case "cluster" if data.get("change") in ("joined", "merged"):
            # Those in it already share one more thing, or share it again: nobody came.
            if came := len(data["user_ids"]) if "user_ids" in data else 1:
                yield Happened("cluster", data["cluster_id"], "n", came)
