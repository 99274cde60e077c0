"""DKIM keys from DNS, through the resolver that everything else is asked through; each answer is kept for minutes."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Final

from riskapi.enrichment.resolver import Resolver
from riskapi.enrichment.upstream import UpstreamError, UpstreamSilent
from riskapi.feedback.mail.dkim import KeyUnavailable
from riskapi.settings.environment import Bind

#: Seconds a key is kept, and how many; a reporter has a few selectors.
_KEPT, _MOST = 300.0, 256
#: Seconds a look-up may take: somebody waits for the answer.
_PATIENCE: Final = 4.0


class KeyRecords:
    """Looks up the keys of signatures. Safe to use from many threads; each look-up has an event loop of its own."""

    def __init__(self, bind: Bind | None, clock: Callable[[], float] = time.monotonic) -> None:
        """``bind`` is the resolver, ``None`` for the system's."""
        self._bind, self._clock = bind, clock
        self._known: OrderedDict[str, tuple[float, str | None]] = OrderedDict()
        self._lock = Lock()

    def __call__(self, name: str) -> str | None:
        """The TXT record at a name; None without one. Raises :class:`KeyUnavailable`."""
        name, now = name.lower().rstrip("."), self._clock()
        with self._lock:
            until, text = self._known.get(name, (0.0, None))
        if until > now:
            return text
        text = asyncio.run(self._ask(name))
        with self._lock:
            self._known[name] = (now + _KEPT, text)
            while len(self._known) > _MOST:
                self._known.popitem(last=False)
        return text

    async def _ask(self, name: str) -> str | None:
        try:
            answer = await Resolver(self._bind, total=_PATIENCE).ask(name, "TXT")
        except (UpstreamSilent, UpstreamError) as error:
            raise KeyUnavailable("DNS does not say what the reporter's key is.") from error
        return next(iter(answer.texts()), None)
