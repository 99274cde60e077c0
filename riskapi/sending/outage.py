"""Grants while the store is away: few, kept on this machine's disk and recorded afterwards."""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from riskapi.budgets.budgets import Budgets
from riskapi.budgets.grant_records import GrantRequest, LocalGrant, Unrecorded
from riskapi.errors import Problem
from riskapi.policy import Policy
from riskapi.sending.hourly_grants import HeldGrants, HourlyGrants
from riskapi.store.damaged import known
from riskapi.store.journal import Journal, JournalFull
from riskapi.times import HOUR

#: Accounts of which a worker remembers what was left to them when it last asked.
_REMEMBERED = 50_000


class LocalGrants:
    """Grants without the store, until what was granted is recorded.

    An account gets no more than ``outage.hourly`` from all processes of this machine, and no more than was last known
    to be left to it. All accounts together get no more than ``outage.recipients`` from this process.
    """

    def __init__(self, journal: Journal, budgets: Budgets) -> None:
        self._journal, self._budgets = journal, budgets
        self._hourly = HourlyGrants(journal.directory)
        self._lock = threading.Lock()
        self._left: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def remember(self, user_id: str, left: int, now: float) -> None:
        """Note what was left to an account at Unix time ``now``."""
        with self._lock:
            self._left[user_id] = left, now
            self._left.move_to_end(user_id)
            if len(self._left) > _REMEMBERED:
                self._left.popitem(last=False)

    def grant(self, request: GrantRequest, policy: Policy, now: float) -> LocalGrant:
        """Grant what the allowance leaves, kept on the disk before it is answered.

        Raises ``unavailable`` where nothing can be granted or kept, and ``idempotency_conflict``.
        """
        try:
            with self._lock, self._hourly.held(now) as hourly:
                return self._granted(request, policy, hourly, now)
        except (OSError, JournalFull) as error:
            raise _unavailable("The grant could not be recorded; try again.") from error

    def _granted(self, request: GrantRequest, policy: Policy, hourly: HeldGrants, now: float) -> LocalGrant:
        own, elsewhere = _locals(self._journal.waiting()), self._elsewhere()
        if (earlier := _same(request, [*own, *elsewhere])) is not None:
            return earlier
        left = self._room(request.user_id, own, elsewhere, hourly, policy, now)
        granted = request.recipients if request.recipients <= left else left if request.partial else 0
        if granted <= 0:
            raise _unavailable("Nothing can be granted while the store is away; try again.")
        made = LocalGrant(
            user_id=request.user_id,
            reservation_id=request.reservation_id,
            granted=granted,
            denied=request.recipients - granted,
            left=left - granted,
            tier=policy.outage.tier,
            digest=request.digest,
            repeat=request.repeat,
            at=now,
        )
        hourly.add(request.user_id, granted)  # first: what is counted and not granted passes no cap
        try:
            self._journal.append(request.reservation_id, asdict(made))
        except (OSError, JournalFull):
            with contextlib.suppress(OSError):
                hourly.add(request.user_id, -granted)
            raise
        return made

    def _room(
        self,
        user_id: str,
        own: list[LocalGrant],
        elsewhere: list[LocalGrant],
        hourly: HeldGrants,
        policy: Policy,
        now: float,
    ) -> int:
        unrecorded = sum(found.granted for found in (*own, *elsewhere) if found.user_id == user_id)
        granted = max(unrecorded, hourly.of(user_id))  # a store that comes and goes does not begin a second hour
        # What was granted by a worker that has been killed since counts as granted by this one, which replaces it.
        left_behind = _locals(self._journal.elsewhere(orphaned=True))
        everybody = sum(found.granted for found in (*own, *left_behind))
        left, asked = self._left.get(user_id, (policy.outage.hourly, 0.0))
        # What was left over an hour ago says nothing any more: that hour is over.
        account = min(policy.outage.hourly, left) if now - asked < HOUR else policy.outage.hourly
        return max(min(account - granted, policy.outage.recipients - everybody), 0)

    def _elsewhere(self) -> list[LocalGrant]:
        return _locals(self._journal.elsewhere())

    def earlier(self, request: GrantRequest) -> LocalGrant | None:
        """What another process on this machine granted under the same Idempotency-Key and did not record yet: it may
        have been killed before it could say so. Raises ``idempotency_conflict``.
        """
        return _same(request, self._elsewhere()) if request.repeat is not None else None

    def unrecorded(self, user_id: str) -> Unrecorded:
        """What other processes on this machine granted and did not record yet."""
        found = self._elsewhere()
        return Unrecorded(
            sum(each.granted for each in found if each.user_id == user_id), sum(each.granted for each in found)
        )

    def waits(self) -> bool:
        """Whether this process granted what is not recorded yet."""
        return self._journal.waits()

    def record(self, policy: Policy) -> int:
        """Record everything that was granted, as of when it was; returns how many grants. Idempotent.

        Raises :class:`riskapi.errors.StoreUnavailable` when the store is away again; what is left stays.
        """
        return self._journal.replay(lambda entry: self._budgets.record(_local(entry), policy))

    def rejected(self) -> int:
        """Grants that were set aside because they cannot be read: nothing was counted for them."""
        return self._journal.rejected()

    def close(self) -> None:
        """Let go of the journal."""
        self._journal.close()


def _same(request: GrantRequest, found: Iterable[LocalGrant]) -> LocalGrant | None:
    """The grant that was made under the Idempotency-Key of a request, if it has one."""
    for each in found if request.repeat is not None else ():
        if each.repeat == request.repeat:
            if each.digest != request.digest:
                raise Problem("idempotency_conflict", "Use a new Idempotency-Key for another body.")
            return each
    return None


def _locals(entries: Iterable[dict[str, Any]]) -> list[LocalGrant]:
    """The grants in entries of the journal. An entry that is not a grant is left out; the replay sets it aside."""
    found = []
    for entry in entries:
        with contextlib.suppress(TypeError):
            found.append(_local(entry))
    return found


def _local(entry: dict[str, Any]) -> LocalGrant:
    """The grant in an entry; what a newer release says besides is passed over. ``TypeError`` for anything else."""
    made = LocalGrant(**known(LocalGrant, entry))
    whole = all(isinstance(count, int) for count in (made.granted, made.denied, made.left))
    if not whole or not isinstance(made.user_id, str) or not isinstance(made.at, int | float):
        raise TypeError("not a grant")
    return made


def _unavailable(detail: str) -> Problem:
    return Problem("unavailable", detail, headers={"Retry-After": "1"})
