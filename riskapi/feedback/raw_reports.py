"""Reports as they came, kept encrypted for some days: what a person needs who doubts a complaint or an attribution.

What reports nothing but deliveries is not kept: it is nearly all there is, and nobody doubts it. Everything is in one
hash slot, ``{f}``.
"""

from __future__ import annotations

import base64
from collections.abc import Collection
from typing import Final, Literal

from typing_extensions import TypedDict

from riskapi.contract import Count, Instant
from riskapi.errors import Problem
from riskapi.feedback.reports import Feed
from riskapi.feedback.sealing import Seal
from riskapi.store.connections import Store
from riskapi.store.pipelines import as_it_is
from riskapi.store.redis_socket import Argument
from riskapi.times import DAY, rfc3339

#: Reports that are kept, the newest, bytes of one, and bytes it may take here. A bounce of 1.9 kB takes 1.2 kB
#: (measured), so that all take some 25 MB, and 640 MB where somebody sends what cannot be compressed.
MOST: Final = 20_000
LONGEST: Final = 256 * 1024
SEALED: Final = 32 * 1024
#: Reports of one account that are listed.
_LISTED: Final = 200
_INDEX: Final = "risk:fri:{f}"


class ReportRow(TypedDict):
    """A report that is kept. After ``expires_at`` it is gone."""

    id: str
    feed: str
    received_at: Instant
    expires_at: Instant


class RawReport(ReportRow):
    """A report as it came: ``raw`` as text or in base64, as ``encoding`` says; ``truncated``: its end was not kept.

    ``user_ids`` are the accounts that it was counted for.
    """

    user_ids: list[str]
    truncated: bool
    encoding: Literal["utf-8", "base64"]
    raw: str


class ReportList(TypedDict):
    """Reports about an account, the newest first, 200 at most."""

    reports: list[ReportRow]
    kept: Count


class RawReports:
    """Keeps reports. Safe to share between threads."""

    def __init__(self, store: Store, seal: Seal, days: int) -> None:
        """``days`` is for how long; 0 keeps nothing."""
        self._store, self._seal, self._days = store, seal, days
        self._keep = store.script("feedback_keep")
        self._note = store.script("feedback_note")

    def keep(self, feed: Feed, raw: bytes, user_ids: Collection[str], now: float) -> str | None:
        """Keep what came at Unix time ``now``, and note the accounts it is about; its id, None where none is kept.

        The same bytes again are one report. Raises :class:`StoreUnavailable`.
        """
        if not self._days:
            return None
        name = self.name(feed, raw)
        keys = [_key(name), _INDEX, *map(_account_key, user_ids)]
        part = raw[:LONGEST]
        sealed = self._seal.close(name, part)
        if len(sealed) > SEALED:
            part = raw[:SEALED]
            sealed = self._seal.close(name, part)
        cut = "1" if len(part) < len(raw) else ""
        args: list[Argument] = [repr(now), feed, sealed, cut, self._days * DAY, MOST, name, *user_ids]
        self._forget([each.decode() for each in self._keep.call(keys, args)])
        return f"rpt_{name}"

    def note(self, report_id: str, user_id: str, now: float) -> None:
        """Note at Unix time ``now`` that a report is about an account, if it is still kept.

        Raises :class:`StoreUnavailable`.
        """
        name = report_id.removeprefix("rpt_")
        self._note.call([_key(name), _account_key(user_id)], [repr(now), name, user_id])

    def name(self, feed: Feed, raw: bytes) -> str:
        """What tells a body from others, for somebody who has the secret."""
        return self._seal.name(feed.encode(), raw)

    def get(self, report_id: str) -> RawReport:
        """One report. Raises ``not_found``, and :class:`StoreUnavailable`."""
        name = report_id.removeprefix("rpt_")
        fields = self._store.execute("HGETALL", _key(name))
        if not fields:
            raise Problem("not_found", "No report has this id, or it was kept long enough.")
        raw = self._seal.open(name, fields[b"raw"])
        if raw is None:
            raise Problem("not_found", "This report cannot be read: it was encrypted with another secret.")
        try:
            text, encoding = raw.decode(), "utf-8"
        except UnicodeDecodeError:
            text, encoding = base64.b64encode(raw).decode(), "base64"
        return {
            **_row(name, fields),
            "user_ids": sorted(field[2:].decode() for field in fields if field.startswith(b"u:")),
            "truncated": fields[b"cut"] == b"1",
            "encoding": "utf-8" if encoding == "utf-8" else "base64",
            "raw": text,
        }

    def of_account(self, user_id: str) -> ReportList:
        """The reports that were counted for an account. Raises :class:`StoreUnavailable`."""
        names = [each.decode() for each in self._store.execute("ZREVRANGE", _account_key(user_id), 0, -1)]
        pipe = self._store.pipeline()
        asked = [pipe.ask("HMGET", _key(name), "feed", "at", "until", read=as_it_is) for name in names]
        self._store.run(pipe)
        found = [
            (name, dict(zip((b"feed", b"at", b"until"), row(), strict=True)))
            for name, row in zip(names, asked, strict=True)
        ]
        rows = [_row(name, fields) for name, fields in found if fields[b"feed"] is not None]
        return {"reports": rows[:_LISTED], "kept": len(rows)}

    def erase(self, user_id: str) -> int:
        """Remove every report about an account, also those that are about others too. Returns how many. Safe to repeat.

        Raises :class:`StoreUnavailable`.
        """
        names = [each.decode() for each in self._store.execute("ZRANGE", _account_key(user_id), 0, -1)]
        self._forget(names)
        self._store.execute("DEL", _account_key(user_id))
        return len(names)

    def _forget(self, names: list[str]) -> None:
        for start in range(0, len(names), 500):
            part = names[start : start + 500]
            self._store.execute("DEL", *map(_key, part))
            self._store.execute("ZREM", _INDEX, *part)


def _row(name: str, fields: dict[bytes, bytes]) -> ReportRow:
    return {
        "id": f"rpt_{name}",
        "feed": fields[b"feed"].decode(),
        "received_at": rfc3339(float(fields[b"at"])),
        "expires_at": rfc3339(float(fields[b"until"])),
    }


def _key(name: str) -> str:
    """Key of a report; it expires after the days for which reports are kept."""
    return f"risk:fr:{{f}}:{name}"


def _account_key(user_id: str) -> str:
    """Key of the reports about an account, by when they came; it expires with the latest."""
    return f"risk:fra:{{f}}:{user_id}"
