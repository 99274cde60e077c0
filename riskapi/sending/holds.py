"""Holds: an account that suddenly sends many times its usual volume is kept at it, and a person looks.

The hold starts with the grant that was too large, in ``store/lua/budget_grant.lua``, and ends with its review or by
itself (``takeover.hold_days``).
"""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from riskapi.accounts.accounts import Accounts
from riskapi.contract import Reason
from riskapi.metrics import Metrics
from riskapi.policy import Policy
from riskapi.reviews import queue
from riskapi.store import damaged
from riskapi.store.connections import Store
from riskapi.store.streams import account_key, oldest, shard, stream
from riskapi.times import DAY

#: Who decided a review that was withdrawn, and why.
WITHDRAWN_BY, _WITHDRAWN = "riskapi", "what others did, which it was opened for, does not hold any more"


class Holds:
    """Opens the reviews of holds, and others of accounts that are there already."""

    def __init__(self, store: Store, accounts: Accounts, metrics: Metrics) -> None:
        self._accounts, self._metrics = accounts, metrics
        self._open, self._withdraw = store.script("review_open"), store.script("review_withdraw")

    def open(self, user_id: str, at: float, usual: int, policy: Policy) -> None:
        """Open the review of a hold that started at Unix time ``at``, once; ``usual`` is what the account is held at.

        Raises ``not_found`` and :class:`riskapi.errors.StoreUnavailable`.
        """
        text = f"It suddenly sends many times its usual volume, {usual} recipients a day at most"
        self.review(user_id, at, "VOLUME_JUMP", text, f"{user_id}\0{int(at)}", policy)

    def review(
        self, user_id: str, at: float, code: str, text: str, name: str, policy: Policy, *, company: bool = False
    ) -> str:
        """Open a review of an account for one reason, once for each ``name``; its id. Raises as :meth:`open`.

        ``company``: it is about what others did, and is withdrawn when that does not hold any more.
        """
        reason: Reason = {"code": code, "signal": None, "text": text, "contribution": None}
        account = self._accounts.load(user_id)
        score = damaged.read("account", user_id, lambda: float(account.latest_answer["risk_score"]), 0.0)
        opening = queue.opening(user_id, at, score, [reason], _named(name))
        number = shard(user_id)
        keys = [account_key(user_id), opening.key, opening.index, stream(number), queue.index_key(number, "decided")]
        args: list[Any] = [policy.retention.accounts_days * DAY, opening.place, opening.event]
        args += (oldest(policy.retention.decisions_days), "looked" if company else "")
        for field, value in opening.fields.items():
            args += (field, value)
        if self._open.call(keys, args):
            self._metrics.review("opened")
        return opening.id

    def withdraw(self, user_id: str, review_id: str, at: float, policy: Policy, *, company: bool = True) -> None:
        """Close at Unix time ``at`` the review that was opened because of others, unless somebody holds it. Safe to
        repeat. One that was opened as ``company`` is left where the account names another as that.
        """
        number = shard(user_id)
        fields = {"decided_at": repr(at), "decided_by": WITHDRAWN_BY, "decision": "allow", "reason": _WITHDRAWN}
        told = {"id": review_id, "user_id": user_id, "to": "decided", "at": at, **fields, "decided_at": at}
        indexes = [queue.index_key(number, status) for status in ("open", "decided")]
        keys = [account_key(user_id), queue.review_key(review_id), *indexes, stream(number)]
        args: list[Any] = [review_id, queue.place_of(at, review_id), orjson.dumps(told)]
        args += (oldest(policy.retention.decisions_days), "looked" if company else "")
        for field, value in fields.items():
            args += (field, value)
        if self._withdraw.call(keys, args):
            self._metrics.review("withdrawn")


def review_id(user_id: str, name: str) -> str:
    """The id of the review that :meth:`Holds.review` opens about an account by this name."""
    return queue.named(user_id, _named(name))


def _named(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:20]
