"""Whether a resolver is believed: what the last probe said of it, and whether domains suddenly do not exist."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final
from weakref import WeakKeyDictionary

from riskapi.enrichment.probes import ProbeResult
from riskapi.enrichment.sources import ResolverDoubt

#: Seconds for which a probe holds for answers that speak against nobody, and for which a doubt holds.
RECENT: Final = 60.0
DOUBTED: Final = 10.0
#: Domains in which the share of those that do not exist is measured.
_DOMAINS: Final = 40
#: Of these so many must not exist for it to be worth a look.
_MISSING: Final = 10
#: The share that is sudden: so many times the usual, but at least so much, and never more than the most. The usual
#: begins at one in twenty.
_SUDDEN, _TIMES, _MOST, _USUAL = 0.5, 3.0, 0.9, 0.05
#: What one domain changes in the usual share. Some hundreds make a new one.
_STEP: Final = 0.01
#: Answers given this many seconds before the last passed probe, or later, are doubted as well: the resolver may have
#: lied by then.
_MARGIN: Final = 60.0

#: Told when a doubt begins, changes or ends (``None``): the doubt, and for how many seconds back it may hold.
TellOfResolver = Callable[[ResolverDoubt | None, float], None]


class ResolverTrust:
    """Says what the answers of one resolver are worth at the moment.

    ``probe`` asks it (:func:`riskapi.enrichment.probes.probe`), ``clock`` gives seconds that never run backwards.
    """

    def __init__(
        self,
        probe: Callable[[bool], Awaitable[ProbeResult]],
        clock: Callable[[], float],
        tell: TellOfResolver | None = None,
    ) -> None:
        self._probe, self._clock, self._tell = probe, clock, tell
        self._locks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()
        self._verdict, self._begun = ProbeResult(), float("-inf")
        self._passed = clock()
        self._seen: dict[str, tuple[bool, float]] = {}
        self._usual = _USUAL

    @property
    def last(self) -> ProbeResult:
        """What the last probe said, however long ago. Before the first one it is that all is well."""
        return self._verdict

    async def verdict(self, age: float = RECENT) -> ProbeResult:
        """What a probe said that began ``age`` seconds ago at most; 0: after this was called. While the resolver is not
        believed, that verdict holds for :data:`DOUBTED` seconds, whatever ``age``. Whoever asks while a probe is under
        way shares the next one.
        """
        asked = self._clock()
        async with self._locks.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
            if self._begun >= asked - self._held(age):
                return self._verdict
            begun, sudden = self._clock(), self._is_sudden()
            found = await self._probe(sudden is not None)
            self._conclude(found, begun, sudden)
            return found

    def _held(self, age: float) -> float:
        """Seconds for which the verdict holds for one who wants it ``age`` seconds old at most."""
        if self._verdict.doubt is None:
            return age
        return min(age, DOUBTED) if self._verdict.absence else DOUBTED

    def saw(self, owner: str, missing: bool) -> None:
        """Note of a domain, by its registrable one, whether it was said not to exist, or to take no mail."""
        if owner in self._seen:
            return
        self._seen[owner] = (missing, self._clock())
        if len(self._seen) > _DOMAINS:
            self._forget()

    def _forget(self) -> None:
        """Let the oldest domain go; from then on it is part of what is usual, unless it was doubted."""
        missing, _ = self._seen.pop(next(iter(self._seen)))
        if self._verdict.absence:
            self._usual += _STEP * (missing - self._usual)

    def _is_sudden(self) -> float | None:
        """Since when the share of domains that do not exist is far above the usual; ``None`` where it is not."""
        missing = [at for gone, at in self._seen.values() if gone]
        most = min(max(_SUDDEN, _TIMES * self._usual), _MOST)
        return missing[0] if len(missing) >= _MISSING and len(missing) >= most * len(self._seen) else None

    def _conclude(self, found: ProbeResult, begun: float, sudden: float | None) -> None:
        before, self._verdict, self._begun = self._verdict.doubt, found, begun
        since = self._passed - _MARGIN if sudden is None else min(sudden, self._passed - _MARGIN)
        if found.absence:
            self._passed = begun
            while sudden is not None and self._seen:  # it knows what it should: its visitors bring such domains
                self._forget()
        if found.doubt != before and self._tell is not None:
            self._tell(found.doubt, begun - since)
