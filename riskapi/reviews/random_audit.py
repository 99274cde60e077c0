"""Random audit: a small share of allowed accounts is looked at by people too, to learn how many bad ones are let in.

Such a review does not say that it is an audit, so that it is looked at like any other. Which reviews are audits is kept
apart (``risk:audits``), and what people decided on them measures the false negatives. The audit log is another thing:
:mod:`riskapi.access.audit_log`.
"""

from __future__ import annotations

import hashlib
import math
from typing import Any

from riskapi.accounts.accounts import Accounts
from riskapi.contract import Reason
from riskapi.policy.active import ActiveBasis
from riskapi.reviews import queue
from riskapi.store.connections import Store
from riskapi.store.streams import account_key, oldest, shard, stream
from riskapi.times import DAY
from signals.records import record

#: Reviews of audits by the time they were opened. No TTL: the oldest leave it.
KEY = "risk:audits"
#: Reviews it holds: at 40 a day, seven weeks.
_KEPT = 2_000
#: 95 % of a normal distribution lie within so many deviations.
_Z = 1.96


@record
class Audited:
    """What people found: of ``decided`` allowed accounts that were drawn, ``limited`` were bad. ``low`` and ``high``
    bound the share of bad ones with 95 % confidence (Wilson's interval); both are None without any.
    """

    drawn: int
    decided: int
    limited: int
    low: float | None
    high: float | None


class RandomAudit:
    """Draws accounts and counts what was found. Raises :class:`StoreUnavailable` while the store is away."""

    def __init__(self, store: Store, accounts: Accounts, active: ActiveBasis) -> None:
        self._store, self._accounts, self._active = store, accounts, active
        self._open = store.script("review_open")

    def is_drawn(self, decision_id: str) -> bool:
        """Whether chance drew the account of an allowed signup; the same again for the same decision."""
        share = self._active.policy.reviews.audit_share
        digest = hashlib.sha256(f"audit\0{decision_id}".encode()).digest()
        # Its first byte tells of most that they are not drawn.
        return digest[0] <= share * 256 and int.from_bytes(digest[:8]) / 2**64 < share

    def open(self, user_id: str, decision_id: str, score: float, reasons: list[Reason], at: float) -> None:
        """Open the review of an account that was drawn, once."""
        policy, number = self._active.policy, shard(user_id)
        name = hashlib.sha256(f"audit\0{user_id}\0{decision_id}".encode()).hexdigest()[:20]
        opening = queue.opening(user_id, at, score, reasons, name)
        keys = [account_key(user_id), opening.key, opening.index, stream(number), queue.index_key(number, "decided")]
        args: list[Any] = [policy.retention.accounts_days * DAY, opening.place, opening.event]
        args += (oldest(policy.retention.decisions_days), "")
        for field, value in opening.fields.items():
            args += (field, value)
        self._open.call(keys, args)
        pipe = self._store.pipeline()
        pipe.execute_command("ZADD", KEY, repr(at), opening.id)
        pipe.execute_command("ZREMRANGEBYRANK", KEY, 0, -_KEPT - 1)
        self._store.run(pipe)

    def found(self) -> Audited:
        """What people found so far, of the latest 2,000."""
        ids = [name.decode() for name in self._store.execute("ZRANGE", KEY, 0, -1)]
        pipe = self._store.pipeline()
        for name in ids:
            pipe.execute_command("HGET", queue.review_key(name), "decision")
        found = [word for word in (self._store.run(pipe) if ids else []) if word]
        limited = sum(word == b"limit" for word in found)
        return Audited(len(ids), len(found), limited, *_interval(limited, len(found)))


def _interval(hits: int, of: int) -> tuple[float, float] | tuple[None, None]:
    """Wilson's score interval (Wilson 1927) of a share."""
    if not of:
        return None, None
    share, square = hits / of, _Z * _Z
    middle = (share + square / (2 * of)) / (1 + square / of)
    half = _Z * math.sqrt(share * (1 - share) / of + square / (4 * of * of)) / (1 + square / of)
    return max(middle - half, 0.0), min(middle + half, 1.0)
