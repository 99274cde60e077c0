"""An account as its owner's company sees it: ``GET /v1/accounts/{user_id}``, put together from what is recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from riskapi.accounts import Accounts, latest
from riskapi.allowances import Allowances, limits
from riskapi.assessment import reasons
from riskapi.clusters import Clusters
from riskapi.decide import decide
from riskapi.decisions import Decisions
from riskapi.feedback import Feedback
from riskapi.gather import Gatherer
from riskapi.judge import Court
from riskapi.links import linkage
from riskapi.signup import Signup


class Profiles:
    """Reads accounts for people and callers."""

    def __init__(
        self,
        court: Court,
        accounts: Accounts,
        decisions: Decisions,
        gatherer: Gatherer,
        feedback: Feedback,
        clusters: Clusters,
        allowances: Allowances,
    ) -> None:
        self._court = court
        self._accounts = accounts
        self._decisions = decisions
        self._gatherer = gatherer
        self._feedback = feedback
        self._clusters = clusters
        self._allowances = allowances

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
        budget = self._allowances.of(user_id, self._court.policy, now)
        return {
            "object": "account",
            "user_id": user_id,
            "tier": tier,
            "paused": False,
            "limits": limits(budget.usage, budget.allowed),
            "assessment": assessment,
            "latest": newest,
            "linkage": self._linked(user_id, fields, budget.usage.cluster, now),
            "feedback": self._feedback.view(*self._feedback.read(user_id, now)),
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

    def _linked(self, user_id: str, fields: Mapping[str, bytes], cluster: str, now: float) -> dict[str, Any]:
        policy = self._court.policy
        parsed = self._gatherer.parse(Signup.model_validate_json(fields["signup"]), max(float(fields["at"]), now))
        gathered = self._gatherer.gather(user_id, parsed.facts, policy, add=False)
        if not cluster:
            return {**linkage(gathered.facts.entities, policy), "edges": []}
        found = self._clusters.view(cluster, now)
        return {**linkage(gathered.facts.entities, policy, cluster, found["size"]), "edges": found["edges"]}
