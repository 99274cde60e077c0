"""Quotas: recipients granted, given back and settled against the caps of an account and its cluster.

Exact: one script looks at both and writes both. The arithmetic of the windows is in ``store/lua/parts/spends.lua``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from riskapi.access.idempotency import REMEMBERED
from riskapi.budgets.caps import Allowed, Usage
from riskapi.budgets.keys import EVENTS, budget_key, cluster_key, kept, members_key, repeat_key, reservation_key
from riskapi.budgets.limits import Counts
from riskapi.contract import Tier
from riskapi.errors import Problem
from riskapi.policy import Policy
from riskapi.store.connections import Store
from riskapi.store.scripts import Script
from riskapi.store.streams import oldest
from signals.records import record

#: What stands in the way, by the number the script gives it.
LIMITS = (
    None,
    "account_hourly",
    "account_daily",
    "account_monthly",
    "cluster_hourly",
    "cluster_daily",
    "cluster_monthly",
    "account_hold",
    "outage",
    "list_link_domain",
)
_DAY = 86400


class Pending(NamedTuple):
    """Recipients granted while the store was away and not settled yet: to the account, and to anybody."""

    account: int = 0
    anybody: int = 0


@record
class GrantRequest:
    """One request for a grant.

    ``repeat`` is the SHA-256 of what its Idempotency-Key stands for, where it has one, ``digest`` that of its body.
    """

    user_id: str
    recipients: int
    partial: bool
    reservation_id: str
    digest: str
    repeat: str | None = None


@record
class Grant:
    """A grant. ``retry_after`` in seconds, None where nothing was denied or it would never be granted.

    ``near``, ``out`` and ``held`` are true where it is news that the account came near a cap, was denied, or jumped.
    ``largest`` are the most recipients it can ever be granted at once (:func:`riskapi.budgets.caps.largest`).
    """

    reservation_id: str
    granted: int
    denied_by: str | None
    retry_after: int | None
    remaining: dict[str, int]
    near: bool
    out: bool
    held: bool
    at: float
    tier: str
    largest: int | None


@record
class Local:
    """A grant made while the store was away, at Unix time ``at``; ``left`` is what it said would remain."""

    user_id: str
    reservation_id: str
    granted: int
    denied: int
    left: int
    tier: str
    digest: str
    repeat: str | None
    at: float

    @property
    def denied_by(self) -> str | None:
        """What stood in the way of the rest."""
        return "outage" if self.denied else None


class Budgets:
    """Reads and spends budgets. With ``store_clock`` the time is the store's own, the same for every host."""

    def __init__(self, store: Store, *, store_clock: bool = False) -> None:
        self._store = store
        self._store_clock = store_clock
        self._grant = store.script("budget_grant")
        self._read = store.script("budget_read")
        self._release = store.script("budget_release")
        self._settle = store.script("budget_settle")
        self._unhold = store.script("budget_unhold")
        self._rehold = store.script("budget_rehold")
        self._revise = store.script("budget_revise")

    def _now(self, now: float) -> str:
        return "" if self._store_clock else repr(now)

    def queue_read(self, pipe: Any, user_id: str, now: float, cluster: str = "") -> None:
        """Ask, in a pipeline, what an account and its ``cluster``, if known, spent; :meth:`usage` reads the reply."""
        budget = budget_key(user_id)
        keys = [budget, cluster_key(cluster), members_key(cluster)] if cluster else [budget] * 3
        self._read.queue(pipe, keys, [self._now(now)])

    @staticmethod
    def usage(reply: Sequence[Any]) -> Usage:
        """The usage in a reply to :meth:`queue_read`."""
        cluster, revision, first, hold, until, off, *sums, now, days, usual, size, abusive, claims = reply
        numbers = [int(number) for number in sums]
        return Usage(
            cluster=cluster.decode(),
            revision=int(revision),
            first=float(first) if first else None,
            hold=int(hold) if hold else None,
            hold_until=float(until),
            hold_off=float(off),
            spent=(numbers[0], numbers[1], numbers[2]),
            cluster_spent=(numbers[3], numbers[4], numbers[5]),
            now=float(now),
            days={int(day): int(count) for day, count in zip(days[::2], days[1::2], strict=True)},
            usual=int(usual),
            size=int(size),
            abusive=int(abusive),
            claims=bool(claims),
        )

    def read(self, user_id: str, now: float, cluster: str = "") -> Usage:
        """What an account and its cluster spent; ``cluster`` is where it was last seen."""
        while True:
            pipe = self._store.pipeline()
            self.queue_read(pipe, user_id, now, cluster)
            found = self.usage(self._store.run(pipe)[0])
            if found.cluster == cluster:
                return found
            cluster = found.cluster

    def grant(
        self,
        request: GrantRequest,
        tier: Tier,
        revision: int,
        usage: Usage,
        allowed: Allowed,
        pending: Pending,
        policy: Policy,
        now: float,
        *,
        hit: bytes = b"",
        denies: bool = False,
        tells: bool = True,
    ) -> Grant | None:
        """Grant what the caps leave; None when cluster, tier or caps changed since they were read: read again.

        ``hit`` is the event of an entry of a list that names what the message links to; it is written once a grant, in
        the same step. With ``denies`` that entry is why nothing is granted. ``tells``: the stream is told of a cap that
        denied recipients, once a window, and of a hold that began.

        Raises ``idempotency_conflict`` for another request under the same key, and :class:`StoreUnavailable`.
        """
        reservation = reservation_key(request.reservation_id)
        budget, rules = budget_key(request.user_id), policy.takeover
        keys = [
            budget,
            cluster_key(usage.cluster) if usage.cluster else budget,
            reservation,
            repeat_key(request.repeat) if request.repeat else reservation,
            EVENTS,
        ]
        own = allowed.caps
        args: list[Any] = [self._now(now), request.recipients, int(request.partial), usage.cluster, revision]
        args += (own.hourly, own.daily, own.monthly)
        args.append("" if allowed.cluster is None else policy.clusters.factor)
        args += (*pending, request.digest, request.reservation_id, request.user_id)
        args += (policy.sends.reservation_days * _DAY, REMEMBERED, kept(policy), policy.sends.near_share)
        args += ("" if allowed.usual is None else allowed.usual, allowed.jump, rules.hold_days * _DAY)
        args += (int(rules.mode == "live"), tier, int(denies), hit, oldest(policy.retention.decisions_days))
        args.append("" if allowed.until is None else repr(allowed.until))
        args += ("" if allowed.largest is None else allowed.largest, int(tells))
        state, *found = self._grant.call(keys, args)
        if state == b"again":
            return None
        if state == b"conflict":
            raise Problem("idempotency_conflict", "Use a new Idempotency-Key for another body.")
        return _grant(found)

    def revise(self, user_id: str, revision: int, policy: Policy) -> None:
        """Let no grant pass any more that read the account before this revision of it. Safe to repeat."""
        self._revise.call([budget_key(user_id)], [revision, kept(policy)])

    def reserved_by(self, reservation_id: str) -> str:
        """The account a reservation is of. Raises ``not_found``."""
        found = self._store.execute("HGET", reservation_key(reservation_id), "user")
        if found is None:
            raise Problem("not_found", "No reservation has this id, or it is too old to be released.")
        return str(found.decode())

    def release(
        self, reservation_id: str, user_id: str, recipients: int, release_id: str, policy: Policy, now: float
    ) -> Usage:
        """Give back recipients of a reservation of this account; the same ``release_id`` again gives back no more.

        Returns what is spent after it. Raises ``not_found``, ``over_release`` and :class:`StoreUnavailable`.
        """
        while True:
            usage = self.read(user_id, now)
            budget = budget_key(user_id)
            keys = [reservation_key(reservation_id), budget, cluster_key(usage.cluster) if usage.cluster else budget]
            args: list[Any] = [self._now(now), recipients, usage.cluster, release_id, kept(policy)]
            state, *found = self._release.call(keys, args)
            if state == b"unknown":
                raise Problem("not_found", "No reservation has this id, or it is too old to be released.")
            if state == b"too_many":
                left = int(found[0])
                error = {
                    "pointer": "/recipients",
                    "code": "over_release",
                    "detail": f"{left} can still be released",
                }
                raise Problem("over_release", f"Of this reservation {left} can still be released.", [error])
            if state == b"released":
                numbers = [int(number) for number in found]
                return replace(usage, spent=_three(numbers[:3]), cluster_spent=_three(numbers[3:]))

    def settle(self, local: Local, policy: Policy) -> None:
        """Count what was granted while the store was away, once a reservation; no cap applies to what was sent."""
        while True:
            usage = self.read(local.user_id, local.at)
            budget, reservation = budget_key(local.user_id), reservation_key(local.reservation_id)
            keys = [budget, cluster_key(usage.cluster) if usage.cluster else budget, reservation]
            keys.append(repeat_key(local.repeat) if local.repeat else reservation)
            args: list[Any] = [self._now(local.at), local.granted, usage.cluster, local.user_id]
            args += (policy.sends.reservation_days * _DAY, kept(policy), REMEMBERED, local.digest)
            args += (local.reservation_id, local.denied, local.left, local.tier)
            if self._settle.call(keys, args)[0] == b"settled":
                return

    def end_holds(self, user_ids: Sequence[str], decision_id: str, policy: Policy, at: float) -> None:
        """End the holds of accounts because of a decision at Unix time ``at``, and start none for as long as one would
        have lasted. Safe to repeat; nothing happens once the decision was undone.
        """
        off = repr(at + policy.takeover.hold_days * _DAY)
        self._on_each(self._unhold, user_ids, [decision_id, off, kept(policy)])

    def restore_holds(self, user_ids: Sequence[str], decision_id: str, policy: Policy) -> None:
        """Let the holds that a decision ended go on as they were, for good: it ends none any more. Safe to repeat."""
        self._on_each(self._rehold, user_ids, [decision_id, kept(policy)])

    def _on_each(self, script: Script, user_ids: Sequence[str], args: Sequence[str | int]) -> None:
        pipe = self._store.pipeline()
        for name in user_ids:
            script.queue(pipe, [budget_key(name)], args)
        self._store.run(pipe)


