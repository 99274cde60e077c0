"""What every feed is: who sent a request is verified, what it says is read, and something may be left to do afterwards.

A feed is one provider's webhook. Its table has the provider's words left and ours right; a word that says nothing about
an account (an open, a suppression that only repeats an earlier bounce) stands there as None.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final

from riskapi.errors import Problem
from riskapi.feedback.reports import Diagnosis, Feed, Received, Report, ReportType
from signals.records import record

JSON: Final = "application/json"
#: What a provider's word means to us: the type of report, and the diagnosis where the word tells it. None where the
#: word says nothing about an account.
Outcome = tuple[ReportType, Diagnosis | None] | None


@record
class Posted:
    """One request to a feed.

    ``headers`` are by name in small letters, ``query`` are the parameters of the address, ``media`` is the type of the
    body without its parameters, ``now`` is Unix time.
    """

    body: bytes
    headers: Mapping[str, str]
    query: Mapping[str, str]
    media: str
    now: float


class NotUnderstood(ValueError):
    """A part of a body is this provider's and lacks what it takes to make a report of it."""


class ProviderFeed(ABC):
    """One provider's webhook. ``media`` are the types of bodies that the provider sends."""

    name: ClassVar[Feed]
    media: ClassVar[frozenset[str]] = frozenset({JSON})

    @abstractmethod
    def verify(self, posted: Posted) -> None:
        """Make sure that the provider sent this.

        Raises ``bad_signature``; ``not_json`` and ``not_this_feed`` where the signature is in a body that cannot be
        read; ``unavailable`` and :class:`StoreUnavailable` where it could not be checked.
        """

    @abstractmethod
    def read(self, posted: Posted) -> Received:
        """What was understood. Pure. Raises ``not_json`` and ``not_this_feed``."""

    def finish(self, posted: Posted) -> None:  # noqa: B027 - most feeds have nothing left to do
        """Do what is left once the reports are stored. Raises as :meth:`verify`, and the provider sends it again."""


def bad_signature(detail: str, challenge: str | None = None) -> Problem:
    """The problem of a request that is not proved to be the provider's; ``challenge`` is for ``WWW-Authenticate``."""
    headers = {} if challenge is None else {"WWW-Authenticate": challenge}
    return Problem("bad_signature", detail, headers=headers)


def not_this_feed(detail: str) -> Problem:
    """The problem of a body that another provider, or nobody, sends."""
    return Problem("not_this_feed", detail)


def received(
    parts: Sequence[Any], is_ours: Callable[[Any], bool], read: Callable[[Mapping[str, Any]], Sequence[Report]]
) -> Received:
    """The reports of all parts of a body, where ``read`` makes none of a part that says nothing that counts.

    ``is_ours`` tells a part that this provider sends. Raises ``not_this_feed`` where none of them is.
    """
    reports: list[Report] = []
    ignored, missed = 0, []
    for place, part in enumerate(parts):
        try:
            if not is_ours(part):
                raise NotUnderstood
            found = read(part)
        except NotUnderstood:
            missed.append(place)
            continue
        reports += found
        ignored += not found
    if parts and not any(is_ours(part) for part in parts):
        raise not_this_feed("Nothing in the body is an event of this provider.")
    return Received(tuple(reports), ignored, tuple(missed))
