"""What rows of the queue say of cases: who, what binds them, what was sent, why. Read for the rows that a page shows.

Rows are kept for ten seconds, as long as their case is as it was: nobody asks a page for more, and whoever loads pages
without a pause has the store read them once. Who holds a case, and its age, are read anew for each page.
"""

from __future__ import annotations

from collections.abc import Sequence

from riskapi.console import sentences
from riskapi.contract import Reason
from riskapi.reviews.cases import Applicant, Cases, ReviewCase, WaitingCases
from riskapi.reviews.decided_cases import Today
from riskapi.reviews.rings import MOST
from riskapi.times import DAY
from signals.records import record

#: Seconds rows are kept, cases read in one trip, and rows kept, some 2 kB each.
_FRESH, _TRIP, _KEPT = 10, 10, 2_000
#: People named in a row, and sentences in it.
_NAMED, _REASONS = 2, 3


@record
class QueueRow:
    """What does not change from page to page: ``sent`` are recipients in 30 days, ``established`` customers among the
    accounts; ``first`` came first, where there are others; ``reasons`` are sentences.
    """

    who: Sequence[Applicant]
    first: Applicant | None
    sent: int
    established: int
    reasons: Sequence[str]


@record
class Choices:
    """What the cases of a tab can be filtered by: codes of reasons, and the signals behind them."""

    codes: Sequence[str]
    signals: Sequence[str]


class QueueRows:
    """Reads and keeps them. Safe to share between threads. Raises ``StoreUnavailable`` while the store is away."""

    def __init__(self, cases: Cases) -> None:
        self._cases = cases
        self._rows: dict[str, tuple[ReviewCase, float, QueueRow]] = {}
        self._choices: dict[str, tuple[object, Choices]] = {}
        self._today: tuple[object, Today] = (None, Today(0, None))
        self._limited: tuple[float, int] = (0.0, -1)

    def of(self, cases: Sequence[ReviewCase], now: float) -> list[QueueRow]:
        """The rows of these cases at Unix time ``now``."""
        kept = self._rows
        missing = [case for case in cases if not _holds(kept.get(case.lead.id), case, now)]
        made: dict[str, tuple[ReviewCase, float, QueueRow]] = {}
        for at in range(0, len(missing), _TRIP):
            part = missing[at : at + _TRIP]
            made.update((case.lead.id, (case, now, row)) for case, row in zip(part, self._read(part, now), strict=True))
        if made:
            shown = {case.lead.id for case in cases}
            if len(kept) + len(made) > _KEPT:
                kept = {id: row for id, row in kept.items() if id in shown}
            self._rows = kept = {**kept, **made}
        return [kept[case.lead.id][2] for case in cases]

    def choices(self, tab: str, found: Sequence[ReviewCase], waiting: WaitingCases) -> Choices:
        """What the cases of a tab can be filtered by."""
        kept = self._choices.get(tab)
        if kept is not None and kept[0] == waiting.version:
            return kept[1]
        named = self._cases.reasons.named(case.lead for case in found).values()
        codes = sorted(frozenset[str]().union(*(each.codes for each in named)))
        made = Choices(codes, sorted(frozenset[str]().union(*(each.signals for each in named))))
        self._choices[tab] = (waiting.version, made)
        return made

    def today(self, waiting: WaitingCases, now: float) -> Today:
        """How many reviews people decided today: read anew once one was decided, and on another day."""
        version = (waiting.decided, now // DAY)
        if self._today[0] != version:
            self._today = (version, self._cases.past.today(now))
        return self._today[1]

    def limited(self, now: float) -> int:
        """How many cases were limited without a person, as of ten seconds ago at most."""
        at, count = self._limited
        if count < 0 or not 0 <= now - at < _FRESH:
            count = len(self._cases.limited.latest())
            self._limited = (now, count)
        return count

    def _read(self, cases: Sequence[ReviewCase], now: float) -> list[QueueRow]:
        rings = self._cases.rings.of(((case.lead.user_id, case.lead.cluster_id) for case in cases), now)
        firsts = {id: ring.first.user_id for id, ring in rings.items() if ring.first is not None}
        people = self._cases.known([*(name for case in cases for name in named(case)), *firsts.values()], now)
        reasons = self._cases.reasons.of(review.id for case in cases for review in case.reviews[:MOST])
        found = []
        for case in cases:
            ring = rings[case.lead.user_id]
            said = [sentences.ring(case.size, ring.seconds, ring.kinds)] if case.size > 1 and ring.kinds else []
            # An account can have several reviews: its reasons count once.
            why: dict[str, list[Reason]] = {}
            for review in case.reviews[:MOST]:
                why.setdefault(review.user_id, []).extend(reasons[review.id])
            row = QueueRow(
                who=[people[name] for name in named(case) if name in people],
                first=people.get(firsts.get(case.lead.user_id, "")),
                sent=ring.sent,
                established=ring.established,
                reasons=[*said, *sentences.plain(list(why.values()), _REASONS - len(said))],
            )
            found.append(row)
        return found


def named(case: ReviewCase) -> list[str]:
    """The accounts that a row names."""
    return list(dict.fromkeys(review.user_id for review in case.reviews))[:_NAMED]


def _holds(kept: tuple[ReviewCase, float, QueueRow] | None, case: ReviewCase, now: float) -> bool:
    return kept is not None and kept[0] is case and 0 <= now - kept[1] < _FRESH
