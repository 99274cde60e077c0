"""Caps of one account: what a person says it may send, in place of what its tier and plan say."""

from __future__ import annotations

import math

import orjson
from typing_extensions import TypedDict

from riskapi.budgets.budgets import Budgets
from riskapi.budgets.limits import Limits
from riskapi.budgets.terms import OwnCaps, OwnCapsView
from riskapi.contract import Tier
from riskapi.errors import Problem, no_account
from riskapi.policy.active import ActiveBasis
from riskapi.policy.tables import Caps
from riskapi.sending.allowances import Allowances, limits
from riskapi.store.connections import Store
from riskapi.store.streams import account_key, oldest, shard, stream
from riskapi.times import DAY


class CapsOfAccount(TypedDict):
    """The caps of its own that an account has now, if any, and what it may send by them."""

    user_id: str
    tier: Tier
    caps: OwnCapsView | None
    limits: Limits


class AccountCaps:
    """Sets caps of accounts and takes them away."""

    def __init__(self, store: Store, active: ActiveBasis, allowances: Allowances, budgets: Budgets) -> None:
        self._active, self._allowances, self._budgets = active, allowances, budgets
        self._set = store.script("account_caps")

    def put(
        self, user_id: str, caps: Caps, reason: str, expires_at: float | None, author: str, now: float
    ) -> CapsOfAccount:
        """Give an account caps of its own from Unix time ``now`` until ``expires_at``, None for good.

        They replace those of its tier, plan and steps, see :func:`riskapi.budgets.caps.allowed`, and any it was given
        earlier. No grant exceeds them once this returns. Raises ``not_found`` and ``invalid``.
        """
        _check(caps, expires_at, now)
        # To the millisecond, as it is shown: a reader of the answer can tell exactly when they end.
        until = None if expires_at is None else math.floor(expires_at * 1000) / 1000
        return self._change(user_id, OwnCaps(caps, reason, author, now, until), author, now)

    def remove(self, user_id: str, author: str, now: float) -> CapsOfAccount:
        """Take an account's own caps away, if it has any. Raises ``not_found`` for an unknown account."""
        return self._change(user_id, None, author, now)

    def _change(self, user_id: str, given: OwnCaps | None, author: str, now: float) -> CapsOfAccount:
        policy = self._active.policy
        stored = b"" if given is None else given.json()
        event = {"user_id": user_id, "at": now, "actor": author, "caps": None if given is None else given.view()}
        args: list[int | str | bytes] = [policy.retention.accounts_days * DAY, stored, orjson.dumps(event)]
        args.append(oldest(policy.retention.decisions_days))
        revision = self._set.call([account_key(user_id), stream(shard(user_id))], args)
        if revision < 0:
            raise no_account()
        self._budgets.revise(user_id, revision, policy)
        found = self._allowances.of(user_id, policy, now)
        return {
            "user_id": user_id,
            "tier": found.account.tier,
            "caps": None if given is None else given.view(),
            "limits": limits(found.usage, found.allowed),
        }


def _check(caps: Caps, expires_at: float | None, now: float) -> None:
    """Raise ``invalid`` for caps that no policy would take, and for those that are over already."""
    errors = []
    for name, window, longer in (("hourly", caps.hourly, "daily"), ("daily", caps.daily, "monthly")):
        if window > getattr(caps, longer):
            errors.append({"pointer": f"/{name}", "code": "above_longer", "detail": f"is above /{longer}"})
    if expires_at is not None and expires_at <= now:
        errors.append({"pointer": "/expires_at", "code": "in_past", "detail": "does not lie ahead"})
    if errors:
        where = ", ".join(error["pointer"] for error in errors)
        raise Problem("invalid", f"{len(errors)} error{'s' if len(errors) > 1 else ''}, at {where}.", errors)
