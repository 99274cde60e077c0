"""Who decides: a policy, a model, and the versions that answers name; and which of them sits now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from model.scorer import Scorer
from riskapi.policy import Policy


@dataclass(frozen=True, slots=True)
class Judge:
    """What decides: the policy, the model (None where there is none) and the versions that answers name."""

    policy: Policy
    scorer: Scorer | None
    versions: Mapping[str, Any]

    def under(self, policy: Policy) -> Judge:
        """The same judge under another policy."""
        return replace(self, policy=policy, versions={**self.versions, "policy": policy.version})


class Court:
    """The judge that sits now, for every part of a worker. A request takes it once and stays with it to its end."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    @property
    def judge(self) -> Judge:
        """The judge that sits now."""
        return self._judge

    @property
    def policy(self) -> Policy:
        """The policy in force now."""
        return self._judge.policy

    def seat(self, judge: Judge) -> None:
        """Let another judge sit from the next request on; requests in hand are finished by theirs."""
        self._judge = judge
