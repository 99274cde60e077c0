"""Tallying: signups, reviews, clusters and thresholds, counted by hour and day from what the streams tell.

Each stream is read from where it was counted up to, and that moves on in the step that counts, so that an entry counts
once, however many workers there are and wherever one stops. A signup pays nothing for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from riskapi.decisions.record import is_brief, told_decision, told_tier
from riskapi.policy.tables import SEVERITY
from riskapi.reviews.backlog import backlog
from riskapi.store import damaged
from riskapi.store.connections import Store
from riskapi.store.consumer import STREAMS
from riskapi.store.streams import stream
from riskapi.store.tallies import Happened, Tallies
from riskapi.times import HOUR, instant

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
                self._tallies.queue_stream(pipe, _happened(entries), name, starts[name], entries[-1][0].decode())
        self._store.run(pipe)
        return [name for name, entries in pages.items() if len(entries) == _PAGE]


def _happened(entries: Iterable[tuple[bytes, Mapping[bytes, bytes]]]) -> dict[float, list[Happened]]:
    """What to count of entries, by the hour; those that cannot be read are left out."""
    found, plain = dict[float, list[Happened]](), dict[tuple[float, str, int | None], int]()
    for id, fields in entries:
        try:
            type, data = fields[b"type"], orjson.loads(fields[b"data"])
            # Most entries are of signups of which tier and score are counted: those that are alike at once.
            if type == b"decision" and "shadow" not in data and is_brief(data):
                alike = data["at"] // HOUR, told_tier(data), _tenth(data)
                plain[alike] = plain.get(alike, 0) + 1
            elif rows := list(happened(type.decode(), data)):
                found.setdefault(_hour(data["at"]), []).extend(rows)
        except damaged.FAULTS as error:
            damaged.note("entry", id.decode(), error)
    for (hour, tier, tenth), count in plain.items():
        found.setdefault(hour * HOUR, []).extend(_signed_up(tier, tenth, count))
    return found


def _signed_up(tier: str, tenth: int | None, count: int = 1) -> Iterator[Happened]:
    """What to count of signups of one tier with scores in one tenth of the hundred; None where there is no score."""
    yield Happened("signup", tier, "n", count)
    if tenth is not None:
        yield Happened("score", str(tenth), "n", count)


def _tenth(data: Mapping[str, Any]) -> int | None:
    score = data.get("score")
    return None if score is None else min(int(score) // 10, 9)


def _hour(at: float | str) -> float:
    """The Unix time at which the hour of a time begins, which is Unix time or RFC 3339."""
    seconds = instant(at).timestamp() if isinstance(at, str) else float(at)
    return seconds // HOUR * HOUR


def happened(type: str, data: Mapping[str, Any]) -> Iterator[Happened]:
    """What to count of an entry of the streams."""
    if type == "decision":
        data = told_decision(data)
    match type:
        case "decision" if data.get("kind") == "signup":
            yield from _signed_up(data["tier"], _tenth(data))
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
            # Accounts of the cluster share one more thing, or share it again: nobody new came.
            if came := len(data["user_ids"]) if "user_ids" in data else 1:
                yield Happened("cluster", data["cluster_id"], "n", came)
