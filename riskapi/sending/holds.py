"""Holds: an account that suddenly sends many times its usual volume is kept at it, and a person looks.

The hold starts with the grant that was too large, in ``store/lua/budget_grant.lua``, and ends with its review or by
itself (``takeover.hold_days``).
"""

from __future__ import annotations

import hashlib
from typing import Any

from riskapi.accounts.accounts import Accounts
from riskapi.contract import Reason
from riskapi.metrics import Metrics
from riskapi.policy import Policy
from riskapi.reviews import queue
from riskapi.store import damaged
from riskapi.store.connections import Store
from riskapi.store.streams import account_key, oldest, shard, stream

_DAY = 86400


class Holds:
    """Opens the reviews of holds, and others of accounts that are there already."""

    def __init__(self, store: Store, accounts: Accounts, metrics: Metrics) -> None:
        self._accounts, self._metrics = accounts, metrics
        self._open = store.script("review_open")

    def open(self, user_id: str, at: float, usual: int, policy: Policy) -> None:
        """Open the review of a hold that started at Unix time ``at``, once; ``usual`` is what the account is held at.

        Raises ``not_found`` and :class:`riskapi.errors.StoreUnavailable`.
        """
        text = f"It suddenly sends many times its usual volume, {usual} recipients a day at most"
        self.review(user_id, at, "VOLUME_JUMP", text, f"{user_id}\0{int(at)}", policy)

    def review(self, user_id: str, at: float, code: str, text: str, name: str, policy: Policy) -> None:
        """Open a review of an account for one reason, once for each ``name``. Raises as :meth:`open`."""
        reason: Reason = {"code": code, "signal": None, "text": text, "contribution": None}
        account = self._accounts.load(user_id)
        score = damaged.read("account", user_id, lambda: float(account.latest_answer["risk_score"]), 0.0)
        opening = queue.opening(user_id, at, score, [reason], hashlib.sha256(name.encode()).hexdigest()[:20])
        keys = [account_key(user_id), opening.key, opening.index, stream(shard(user_id))]
        args: list[Any] = [policy.retention.accounts_days * _DAY, opening.place, opening.event]
        args.append(oldest(policy.retention.decisions_days))
        for field, value in opening.fields.items():
            args += (field, value)
        if self._open.call(keys, args):
            self._metrics.review("opened")