def remaining(usage: Usage, allowed: Allowed) -> Counts:
    """What is left of the hour, day and month, for the account and its cluster together."""
    caps = (allowed.caps.hourly, allowed.caps.daily, allowed.caps.monthly)
    left = [cap - spent for cap, spent in zip(caps, usage.spent, strict=True)]
    if usage.held and usage.hold is not None:
        left[1] = min(left[1], usage.hold - usage.spent[1])
    if allowed.cluster is not None:
        caps = (allowed.cluster.hourly, allowed.cluster.daily, allowed.cluster.monthly)
        ours = (cap - spent for cap, spent in zip(caps, usage.cluster_spent, strict=True))
        left = [min(mine, theirs) for mine, theirs in zip(left, ours, strict=True)]
    hourly, daily, monthly = (max(each, 0) for each in left)
    return {"hourly": hourly, "daily": daily, "monthly": monthly}


def _three(numbers: Sequence[int]) -> tuple[int, int, int]:
    return numbers[0], numbers[1], numbers[2]


def _grant(found: Sequence[Any]) -> Grant:
    reservation, granted, limit, retry, *left = found[:10]
    near, out, held, at, tier, *largest = found[10:]  # nothing more in answers kept by an outage, or an older release
    own, theirs = left[:3], left[3:]
    both = [
        int(mine) if int(other) < 0 else min(int(mine), int(other)) for mine, other in zip(own, theirs, strict=True)
    ]
    return Grant(
        reservation_id=reservation.decode(),
        granted=int(granted),
        denied_by=LIMITS[int(limit)],
        retry_after=None if int(retry) < 0 else int(retry),
        remaining=dict(zip(("hourly", "daily", "monthly"), both, strict=True)),
        near=bool(near),
        out=bool(out),
        held=bool(held),
        at=float(at),
        tier=tier.decode(),
        largest=int(largest[0]) if largest and largest[0] else None,
    )
