"""One server of the world: how many may ask it at once, and when it is left alone because it does not answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

#: Questions in a row that failed before the server is left alone, and for how many seconds at first and at most.
#: One failure more than a lost packet and its repeats make, and five minutes are short beside the life of an answer.
FAILURES: Final = 5
FIRST_PAUSE: Final = 10.0
LONGEST_PAUSE: Final = 300.0
#: Share of a pause by which it is longer or shorter, so that workers do not all come back at one moment.
JITTER: Final = 0.2
#: Seconds after which to come again while the one trial is out: as long as an answer may take.
TRIAL: Final = 5.0
#: Seconds after which to ask again one that is not believed. A captive portal lasts for minutes.
DOUBTED_PAUSE: Final = 15.0
#: Questions that one worker has out at one server. More wait, which the shared rate limit makes them do anyway.
AT_ONCE: Final = 16


class UpstreamError(Exception):
    """Somebody did not answer as they should: refused, failed, made no sense, or answered another question.

    ``retry_after`` are seconds after which they want to be asked again, where they said so. The message holds nothing
    of what was asked or answered.
    """

    def __init__(self, why: str, retry_after: float | None = None) -> None:
        super().__init__(why)
        self.retry_after = retry_after


class UpstreamRefused(UpstreamError):
    """It answered, and does not want to say anything of what it was asked about: no fault of the server."""


class UpstreamSilent(UpstreamError):
    """Nothing, or nothing whole, came in time."""


class UpstreamClosed(UpstreamError):
    """The server is left alone just now; it was not asked. ``retry_after`` is always given."""


class UpstreamDoubted(UpstreamError):
    """It answered, and cannot be believed just now. ``retry_after`` is always given."""

    def __init__(self) -> None:
        super().__init__("it is not believed", DOUBTED_PAUSE)


class Upstream:
    """Turns at one server, and a circuit breaker: closed while it answers, open for a pause after it failed.

    ``clock`` gives seconds that never run backwards, ``chance`` numbers from 0 to 1. ``alive`` asks the server about
    something of its own: where that is answered, the failures were of *what was asked about* and nothing is closed.
    So nobody can have DNS turned off by signing up from domains with broken name servers.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        chance: Callable[[], float],
        alive: Callable[[], Awaitable[bool]] | None = None,
        at_once: int = AT_ONCE,
    ) -> None:
        self._clock, self._chance, self._alive = clock, chance, alive
        self._places = asyncio.Semaphore(at_once)
        self._failed = 0
        self._pause = 0.0
        self._until = 0.0
        self._trial = False

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Ask within this block. An :class:`UpstreamError` raised in it counts as a failure, its end as an answer; what
        else is raised, being cancelled too, counts as neither.

        Raises:
            UpstreamClosed: the server is left alone; after the pause one turn at a time tries it again.
        """
        async with self._places:
            trial = self._enter()
            try:
                yield
            except UpstreamClosed:
                raise
            except UpstreamRefused:
                self._answered()
                raise
            except UpstreamError as error:
                await self._failure(error, trial)
                raise
            else:
                self._answered()
            finally:
                if trial:
                    self._trial = False

    def _enter(self) -> bool:
        """Whether this turn is the trial after a pause."""
        if not self._pause:
            return False
        now = self._clock()
        if now < self._until:
            raise UpstreamClosed("it is left alone after it failed", self._until - now)
        if self._trial:
            raise UpstreamClosed("it is being tried", TRIAL)
        self._trial = True
        return True

    async def _failure(self, error: UpstreamError, trial: bool) -> None:
        if self._pause and not trial:
            return  # it began before the circuit opened: counted already
        self._failed += 1
        if error.retry_after is not None:
            self._open(min(max(error.retry_after, 0.0), LONGEST_PAUSE), jitter=False)
        elif trial or self._failed >= FAILURES:
            if self._alive is not None and await self._alive():
                self._answered()
            elif trial or not self._pause:
                self._open(min(self._pause * 2 or FIRST_PAUSE, LONGEST_PAUSE))

    def _open(self, pause: float, jitter: bool = True) -> None:
        factor = 1 + JITTER * (2 * self._chance() - 1) if jitter else 1.0
        self._pause = max(pause, FIRST_PAUSE)
        self._until = self._clock() + pause * factor

    def _answered(self) -> None:
        self._failed, self._pause, self._until = 0, 0.0, 0.0
