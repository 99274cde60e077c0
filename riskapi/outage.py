"""Grants while the store is away: few, from an allowance of this process, kept on its disk and settled afterwards."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

from riskapi.errors import Problem
from riskapi.journal import Journal, JournalFull
from riskapi.policy import Policy
from riskapi.quotas import Pending, Quotas, Request

#: Accounts of which a worker remembers what was left to them when it last asked.
_REMEMBERED = 50_000


class LocalGrants:
    """Grants without the store: to an account no more than ``outage.hourly`` nor what was last known to be left to it,
    and to all together no more than ``outage.recipients``, until what was granted is settled.
    """

    def __init__(self, journal: Journal, quotas: Quotas) -> None:
        self._journal, self._quotas = journal, quotas
        self._lock = threading.Lock()
        self._left: OrderedDict[str, int] = OrderedDict()

    def remember(self, user_id: str, left: int) -> None:
        """Note what is left to an account."""
        with self._lock:
            self._left[user_id] = left
            self._left.move_to_end(user_id)
            if len(self._left) > _REMEMBERED:
                self._left.popitem(last=False)

    def grant(self, request: Request, policy: Policy, now: float) -> dict[str, Any]:
        """Grant what the allowance leaves and keep it on the disk before it is answered; the entry that was kept.

        Raises ``unavailable`` where nothing can be granted or kept, and ``idempotency_conflict``.
        """
        with self._lock:
            waiting = self._journal.waiting()
            for entry in waiting:
                if request.repeat is not None and entry["repeat"] == request.repeat:
                    if entry["digest"] != request.digest:
                        raise Problem("idempotency_conflict", "Use a new Idempotency-Key for another body.")
                    return entry
            left = self._room(request.user_id, waiting, policy)
            granted = request.recipients if request.recipients <= left else left if request.partial else 0
            entry = {
                "user_id": request.user_id,
                "recipients": granted,
                "reservation_id": request.reservation_id,
                "repeat": request.repeat,
                "digest": request.digest,
                "at": now,
                "left": left - granted,
            }
            if granted <= 0:
                raise _unavailable("Nothing can be granted while the store is away; try again.")
            try:
                self._journal.append(request.reservation_id, entry)
            except (OSError, JournalFull) as error:
                raise _unavailable("The grant could not be recorded; try again.") from error
            return entry

    def _room(self, user_id: str, waiting: list[dict[str, Any]], policy: Policy) -> int:
        own = sum(entry["recipients"] for entry in waiting if entry["user_id"] == user_id)
        everybody = sum(entry["recipients"] for entry in waiting)
        account: int = min(policy.outage.hourly, self._left.get(user_id, policy.outage.hourly))
        return max(min(account - own, policy.outage.recipients - everybody), 0)

    def pending(self, user_id: str) -> Pending:
        """What other processes on this machine granted and did not settle yet."""
        entries = self._journal.elsewhere()
        return Pending(
            sum(entry["recipients"] for entry in entries if entry["user_id"] == user_id),
            sum(entry["recipients"] for entry in entries),
        )

    def waits(self) -> bool:
        """Whether this process granted what is not settled yet."""
        return bool(self._journal.waiting())

    def settle(self, policy: Policy) -> int:
        """Count everything that was granted, as of when it was; returns how many grants. Idempotent.

        Raises :class:`riskapi.errors.StoreUnavailable` when the store is away again; what is left stays.
        """

        def record(entry: dict[str, Any]) -> None:
            self._quotas.settle(entry["user_id"], entry["reservation_id"], entry["recipients"], policy, entry["at"])

        return self._journal.replay(record)


def _unavailable(detail: str) -> Problem:
    return Problem("unavailable", detail, headers={"Retry-After": "1"})
