"""Intake: reports of mail providers are attributed to accounts and counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final, get_args

from riskapi.feedback.counts import EventType, FeedbackAction, FeedbackEvent, Tally
from riskapi.feedback.reports import Feed, Received, Report
from riskapi.store.connections import Store
from riskapi.store.streams import account_key
from signals.records import record

_COUNTED: Final = frozenset(get_args(EventType))


@record
class Taken:
    """What became of a body; the numbers add up to its parts, each recipient of an event counted as one.

    ``ignored`` say nothing that counts, ``not_understood`` are the provider's and could not be read.
    """

    accepted: int
    duplicates: int
    unknown_accounts: int
    ignored: int
    not_understood: int
    actions: list[FeedbackAction]


class Intake:
    """Takes what feeds received."""

    def __init__(self, store: Store, take: Callable[[Sequence[FeedbackEvent], float], Tally]) -> None:
        """``take`` counts events at a Unix time, and does what follows."""
        self._store, self._take = store, take

    def take_reports(self, feed: Feed, received: Received, raw: bytes, now: float) -> Taken:
        """Count the reports that name an account, each once by its id, at Unix time ``now``.

        Raises :class:`StoreUnavailable`; taken again, what was counted before it is a duplicate.
        """
        del raw
        accounts = self._named(received.reports)
        counted = [report for report in received.reports if report.type in _COUNTED]
        events = [
            FeedbackEvent.model_construct(
                id=_id(report),
                type=report.type,
                user_id=user_id,
                recipient=report.recipient or (f"@{report.reporter}" if report.reporter else None),
                time=datetime.fromtimestamp(report.at, UTC),
                source=feed,
                diagnostic=report.diagnostic,
            )
            for report in counted
            if (user_id := _account(report, accounts)) is not None
        ]
        tally = self._take(events, now)
        return Taken(
            accepted=tally.accepted,
            duplicates=tally.duplicates,
            unknown_accounts=tally.unknown_accounts + len(counted) - len(events),
            ignored=received.ignored + len(received.reports) - len(counted),
            not_understood=len(received.not_understood),
            actions=tally.actions,
        )

    def _named(self, reports: Sequence[Report]) -> frozenset[str]:
        """Those accounts that reports name and that exist, in one trip."""
        named = list(dict.fromkeys(user_id for report in reports for user_id in report.clues.named))
        pipe = self._store.pipeline()
        known = [pipe.ask("EXISTS", account_key(user_id), read=bool) for user_id in named]
        self._store.run(pipe)
        return frozenset(user_id for user_id, found in zip(named, known, strict=True) if found())


def _id(report: Report) -> str:
    """What a report is known again by. Complaints about one message are one: some only infer who did."""
    return f"message {report.message}" if report.type == "complaint" and report.message is not None else report.id


def _account(report: Report, accounts: frozenset[str]) -> str | None:
    """The one account that a report names; None for none, and for several, of which nobody can say which it is."""
    found = [user_id for user_id in report.clues.named if user_id in accounts]
    return found[0] if len(found) == 1 else None
