"""Limits in answers: newcomers who are decided alike share them, and nobody else has a part in that."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from riskapi import policy
from riskapi.budgets.caps import Usage, unused
from riskapi.budgets.limits import Limits
from riskapi.budgets.terms import Terms
from riskapi.contract import Tier
from riskapi.decisions.answer import assessment
from riskapi.decisions.decide import decide
from riskapi.decisions.gather import Parsed
from riskapi.decisions.line import Case, Decided
from riskapi.policy.active import Basis
from riskapi.policy.tables import Plan
from signals.facts import Account, Email, Facts
from tests.conftest import NOW

_SHIPPED = policy.load(policy.DEFAULT).with_model_mode("off")
_PLANS = {
    "free": Plan(hourly=10, daily=20, monthly=30),
    "pro": Plan(hourly=1000, daily=2000, monthly=30_000, paid=True),
}
POLICY = _SHIPPED.model_copy(update={"plans": _PLANS})
DAY = 86400.0
SENT = replace(unused(NOW), first=NOW - 5 * DAY, days={int(NOW // DAY): 7}, spent=(3, 7, 7))
#: Accounts that are bound to others: to nobody who sent anything, by what somebody else holds, to some who sent.
BOUND = (
    replace(unused(NOW), cluster="clu_1", size=2),
    replace(unused(NOW), cluster="clu_1", size=2, claims=True),
    replace(unused(NOW), cluster="clu_1", size=2, cluster_spent=(1, 5, 9)),
)


def limits(
    basis: Basis, tier: Tier, plan: str | None = None, now: float = NOW, usage: Usage | None = None, age: float = 0.0
) -> Limits:
    facts = Facts(at=now - age, account=Account(), email=Email("?", valid=False))
    decided = Decided(facts, {}, decide({}, None, basis.policy), "allow")
    used = replace(unused(now) if usage is None else usage, now=now)
    case = Case(basis, "u_1", now, Parsed(facts, (), ()), facts, used, Terms(plan), decided)
    return assessment(case, tier=tier)["limits"]


@pytest.mark.parametrize("attack", [False, True], ids=["as usual", "in attack mode"])
def test_shared_limits_are_those_that_each_would_have_alone(attack: bool) -> None:
    def made() -> Basis:
        basis = Basis(POLICY, None, {"policy": 1})
        return basis.attacked("2026-12-01T00:00:00Z") if attack else basis

    shared, tiers = made(), ("allow", "review", "limit")
    asked: list[dict[str, Any]] = [
        {"tier": tier, "plan": plan, "now": now, "usage": usage, "age": age}
        for tier in tiers
        for plan in (None, "unheard of", *POLICY.plans)
        for age in (0.0, 30 * DAY)
        for now in (NOW, NOW + DAY)
        for usage in (None, SENT, replace(unused(NOW), hold=9, hold_until=9e9), *BOUND)
    ]
    alone = [limits(made(), **each) for each in asked]
    assert [limits(shared, **each) for each in asked] == alone
    assert [limits(shared, **each) for each in asked[::-1]] == alone[::-1]


def test_limits_of_newcomers_are_shared_and_another_policy_has_its_own() -> None:
    basis = Basis(POLICY, None, {"policy": 1})
    first = limits(basis, "allow")
    assert limits(basis, "allow", now=NOW + 60) is first
    assert limits(basis, "allow", usage=SENT) is not first
    other = basis.under(POLICY.attacked)
    assert other.newcomers == {}
    assert limits(other, "allow")["hourly"] < first["hourly"]
    assert limits(basis, "allow") is first


def test_limits_of_those_bound_to_others_are_shared_until_one_of_them_sends() -> None:
    basis = Basis(POLICY, None, {"policy": 1})
    quiet, claiming, busy = BOUND
    first = limits(basis, "allow", usage=quiet)
    assert limits(basis, "allow", usage=replace(quiet, cluster="clu_2", size=9)) is first
    assert limits(basis, "allow", usage=claiming) is not first
    assert limits(basis, "allow", usage=busy) is not first
    assert limits(basis, "allow") is not first
