"""Listings: whether the configured DNS blocklists have our own sending addresses and domains.

What was said is one hash (``risk:fl:{b}``). A list or a resolver that cannot be believed says nothing: what it said
before stands until it can, or is too old.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from riskapi.enrichment.blocklists import listed
from riskapi.enrichment.lookups import paced_resolver, probed
from riskapi.enrichment.upstream import UpstreamClosed
from riskapi.settings import Settings
from riskapi.store.connections import Store
from riskapi.store.rates import RateLimits
from riskapi.times import DAY

#: When somebody looked last (``at``), and of each sender and list ``listed``, ``clear`` or ``unknown``. Expires after a
#: week without a look.
KEY: Final = "risk:fl:{b}"
_KEPT: Final = 7 * DAY
#: Seconds that a whole look may take; what is not answered by then is unknown.
_TOTAL: Final = 120.0
_WORDS: Final[Mapping[bool | None, str]] = {True: "listed", False: "clear", None: "unknown"}
_MEANT: Final = {word: meaning for meaning, word in _WORDS.items()}


class Listings:
    """Looks senders up, and says what was found."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings, self._store = settings, store

    @property
    def wanted(self) -> list[str]:
        """Every pair of a sender and a list that can have it, as ``192.0.2.1 on zen.example.org``."""
        settings = self._settings
        if not settings.enrichment:
            return []
        senders = {"ip": settings.sender_addresses, "domain": settings.sender_domains}
        pairs = [_name(each, one.shown) for one in settings.dns_blocklists for each in senders[one.kind]]
        return list(dict.fromkeys(pairs))

    def read(self, now: float, minutes: int) -> tuple[float | None, dict[str, bool | None]]:
        """When somebody looked last, and what was found of each pair that is wanted; None for what is not known, or was
        found more than three looks of ``minutes`` ago. Raises :class:`StoreUnavailable`.
        """
        wanted = self.wanted
        if not wanted:
            return None, {}
        rows = {name.decode(): value.decode() for name, value in self._store.execute("HGETALL", KEY).items()}
        at = float(rows["at"]) if "at" in rows else None
        fresh = at is not None and now - at <= 3 * minutes * 60
        return at, {name: _MEANT.get(rows.get(name, "")) if fresh else None for name in wanted}

    def look(self, now: float, minutes: int) -> int:
        """Look all senders up where that is due; returns how many pairs were asked about.

        Raises :class:`StoreUnavailable`.
        """
        wanted = self.wanted
        at = self._store.execute("HGET", KEY, "at") if wanted else None
        if not wanted or (at is not None and 0 <= now - float(at) < minutes * 60):
            return 0
        self._store.execute("HSET", KEY, "at", repr(now))  # before it is asked: others need not ask beside us
        found = dict.fromkeys(wanted, None) | asyncio.run(self._asked())
        pipe = self._store.pipeline()
        pipe.execute_command("DEL", KEY)
        rows = [text for name, there in found.items() for text in (name, _WORDS[there])]
        pipe.execute_command("HSET", KEY, "at", repr(now), *rows)
        pipe.execute_command("EXPIRE", KEY, _KEPT)
        self._store.run(pipe)
        return len(wanted)

    async def _asked(self) -> dict[str, bool | None]:
        found: dict[str, bool | None] = {}
        try:
            async with asyncio.timeout(_TOTAL):
                if await probed(self._settings) in (None, "texts_missing"):
                    await self._ask(found)
        except (TimeoutError, UpstreamClosed):
            pass  # what was not answered is unknown
        return found

    async def _ask(self, found: dict[str, bool | None]) -> None:
        settings = self._settings
        resolver = paced_resolver(settings, RateLimits(self._store))
        for one in settings.dns_blocklists:
            senders = settings.sender_addresses if one.kind == "ip" else settings.sender_domains
            said = await listed(one.kind, senders, one.zone, resolver)  # type: ignore[arg-type]
            for each, there in said.items():
                name = _name(each, one.shown)
                found[name] = True if found.get(name) else there


def _name(sender: str, zone: str) -> str:
    return f"{sender} on {zone}"
