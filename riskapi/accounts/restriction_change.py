"""What is written down that an account bears because of others, see :mod:`riskapi.accounts.linked_restrictions`."""

from __future__ import annotations

from typing import Any

import orjson

from riskapi.accounts.history import HistoryEntry, tier_event
from riskapi.accounts.pauses import Pause, pause_event, until
from riskapi.accounts.restricted_accounts import FIRST
from riskapi.policy import Policy
from riskapi.store.streams import oldest
from riskapi.times import DAY, unix_text
from signals.records import record


@record
class RestrictionChange:
    """What an account bears from now on because of what the mail of others met.

    It is the field ``restrictions``, the tier, and the tier by its own evidence. The ``entry`` of its history is
    written though the tier stays, where it is ``told``. ``revision`` is the one at which the account was read.
    ``pause`` is the one it has from now on, where that is another, and whether it ``begins``; ``paused_own`` the one of
    its own that is over before. It is decided again at Unix time ``due``.
    """

    user_id: str
    revision: str
    tier: str
    own: str
    restrictions: bytes
    entry: HistoryEntry
    told: bool
    due: float
    pause: Pause | None = None
    begins: bool = False
    paused_own: bytes | None = None

    def told_script(self, policy: Policy, now: float) -> dict[str, Any]:
        """What ``account_restrict.lua`` is told of it at Unix time ``now``."""
        told: dict[str, Any] = {
            "ttl": policy.retention.accounts_days * DAY,
            "oldest": oldest(policy.retention.decisions_days),
            "user_id": self.user_id,
            "revision": self.revision,
            "tier": self.tier,
            "own": self.own,
            "restrictions": self.restrictions.decode(),
            "history": orjson.dumps(self.entry).decode(),
            "moved": tier_event(self.user_id, self.entry, now).decode(),
            "told": self.told,
            "due": unix_text(self.due),
            "again": unix_text(now + FIRST),
        }
        if self.pause is not None:
            told["pause"] = {"row": orjson.dumps(self.pause).decode(), "until": until(self.pause)}
            if self.begins:
                told["pause"]["event"] = pause_event(self.user_id, self.pause).decode()
        if self.paused_own is not None:
            told["paused_own"] = self.paused_own.decode()
        return told
