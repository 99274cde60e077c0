"""Answers of an outage to callers whose signup the store had taken before it could say so.

The account is there with a decision that nobody was told. What was told becomes its first answer, as it is for a signup
that the store knew nothing of; the tier stays what was decided, and the history says both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from riskapi.accounts.accounts import Accounts, history_key
from riskapi.accounts.first_record import with_answer
from riskapi.accounts.history import PUT_LATER, HistoryEntry, tier_event
from riskapi.accounts.stored import packed_json
from riskapi.errors import StoreUnavailable
from riskapi.policy import Policy
from riskapi.store.connections import Store
from riskapi.store.streams import account_key, oldest, shard, stream
from riskapi.times import DAY

#: Times an account is read anew because it changed meanwhile.
_TRIES = 20


class OutageAnswers:
    """Puts what callers were told in the place of first answers that nobody got."""

    def __init__(self, store: Store, accounts: Accounts) -> None:
        self._store, self._accounts = store, accounts
        self._answered = store.script("account_answered")

    def put_first(
        self, user_id: str, told: Mapping[str, Any], untold: Mapping[str, Any], review: str, policy: Policy, now: float
    ) -> None:
        """Make ``told`` the first answer of an account, unless that is another than ``untold`` by now.

        ``review`` is the key of the review that it was written with, empty where there is none. The first entry of its
        history goes from the tier that was told to the one that was decided, because of the outage, at the time of that
        decision; webhooks hear at Unix time ``now`` of the tier it is in. Safe to repeat. Raises ``not_found`` and
        :class:`StoreUnavailable`.
        """
        for _ in range(_TRIES):
            account = self._accounts.load(user_id)
            if account.first_answer["id"] != untold["id"]:
                return
            first: HistoryEntry = {**account.history[0], "from": told["decision"], "cause": "outage"}
            given: dict[str, Any] = {"oldest": oldest(policy.retention.decisions_days)}
            if review:
                given["reasons"] = orjson.dumps(untold["reasons"]).decode()
            kept = account.fields["assessment"]
            key = account_key(user_id)
            args = (
                policy.retention.accounts_days * DAY,
                kept,
                with_answer(kept, account.signed_up_at, told),
                packed_json(untold),
                orjson.dumps(first),
                told["decision"],
                tier_event(user_id, {**first, "to": PUT_LATER}, now),
                orjson.dumps(given),
            )
            if self._answered.call([key, history_key(user_id), stream(shard(user_id)), review or key], args):
                return
        raise StoreUnavailable("an account changed too often to say what its caller was told")
