"""What each rule and trigger of the policy caught, and how often that was right, by the labels there are. Pure.

Rules are matched anew, as they stand, on the readings that were recorded; of triggers counts what they did. Those in
shadow do nothing, and nothing of theirs is recorded but a metric.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from typing_extensions import TypedDict

from riskapi.contract import Count
from riskapi.policy import Policy
from riskapi.policy.rules import matcher, matching
from riskapi.simulations.confidence_intervals import Share, share
from riskapi.simulations.recorded_signups import ReadingBack, RecordedSignup
from riskapi.simulations.simulation import Foundation, foundation
from riskapi.times import DAY


class Caught(TypedDict):
    """What one rule or trigger caught: accounts since midnight (UTC), and in all. ``right`` is the share that is
    labelled abuse of those labelled abuse or legitimate.
    """

    name: str
    today: Count
    accounts: Count
    right: Share


class RuleCounts(TypedDict):
    """What each caught, in the order of the policy, and what that rests on. Triggers in shadow are left out."""

    foundation: Foundation
    rules: list[Caught]
    triggers: list[Caught]


class Tally:
    """Counts for one policy, up to Unix time ``now``."""

    def __init__(self, policy: Policy, now: float) -> None:
        self._policy, self._now = policy, now
        self._matchers = [matcher(rule) for rule in policy.rules]
        self._found: Counter[tuple[str, str]] = Counter()
        self._oldest, self._signups = now, 0

    def add(self, slice: Iterable[RecordedSignup]) -> None:
        """Count some signups."""
        for past in slice:
            self._signups += 1
            self._oldest = min(self._oldest, past.at)
            for rule in matching(self._matchers, past.readings):
                self._note(rule.name, past.at, past.label)

    def counted(self, back: ReadingBack, labels: Mapping[str, str]) -> RuleCounts:
        """What each caught, with what triggers did as ``back`` has read it; ``labels`` are those of its accounts."""
        rules = [self._caught(rule.name) for rule in self._policy.rules]
        self._found = Counter()
        for each in {(each["rule"], each["user_id"]): each for each in reversed(back.acted)}.values():
            self._note(each["rule"], each["at"], labels.get(each["user_id"], ""))
        triggers = [self._caught(each.name) for each in self._policy.feedback.triggers if each.mode == "live"]
        return {
            "foundation": foundation(back, self._signups, self._oldest, self._now),
            "rules": rules,
            "triggers": triggers,
        }

    def _note(self, name: str, at: float, label: str) -> None:
        self._found[name, "all"] += 1
        self._found[name, f"label {label}"] += 1
        if at >= self._now - self._now % DAY:
            self._found[name, "today"] += 1

    def _caught(self, name: str) -> Caught:
        abuse, legitimate = (self._found[name, f"label {label}"] for label in ("abuse", "legitimate"))
        right = share(abuse, abuse + legitimate)
        return {"name": name, "today": self._found[name, "today"], "accounts": self._found[name, "all"], "right": right}
