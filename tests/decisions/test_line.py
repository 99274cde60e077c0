"""The pure line, and what others bring to it: a table of who is spared what, and what a person should look at."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import signals
from model.scorer import Explanation, Score, Scorer, sigmoid
from riskapi.decisions.decide import decide
from riskapi.decisions.influence import blameless, fair
from riskapi.decisions.line import decided_on
from riskapi.lists.matching import Listed
from riskapi.policy.active import Basis
from riskapi.policy.tables import SEVERITY
from signals.facts import Account, Cluster, Email, Entity, Facts
from signals.registry import Readings
from tests.conftest import NOW
from tests.small_policy import made, rule

#: An abuser's number limits, one in the cluster asks for a look, and so does a crowd; a broken address is its own.
POLICY = made(
    rule("abuser", "limit", links_phone_abusive={"ge": 1}),
    rule("company", "review", links_cluster_abusive={"ge": 1}),
    rule("crowd", "review", velocity_phone_30d={"ge": 5}),
    rule("reused", "review", velocity_phone_earlier={"ge": 3}),
    rule("near", "review", links_ip_abusive={"ge": 1}),
    rule("broken", "limit", email_is_valid={"eq": False}),
    rule("odd", "review", email_local_length={"le": 1}),
    mode="off",
)
BASIS = Basis(POLICY, None, {})
PLAIN = Entity("phone", 1, 1, 2, 2, 0, 0, False, weight=1.0, strength="strong", others=("a",))
FACTS = Facts(
    at=NOW, account=Account(), email=Email("ana@ruiz.example", valid=True, local="ana"), entities={"phone": PLAIN},
    cluster=Cluster(2, 0),
)  # fmt: skip


def phone(**changes: Any) -> Facts:
    return replace(FACTS, entities={"phone": replace(PLAIN, **changes)})


BAD = phone(abusive=1)
COMPANY = replace(FACTS, cluster=Cluster(2, 1))
CROWD = phone(accounts_30d=5)
REUSED = phone(earlier=3)


def place(accounts: int, abusive: int) -> Facts:
    found = Entity("ip", 1, 1, accounts, accounts, abusive, 0, False, weight=0.1, strength="weak", others=("a",))
    return replace(FACTS, entities={"ip": found})


BROKEN = replace(FACTS, email=Email("ana@", valid=False))
ODD = replace(FACTS, email=Email("a@ruiz.example", valid=True, local="a"))
DENY = Listed("deny", "user", "lst_1")

ANYBODY, ESTABLISHED, CLEARED = {}, {"established": True}, {"cleared": True}  # type: ignore[var-annotated]
#: Facts, who it is, then the tier, the tier by its own evidence, and whether a person should look.
LINES: dict[str, tuple[Facts, dict[str, bool], tuple[str, str, bool]]] = {
    "nothing": (FACTS, ANYBODY, ("allow", "allow", False)),
    "bad company": (BAD, ANYBODY, ("limit", "allow", False)),
    "one of those who share its budget": (COMPANY, ANYBODY, ("review", "allow", False)),
    "a crowd is its own": (CROWD, ANYBODY, ("review", "review", False)),
    "who came before is company": (REUSED, ANYBODY, ("review", "allow", False)),
    "two bad ones at a place": (place(9, 2), ANYBODY, ("allow", "allow", False)),
    "three": (place(9, 3), ANYBODY, ("review", "allow", False)),
    "three of a hundred": (place(100, 3), ANYBODY, ("allow", "allow", False)),
    "its own": (BROKEN, ANYBODY, ("limit", "limit", False)),
    "its own, and company": (replace(BAD, email=BROKEN.email), ANYBODY, ("limit", "limit", False)),
    "odd, and in bad company": (replace(BAD, email=ODD.email), ANYBODY, ("limit", "review", False)),
    "established": (FACTS, ESTABLISHED, ("allow", "allow", False)),
    "established, in bad company": (BAD, ESTABLISHED, ("allow", "allow", True)),
    "established, and shares a budget": (COMPANY, ESTABLISHED, ("allow", "allow", True)),
    "established, in a crowd": (CROWD, ESTABLISHED, ("allow", "allow", False)),
    "established, and its own": (BROKEN, ESTABLISHED, ("limit", "limit", False)),
    "established and odd, in bad company": (replace(BAD, email=ODD.email), ESTABLISHED, ("review", "review", True)),
    "established and odd, in a crowd": (replace(CROWD, email=ODD.email), ESTABLISHED, ("review", "review", False)),
    "established, and others came before": (REUSED, ESTABLISHED, ("allow", "allow", False)),
    "established, at a bad place": (place(9, 9), ESTABLISHED, ("allow", "allow", False)),
    "cleared": (FACTS, CLEARED, ("allow", "allow", False)),
    "cleared, in bad company": (BAD, CLEARED, ("allow", "allow", False)),
    "cleared, and shares a budget": (COMPANY, CLEARED, ("allow", "allow", False)),
    "cleared, in a crowd": (CROWD, CLEARED, ("review", "review", False)),
    "cleared, and others came before": (REUSED, CLEARED, ("allow", "allow", False)),
    "cleared, in a bad crowd": (replace(phone(abusive=1, accounts_30d=5)), CLEARED, ("review", "review", False)),
    "cleared, and its own": (BROKEN, CLEARED, ("limit", "limit", False)),
    "both": (BAD, {**ESTABLISHED, **CLEARED}, ("allow", "allow", True)),
}


@pytest.mark.parametrize(("facts", "who", "expected"), LINES.values(), ids=LINES)
def test_a_line(facts: Facts, who: dict[str, bool], expected: tuple[str, str, bool]) -> None:
    found = decided_on(BASIS, facts, None, **who)
    assert (found.decision.tier, found.own, found.look) == expected


@pytest.mark.parametrize("who", [ANYBODY, ESTABLISHED, CLEARED], ids=["anybody", "established", "cleared"])
@pytest.mark.parametrize("facts", [FACTS, BAD], ids=["alone", "in bad company"])
def test_an_entry_of_a_list_is_nobody_s_evidence_and_spares_nobody(facts: Facts, who: dict[str, bool]) -> None:
    found = decided_on(BASIS, facts, DENY, **who)
    assert (found.decision.tier, found.decision.source, found.own) == ("limit", "list", "allow")
    assert found.look is (facts is BAD and who is ESTABLISHED)


def test_readings_are_those_of_what_was_judged() -> None:
    assert decided_on(BASIS, BAD).readings["links_phone_abusive"] == 1
    spared = decided_on(BASIS, BAD, established=True)
    assert (spared.readings["links_phone_abusive"], spared.readings["velocity_phone_30d"]) == (0, 1)
    assert spared.facts.entities is not None and spared.facts.entities["phone"].others == ()
    assert spared.company is not None and spared.company.rule == "abuser", "what a person is to look at"


#: What a stand-in for a model scored, which nobody reads.
NO_ROW = np.zeros(0)


class Wary(Scorer):
    """A model that thinks the worst of whoever shares a number with somebody limited."""

    def __init__(self) -> None:
        self.version, self.bias = "2026-11-20.wary", -4.0

    def score(self, readings: Readings) -> Score:
        log_odds = 4.0 if readings["links_phone_limited"] else -4.0
        return Score(log_odds, log_odds, sigmoid(log_odds), NO_ROW)

    def explain(self, score: Score) -> Explanation:
        return Explanation((), (), self.bias, ())


@pytest.mark.parametrize(
    ("who", "abusive", "expected"),
    [
        (ANYBODY, 0, ("limit", "allow", False)),
        (ESTABLISHED, 0, ("allow", "allow", False)),
        (ESTABLISHED, 1, ("allow", "allow", True)),
        (CLEARED, 0, ("allow", "allow", False)),
    ],
    ids=["anybody", "established", "established, and one was found abusive", "cleared"],
)
def test_the_model_is_held_to_the_same(who: dict[str, bool], abusive: int, expected: tuple[str, str, bool]) -> None:
    basis = Basis(POLICY.with_model_mode("live"), Wary(), {})
    found = decided_on(basis, phone(limited=1, abusive=abusive), None, **who)
    assert (found.decision.tier, found.own, found.look) == expected


@pytest.mark.parametrize("scorer", [Wary(), None], ids=["with a model", "without the model that should be live"])
@pytest.mark.parametrize("facts", [*[line[0] for line in LINES.values()], phone(limited=1)])
def test_own_evidence_is_the_whole_decision_without_others(facts: Facts, scorer: Scorer | None) -> None:
    basis = Basis(POLICY.with_model_mode("live"), scorer, {})
    found = decided_on(basis, facts)
    without = decide(signals.read(blameless(fair(facts))), scorer, basis.policy).before
    assert found.own == min(found.decision.before, without, key=SEVERITY.__getitem__)


def test_nobody_came_before_a_blameless_account_and_what_is_not_known_any_more_reads_as_unknown() -> None:
    found = BAD.entities or {}
    earlier = replace(BAD, entities={kind: replace(each, earlier=2) for kind, each in found.items()})
    assert {each.earlier for each in (blameless(earlier).entities or {}).values()} == {0}
    away = replace(BAD, entities=None, reputation=None, wave=None, cluster=None)
    assert signals.read_again(away, signals.read(BAD)) == signals.read(away)
