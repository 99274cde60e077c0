"""A look-up of several questions, of which each may stay without an answer for itself."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from riskapi.enrichment.upstream import UpstreamClosed, UpstreamError, UpstreamSilent

T = TypeVar("T")


class Partial:
    """Turns questions that nobody answered into ``None``, and remembers why."""

    def __init__(self) -> None:
        self._failures: list[UpstreamError] = []

    @property
    def whole(self) -> bool:
        """Whether every question was answered."""
        return not self._failures

    @property
    def silent(self) -> bool:
        """Whether a question was answered with nothing at all."""
        return any(isinstance(error, UpstreamSilent) for error in self._failures)

    async def known(self, question: Awaitable[T]) -> T | None:
        """The answer, or ``None`` where there was none."""
        try:
            return await question
        except UpstreamError as error:
            self._failures.append(error)
            return None

    def check(self, *parts: object) -> None:
        """Raise one of the failures when every part is ``None``, the one that wants the longest wait; and
        :class:`UpstreamClosed` in any case when there was one: what was not even asked is not an answer to keep.
        """
        closed = [error for error in self._failures if isinstance(error, UpstreamClosed)]
        failures = closed or (self._failures if all(part is None for part in parts) else [])
        if failures:
            raise max(failures, key=lambda error: error.retry_after or 0.0)
