"""An account as it was read again, what was decided of it then, and whether that is worth a record. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

import signals
from riskapi.accounts.stored import StoredAccount
from riskapi.contract import Tier
from riskapi.decisions.decide import Decision
from riskapi.decisions.gather import Gathered
from riskapi.decisions.line import Case
from riskapi.decisions.movement import Move, Past
from riskapi.decisions.restrictor import Restricted
from riskapi.lists.matching import silenced
from signals import Readings, registered
from signals.records import record

#: A score that moved by less than this says nothing new by itself, in points of ``risk_score``.
_LEAST_MOVE = 1.0
#: Causes that come by themselves, with time or by neighbours.
_ORDINARY = frozenset({"schedule", "linkage"})


@record
class Rescored:
    """An account as it was read, and what was decided of it."""

    account: StoredAccount
    past: Past
    case: Case
    gathered: Gathered
    move: Move
    restricted: Restricted
    #: Fields of its pause, and of its restrictions, that are others than they were; None takes one away.
    others: Mapping[str, bytes | str | None]

    @property
    def decision(self) -> Decision:
        """What the line came to."""
        return self.case.decision

    @property
    def before(self) -> Mapping[str, Any]:
        """The decision that the account keeps until now."""
        return self.account.decision

    @property
    def tier(self) -> Tier:
        """The tier from now on."""
        return self.move.tier

    @property
    def kept(self) -> dict[str, str]:
        """What the account keeps of it: whether its identity is checked, until when feedback does not count, and the
        tier by its own evidence.
        """
        identity = self.gathered.facts.identity
        return {
            "identity": "" if identity is None else str(int(identity)),
            "silenced": silenced(self.decision.listing),
            "own": self.move.own,
        }

    @property
    def readings_before(self) -> Readings:
        """The readings of the decision before, where they were of today's signals."""
        before = self.before
        return dict(zip(registered(), before["readings"], strict=True)) if before["schema"] == signals.schema() else {}

    def is_news(self, cause: str) -> bool:
        """Whether a decision that moves nothing is worth a record all the same.

        Counts of neighbours change with every hour; what an upstream, an event or a list said is why it was decided at
        all.
        """
        before, decision = self.before, self.decision
        told = (decision.tier, decision.source, decision.rule, list(decision.fired))
        if told != (before["tier"], before["source"], before["rule"], before["fired"]):
            return True
        kept_before = {name: self.account.fields.get(name, b"").decode() for name in self.kept}
        if abs(decision.risk_score - before["risk_score"]) >= _LEAST_MOVE or self.kept != kept_before:
            return True
        if self.others:
            return True
        if before.get("findings", {}).keys() != self.gathered.findings.keys():
            return True  # what was pending is not any more
        if cause in _ORDINARY:
            return False
        same = before["schema"] == signals.schema() and before["readings"] == orjson.loads(
            orjson.dumps(list(self.case.readings.values()))
        )
        return not same
