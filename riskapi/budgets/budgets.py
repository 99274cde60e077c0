"""Budgets: recipients granted, given back and recorded against the caps of an account and its cluster.

Exact: one script looks at both and writes both. The arithmetic of the windows is in ``store/lua/parts/spends.lua``.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from riskapi.access.idempotency import REMEMBERED
from riskapi.budgets.caps import Allowed, Usage
from riskapi.budgets.grant_records import LIMITS, GrantBasis, GrantRequest, LocalGrant, StoredGrant, compact, stored
from riskapi.budgets.keys import EVENTS, budget_key, cluster_key, kept, members_key, repeat_key, reservation_key
from riskapi.budgets.limits import Counts
from riskapi.errors import Problem
from riskapi.policy import Policy
from riskapi.store.connections import Store
from riskapi.store.pipelines import Pipeline, ReplyReader
from riskapi.store.scripts import Script
from riskapi.store.streams import oldest
from riskapi.times import DAY

#: The numbers in what ``store/lua/parts/usage.lua`` tells.
_NUMBERS = struct.Struct("<11d")


class Budgets:
    """Reads and spends budgets. With ``store_clock`` the time is the store's own, the same for every host."""

    def __init__(self, store: Store, *, store_clock: bool = False) -> None:
        self._store = store
        self._store_clock = store_clock
        self._grant = store.script("budget_grant")
        self._read = store.script("budget_read")
        self._release = store.script("budget_release")
        self._record = store.script("budget_record")
        self._unhold = store.script("budget_unhold")
        self._rehold = store.script("budget_rehold")
        self._revise = store.script("budget_revise")

    def _now(self, now: float) -> str:
        return "" if self._store_clock else repr(now)

    def queue_read(self, pipe: Pipeline, user_id: str, now: float, cluster: str = "") -> ReplyReader[Usage]:
        """Ask, in a pipeline, what an account and its ``cluster``, if known, spent."""
        budget = budget_key(user_id)
        keys = [budget, cluster_key(cluster), members_key(cluster)] if cluster else [budget] * 3
        return self._read.ask(pipe, keys, [self._now(now)], read=self.usage)

    @staticmethod
    def usage(reply: Sequence[Any]) -> Usage:
        """The usage in a reply to :meth:`queue_read`."""
        numbers, cluster, revision, first, hold, hold_until, *days = reply
        now, *counts = _NUMBERS.unpack(numbers)
        hour, day, month, all_hour, all_day, all_month, usual, size, abusive, claims = map(int, counts)
        # By place: named values take a thousand instructions more.
        return Usage(
            cluster.decode(), int(revision), float(first) if first else None, int(hold) if hold else None,
            float(hold_until), (hour, day, month), (all_hour, all_day, all_month), now,
            dict(zip(days[::2], days[1::2], strict=True)) if days else {}, usual, size, abusive, claims != 0,
        )  # fmt: skip

    def read(self, user_id: str, now: float, cluster: str = "") -> Usage:
        """What an account and its cluster spent; ``cluster`` is where it was last seen."""
        while True:
            pipe = self._store.pipeline()
            usage = self.queue_read(pipe, user_id, now, cluster)
            self._store.run(pipe)
            found = usage()
            if found.cluster == cluster:
                return found
            cluster = found.cluster

    def grant(self, request: GrantRequest, basis: GrantBasis, policy: Policy, now: float) -> StoredGrant | None:
        """Grant what the caps leave; None when cluster, tier or caps changed since they were read: read again.

        Raises ``idempotency_conflict`` for another request under the same key, and :class:`StoreUnavailable`.
        """
        usage, allowed = basis.usage, basis.allowed
        reservation = reservation_key(request.reservation_id)
        budget, rules = budget_key(request.user_id), policy.takeover
        keys = [
            budget,
            cluster_key(usage.cluster) if usage.cluster else budget,
            reservation,
            repeat_key(request.repeat) if request.repeat else reservation,
            EVENTS,
        ]
        asked: dict[str, Any] = {
            "now": self._now(now),
            "wanted": request.recipients,
            "partial": request.partial,
            "cluster": usage.cluster,
            "revision": basis.revision,
            "caps": (allowed.caps.hourly, allowed.caps.daily, allowed.caps.monthly),
            "until": allowed.until,
            "factor": None if allowed.cluster is None else policy.clusters.factor,
            "waiting": tuple(basis.unrecorded),
            "request": request.digest,
            "reservation": request.reservation_id,
            "user_id": request.user_id,
            "reserved": policy.sends.reservation_days * DAY,
            "remembered": REMEMBERED,
            "kept": kept(policy),
            "near": policy.sends.near_share,
            "usual": allowed.usual,
            "jump": allowed.jump,
            "hold": rules.hold_days * DAY,
            "holds": rules.mode == "live",
            "denied": None if basis.denied_by is None else LIMITS.index(basis.denied_by),
            "denied_until": basis.denied_until,
            "hit": basis.hit.decode() or None,
            "tier": basis.tier,
            "largest": allowed.largest,
            "tells": basis.tells,
            "oldest": oldest(policy.retention.decisions_days),
        }
        state, *found = self._grant.call(keys, [compact(asked)])
        if state == b"again":
            return None
        if state == b"conflict":
            raise Problem("idempotency_conflict", "Use a new Idempotency-Key for another body.")
        return stored(found[0])

    def revise(self, user_id: str, revision: int, policy: Policy) -> None:
        """Let no grant pass any more that read the account before this revision of it. Safe to repeat."""
        self._revise.call([budget_key(user_id)], [revision, kept(policy)])

    def reserved_by(self, reservation_id: str) -> str:
        """The account a reservation is of. Raises ``not_found``."""
        found = self._store.execute("HGET", reservation_key(reservation_id), "user")
        if found is None:
            raise Problem("not_found", "No reservation has this id, or it is too old.")
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
                raise Problem("over_release", f"{left} of this reservation can still be released.", [error])
            if state == b"released":
                numbers = [int(number) for number in found]
                return replace(usage, spent=_three(numbers[:3]), cluster_spent=_three(numbers[3:]))

    def record(self, local: LocalGrant, policy: Policy) -> None:
        """Record what was granted while the store was away, once a reservation; no cap applies to what was sent."""
        while True:
            usage = self.read(local.user_id, local.at)
            budget, reservation = budget_key(local.user_id), reservation_key(local.reservation_id)
            keys = [budget, cluster_key(usage.cluster) if usage.cluster else budget, reservation]
            keys.append(repeat_key(local.repeat) if local.repeat else reservation)
            granted = {
                "now": self._now(local.at),
                "granted": local.granted,
                "cluster": usage.cluster,
                "user_id": local.user_id,
                "reserved": policy.sends.reservation_days * DAY,
                "kept": kept(policy),
                "remembered": REMEMBERED,
                "request": local.digest,
                "answer": local.stored().kept(),
            }
            if self._record.call(keys, [compact(granted)])[0] == b"recorded":
                return

    def end_holds(self, user_ids: Sequence[str], decision_id: str, policy: Policy, at: float) -> None:
        """End the holds of accounts because of a decision at Unix time ``at``, and start none for as long as one would
        have lasted. Safe to repeat; nothing happens once the decision was undone.
        """
        off = repr(at + policy.takeover.hold_days * DAY)
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
    caps, (hour, day, month) = allowed.caps, usage.spent
    hourly, daily, monthly = caps.hourly - hour, caps.daily - day, caps.monthly - month
    if usage.held and usage.hold is not None:
        daily = min(daily, usage.hold - day)
    if allowed.cluster is not None:
        caps, (hour, day, month) = allowed.cluster, usage.cluster_spent
        hourly, daily = min(hourly, caps.hourly - hour), min(daily, caps.daily - day)
        monthly = min(monthly, caps.monthly - month)
    return {"hourly": max(hourly, 0), "daily": max(daily, 0), "monthly": max(monthly, 0)}


def _three(numbers: Sequence[int]) -> tuple[int, int, int]:
    return numbers[0], numbers[1], numbers[2]
