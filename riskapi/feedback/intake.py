"""Intake: reports of mail providers are attributed to accounts and counted; what has no account is kept.

The account of a report may become known later, by a message id. The report is counted then, once. It is written down
before message ids are asked for again, and ids are written down before reports are looked for: so one of the two sees
the other. Both count it under the same id. In the same way a report waits for an account that the caller's own code
named and that is not known yet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, get_args

from riskapi.feedback.attribution import Attributed, Attribution
from riskapi.feedback.counts import CountedEvents, FeedbackAction
from riskapi.feedback.event import FeedbackEvent, ReportedEvent
from riskapi.feedback.message_ids import MessageIds
from riskapi.feedback.raw_reports import RawReports
from riskapi.feedback.reports import Channel, Clues, Feed, Received, Report, ReportType
from riskapi.feedback.return_path import ReturnPath
from riskapi.feedback.sealing import Seal
from riskapi.feedback.unattributed import Unattributed, Unclaimed, awaited
from riskapi.metrics import Metrics
from riskapi.settings import Settings
from riskapi.store.connections import Store
from signals.records import record

_COUNTED: Final = frozenset(get_args(ReportType))
#: What names the account of a report that waited: the caller's own word alone.
_OURS: Final = frozenset({"metadata", "message_id"})


@record
class TakenBody:
    """What became of a body; the numbers add up to its parts, each recipient of an event counted as one.

    ``ignored`` say nothing that counts, ``not_understood`` are the provider's and could not be read.
    """

    accepted: int
    duplicates: int
    unknown_accounts: int
    ignored: int
    not_understood: int
    actions: list[FeedbackAction]


@record
class ToldMessages:
    """What came of message ids that were told: how many several accounts have told, and so say nothing, and how many
    reports had waited for them and were counted now.
    """

    ambiguous: int
    attributed: int


class Intake:
    """Takes what feeds received. ``unattributed`` has what names no account, ``kept`` the reports as they came."""

    def __init__(
        self,
        take: Callable[[Sequence[FeedbackEvent], float], CountedEvents],
        attribution: Attribution,
        message_ids: MessageIds,
        unattributed: Unattributed,
        kept: RawReports,
        metrics: Metrics,
    ) -> None:
        """``take`` counts events at a Unix time, and does what follows."""
        self._take, self._attribution, self._message_ids = take, attribution, message_ids
        self.unattributed, self.kept, self._metrics = unattributed, kept, metrics

    @property
    def needs_proof(self) -> bool:
        """Whether mail that is handed over names nobody by what anybody can write."""
        return self._attribution.needs_proof

    def take_reports(
        self, feed: Feed, received: Received, raw: bytes, now: float, channel: Channel = "provider"
    ) -> TakenBody:
        """Count the reports that name an account, each once by its id, at Unix time ``now``; keep the others, and the
        ``raw`` body they came in by ``channel``.

        Raises :class:`StoreUnavailable`; taken again, what was counted before it is a duplicate.
        """
        counted = [report for report in received.reports if report.type in _COUNTED]
        found = list(zip(counted, self._attribution.of(counted, channel), strict=True))
        raw_report_id = self._keep_raw(feed, received, found, raw, now)
        known = [(report, whose.user_id) for report, whose in found if whose.user_id is not None]
        tally = self._take([_event(report, user_id) for report, user_id in known], now)
        unclaimed = [
            Unclaimed(feed, _id(report), whose.reason, report) for report, whose in found if whose.reason is not None
        ]
        body = self.kept.name(feed, raw)
        missed = [Unclaimed(feed, f"{body} {place}", "not_understood") for place in received.not_understood]
        late = self._keep_unclaimed([*unclaimed, *missed], raw_report_id, now)
        return TakenBody(
            accepted=tally.accepted + late.accepted,
            duplicates=tally.duplicates + late.duplicates,
            unknown_accounts=tally.unknown_accounts + len(unclaimed) - late.accepted - late.duplicates,
            ignored=received.ignored + len(received.reports) - len(counted),
            not_understood=len(received.not_understood),
            actions=[*tally.actions, *late.actions],
        )

    def take_events(self, events: Sequence[FeedbackEvent], now: float) -> CountedEvents:
        """Count events that the caller's own code posted, at Unix time ``now``, each once by its source and id; keep
        those whose account is not known until it is. Raises :class:`StoreUnavailable`; taken again as reports are.
        """
        tally = self._take(events, now)
        unclaimed = [
            Unclaimed("json", f"{event.feed}\0{event.id}\0{event.user_id}", "unknown_account", _report(event, now))
            for event in (events[index] for index in tally.unknown)
        ]
        late = self._keep_unclaimed(unclaimed, None, now)
        return replace(
            tally,
            accepted=tally.accepted + late.accepted,
            duplicates=tally.duplicates + late.duplicates,
            unknown_accounts=tally.unknown_accounts - late.accepted - late.duplicates,
            actions=[*tally.actions, *late.actions],
        )

    def tell_accounts(self, user_ids: Sequence[str], now: float) -> int:
        """Count at Unix time ``now`` the reports that waited for accounts which are known by now. Returns how many
        counted.

        Safe to repeat. Raises :class:`StoreUnavailable`.
        """
        return self._count_waiting([], user_ids, now).accepted

    def tell_messages(self, user_id: str, message_ids: Sequence[str], now: float) -> ToldMessages:
        """Note that messages are of an account, and count at Unix time ``now`` the reports that waited for them.

        Safe to repeat. Raises :class:`StoreUnavailable`.
        """
        ambiguous = self._message_ids.tell(user_id, message_ids)
        return ToldMessages(ambiguous, self._count_waiting(message_ids, [], now).accepted)

    def _keep_raw(
        self, feed: Feed, received: Received, found: Sequence[tuple[Report, Attributed]], raw: bytes, now: float
    ) -> str | None:
        users = dict.fromkeys(
            whose.user_id for report, whose in found if whose.user_id is not None and report.type != "delivered"
        )
        if users or received.not_understood or any(report.type != "delivered" for report, _ in found):
            return self.kept.keep(feed, raw, list(users), now)
        return None

    def _keep_unclaimed(self, unclaimed: Sequence[Unclaimed], raw_report_id: str | None, now: float) -> CountedEvents:
        if not unclaimed:
            return CountedEvents(0, 0, 0, [])
        for each in self.unattributed.keep(unclaimed, raw_report_id, now):
            self._metrics.unattributed(each.feed, each.reason)
        ids = [id for each in unclaimed if each.report is not None for id in each.report.clues.message_ids]
        users = [name for each in unclaimed for name in awaited(each)]
        return self._count_waiting(list(dict.fromkeys(ids)), list(dict.fromkeys(users)), now)

    def _count_waiting(self, message_ids: Sequence[str], user_ids: Sequence[str], now: float) -> CountedEvents:
        """Count what waited for messages whose account is known now, or for accounts, then forget that it waited."""
        waiting = self.unattributed.waiting(message_ids, user_ids)
        names = list(waiting)
        found = self._attribution.of([waiting[name][0] for name in names], "key")
        whose = {name: each.user_id for name, each in zip(names, found, strict=True) if each.by in _OURS}
        events = [_event(waiting[name][0], user_id) for name, user_id in whose.items() if user_id is not None]
        if not events:
            return CountedEvents(0, 0, 0, [])
        tally = self._take(events, now)
        for name, user_id in whose.items():
            report, raw_report_id = waiting[name]
            if raw_report_id is not None and user_id is not None and report.type != "delivered":
                self.kept.note(raw_report_id, user_id, now)
        self.unattributed.forget({name: waiting[name][0] for name in whose})
        return tally


def open_intake(
    settings: Settings,
    store: Store,
    link_key: bytes,
    take: Callable[[Sequence[FeedbackEvent], float], CountedEvents],
    metrics: Metrics,
) -> Intake:
    """The intake of these settings. ``link_key`` is what reports are encrypted with where there is no key for that."""
    own = settings.feedback_report_key
    seal = Seal(link_key if own is None else own.get_secret_value().encode())
    keys = [key.get_secret_value().encode() for key in settings.feedback_return_path_key]
    message_ids, return_path = MessageIds(store), ReturnPath(settings.feedback_return_path, keys)
    attribution = Attribution(store, message_ids, return_path, settings.feedback_id_field)
    kept = RawReports(store, seal, settings.feedback_report_days)
    return Intake(take, attribution, message_ids, Unattributed(store, seal), kept, metrics)


def _report(event: FeedbackEvent, now: float) -> Report:
    """What is kept of an event: all that it is counted by later. It names its account as metadata does."""
    clues = Clues(named=(event.user_id,))
    at, said = event.at(now), event.diagnostic
    return Report("json", event.id, event.type, at, event.recipient, clues, diagnostic=said, source=event.feed)


def _event(report: Report, user_id: str) -> FeedbackEvent:
    ids = report.clues.message_ids
    return ReportedEvent.model_construct(
        message=ids[0] if ids else None,
        id=_id(report),
        type=report.type,
        user_id=user_id,
        recipient=report.recipient or (f"@{report.reporter}" if report.reporter else None),
        time=datetime.fromtimestamp(report.at, UTC),
        source=report.source or report.feed,
        diagnostic=report.diagnostic,
    )


def _id(report: Report) -> str:
    """What a report is recognized by. Complaints about one message are one: some only infer who complained."""
    return f"message {report.message}" if report.type == "complaint" and report.message is not None else report.id
