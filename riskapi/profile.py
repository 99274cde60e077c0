"""An account as its owner's company sees it: ``GET /v1/accounts/{user_id}``, put together from what is recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from riskapi.accounts import Accounts, latest
from riskapi.assess import limits, reasons
from riskapi.decide import decide
from riskapi.decisions import Decisions
from riskapi.gather import Gatherer
from riskapi.judge import Court
from riskapi.links import linkage
from riskapi.signup import Signup

#: Days of feedback an account is shown with.
_FEEDBACK_DAYS = 30


class Profiles:
    """Reads accounts for people and callers."""

    def __init__(self, court: Court, accounts: Accounts, decisions: Decisions, gatherer: Gatherer) -> None:
        self._court = court
        self._accounts = accounts
        self._decisions = decisions
        self._gatherer = gatherer

    def view(self, user_id: str, now: float) -> dict[str, Any]:
        """The account as it stands, its links looked up anew at Unix time ``now``. Raises ``not_found``.

        ``signup`` (as posted) and ``readings`` are for people who judge it.
        """
        fields, history, labels = self._accounts.load(user_id)
        decision = orjson.loads(fields["decision"])
        assessment = orjson.loads(fields["assessment"])
        newest = latest(fields)
        newest["reasons"] = newest["reasons"] or self._explained(decision)
        if assessment["id"] == newest["id"]:
            assessment["reasons"] = newest["reasons"]
        tier = fields["tier"].decode()
        return {
            "object": "account",
            "user_id": user_id,
            "tier": tier,
            "paused": False,
            "limits": limits(self._court.policy, tier),
            "assessment": assessment,
            "latest": newest,
            "linkage": self._linked(user_id, fields, now),
            "feedback": {
                "window_days": _FEEDBACK_DAYS,
                **dict.fromkeys(("sent", "delivered", "hard_bounces", "soft_bounces", "complaints", "blocks"), 0),
                "complaint_rate": None,
                "hard_bounce_rate": None,
            },
            "labels": labels,
            "history": history,
            "signup": orjson.loads(fields["signup"]),
            "readings": self._decisions.readings(decision),
        }

    def _explained(self, stored: dict[str, Any]) -> list[dict[str, Any]]:
        """Reasons for a decision that was answered without any, if the model that made it is still here."""
        judge = self._court.judge
        if stored["versions"]["model"] != judge.versions["model"]:
            return []
        decision = decide(
            self._decisions.readings(stored),
            judge.scorer,
            judge.policy,
            explain=True,
            store_away=stored["store_away"],
        )
        return reasons(decision)

    def linkage(self, user_id: str, now: float) -> dict[str, Any]:
        """What the account shares with others, looked up anew at Unix time ``now``. Raises ``not_found``."""
        return self._linked(user_id, self._accounts.load(user_id)[0], now)

    def _linked(self, user_id: str, fields: Mapping[str, bytes], now: float) -> dict[str, Any]:
        parsed = self._gatherer.parse(Signup.model_validate_json(fields["signup"]), max(float(fields["at"]), now))
        gathered = self._gatherer.gather(user_id, parsed.facts, self._court.policy, add=False)
        return linkage(gathered.facts.entities, self._court.policy)
