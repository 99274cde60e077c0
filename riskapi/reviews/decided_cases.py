"""Reviews that people decided: those like one that waits, with how they ended, and how today went."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, cast

from riskapi.accounts.history import LabelName
from riskapi.reviews.decided_accounts import DecidedAccounts
from riskapi.reviews.kept_reasons import FIELDS, kept_reasons, reasons_of
from riskapi.reviews.queue import Review, ReviewTier, index_key, place_of, review_key
from riskapi.store import damaged
from riskapi.store.connections import Store
from riskapi.store.streams import SHARDS
from signals.records import record

#: So many reviews of each shard are looked at, the latest decided first, and so many of one day. So many cases are
#: shown. Of so many accounts that share something the reviews are looked at, whenever they were decided. More would
#: cost a page more than it may take.
_LATEST, _TODAY, _SHOWN, _SHARING = 30, 60, 8, 40
#: From this share of common reasons on two cases are alike.
_ALIKE = 0.5
#: Who decided a review that the service withdrew.
_BY_ITSELF = b"riskapi"
_FIELDS = (*FIELDS, "id", "decision", "label", "reason", "decided_by", "decided_at", "opened_at")


@record
class DecidedCase:
    """A decided review like another: ``common`` of ``of`` kinds of reasons are in both; ``shares``: its account shares
    something with the other's. ``decided_at`` is a Unix time.
    """

    review_id: str
    user_id: str
    decision: ReviewTier
    label: LabelName | None
    reason: str | None
    decided_by: str
    decided_at: float
    common: int
    of: int
    shares: bool


@record
class Today:
    """What was decided today (UTC) by people: how many reviews, and the median seconds from opening to decision; None
    without any. The latest 480 of a busy day are looked at.
    """

    decided: int
    median: float | None


class DecidedCases:
    """Reads decided reviews, a bounded number of them. Raises :class:`StoreUnavailable` while the store is away."""

    def __init__(self, store: Store, decided: DecidedAccounts) -> None:
        self._store, self._decided = store, decided

    def similar(self, review: Review, codes: Collection[str], sharing: Iterable[str], now: float) -> list[DecidedCase]:
        """Decided cases like this one, the most alike first, 8 at most.

        A case is alike if its account shares something with this one's (``sharing`` names such accounts), or
        if the two have at least half of all their reasons (``codes``) in common. The latest 240 decided are looked at,
        and those of 40 accounts that share something.
        """
        names = list(dict.fromkeys(sharing))[:_SHARING]
        ids = [each.review_id for each in self._decided.candidates(names, now) if each.review_id] if names else []
        found = {row["id"]: row for row in self._read([*ids, *self._latest(_LATEST)])}
        found.pop(review["id"], None)
        rows = [_alike(row, set(codes), set(names)) for row in found.values()]
        alike = [row for row in rows if row is not None]
        return sorted(alike, key=lambda row: (-row.shares, -row.common / max(row.of, 1), -row.decided_at))[:_SHOWN]

    def today(self, now: float) -> Today:
        """How many reviews people decided on this day (UTC), and how long they took."""
        midnight = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
        pipe = self._store.pipeline()
        for each in self._latest(_TODAY, f"[{place_of(midnight, '')}"):
            pipe.execute_command("HMGET", review_key(each), "decision", "decided_by", "decided_at", "opened_at")
        rows = self._store.run(pipe) if len(pipe) else []
        took = [float(at) - float(since) for decision, by, at, since in rows if decision and by != _BY_ITSELF and since]
        return Today(len(took), statistics.median(took) if took else None)

    def _latest(self, most: int, since: str = "-") -> list[str]:
        """The ids of the reviews decided last, ``most`` of each shard."""
        pipe = self._store.pipeline()
        for number in range(SHARDS):
            pipe.execute_command("ZREVRANGEBYLEX", index_key(number, "decided"), "+", since, "LIMIT", 0, most)
        return [place.decode().partition(":")[2] for places in self._store.run(pipe) for place in places]

    def _read(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """Those of the reviews that a person decided."""
        names, pipe = list(dict.fromkeys(ids)), self._store.pipeline()
        for each in names:
            pipe.execute_command("HMGET", review_key(each), *_FIELDS)
        replies = zip(names, self._store.run(pipe) if names else [], strict=True)
        rows = {name: row for name, row in replies if any(row)}
        kept = kept_reasons(self._store, {name: row[: len(FIELDS)] for name, row in rows.items()})
        read = (damaged.read("review", name, partial(_row, row, kept[name]), None) for name, row in rows.items())
        return [row for row in read if row is not None]


def _row(values: Sequence[bytes | None], reasons: bytes | None) -> dict[str, Any] | None:
    """A review as far as it matters here; None for one that is not decided, or was withdrawn by the service itself."""
    kept = {name: value or b"" for name, value in zip(_FIELDS, values, strict=True) if name != "reasons"}
    if not kept["decision"] or kept["decided_by"] == _BY_ITSELF:
        return None
    found = {name: value.decode() for name, value in kept.items()}
    times = {name: float(found[name]) for name in ("decided_at", "opened_at")}
    return {**found, **times, "codes": {row["code"] for row in reasons_of(reasons)}}


def _alike(row: dict[str, Any], codes: set[str], sharing: set[str]) -> DecidedCase | None:
    common, of = len(row["codes"] & codes), len(row["codes"] | codes)
    shares = row["user_id"] in sharing
    if not shares and (not of or common / of < _ALIKE):
        return None
    return DecidedCase(
        review_id=row["id"],
        user_id=row["user_id"],
        decision=cast("ReviewTier", row["decision"]),
        label=cast("LabelName | None", row["label"] or None),
        reason=row["reason"] or None,
        decided_by=row["decided_by"],
        decided_at=row["decided_at"],
        common=common,
        of=of,
        shares=shares,
    )
