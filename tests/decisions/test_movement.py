"""How far deciding again may move a tier: a table, and that it never loosens past what policy permits."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskapi.accounts.stored import KeptDecisions
from riskapi.decisions.decide import Decision
from riskapi.decisions.line import Decided
from riskapi.decisions.movement import Move, Past, cause_of, first_cause, moved
from riskapi.lists.matching import Listed
from riskapi.policy import DEFAULT, Policy, load
from riskapi.policy.tables import SEVERITY
from riskapi.times import rfc3339
from signals.facts import Account, Email, Facts
from tests.conftest import NOW

POLICY = load(DEFAULT)
DAY = 86400.0
FACTS = Facts(at=NOW, account=Account(), email=Email(given="ana@ruiz.example", valid=True))


def under(**rescoring: Any) -> Policy:
    return POLICY.model_copy(update={"rescoring": POLICY.rescoring.model_copy(update=rescoring)})


def found(tier: Any, source: Any = "model", listing: Listed | None = None, own: Any = None) -> Decided:
    """What was decided now. ``own`` is the tier by the account's own evidence, the same unless told."""
    before: Any = (own or "allow") if source == "list" else tier
    decision = Decision(tier, 1.0, source, None, (), (), (), None, 0.01, None, False, False, listing, before)
    return Decided(FACTS, {}, decision, own or before)


def entry(
    to: str, before: str | None = None, source: str = "model", cause: str | None = None, days: float = 5
) -> dict[str, Any]:
    return {"at": rfc3339(NOW - days * DAY), "from": before, "to": to, "source": source, "cause": cause}


def label(days: float, source: str = "manual_review", name: str = "legitimate") -> dict[str, Any]:
    return {"at": rfc3339(NOW - days * DAY), "label": name, "source": source}


def taken_back(days: float) -> dict[str, Any]:
    return label(days, name="unknown")


FIRST = entry("allow", days=9)
BY_COMPANY = entry("limit", "allow", "rule", "linkage")
BY_LIST = entry("limit", "allow", "list", "list")
BY_PERSON = entry("limit", "allow", "reviewer")
#: A reviewer's decision, and that it was undone.
UNDONE = (
    {**entry("allow", "limit", "reviewer"), "decision_id": "d_1"},
    {**entry("limit", "allow", "reviewer"), "undoes": "d_1"},
)
DENY, ALLOW, WATCH = (Listed(name, "user", "lst_1") for name in ("deny", "allow", "watch"))

#: What it was (its tier, and by its own evidence), what was decided now, and what becomes of both.
MOVES: dict[str, tuple[Past, Decided, tuple[str, str]]] = {
    "it tightens": (Past("allow", "allow", [FIRST], []), found("review"), ("review", "review")),
    "it tightens twice": (
        Past("review", "review", [entry("review")], []),
        found("limit", "rule"),
        ("limit", "limit"),
    ),
    "the same stays": (Past("review", "review", [entry("review")], []), found("review"), ("review", "review")),
    "it never loosens by itself": (Past("limit", "limit", [entry("limit")], []), found("allow"), ("limit", "limit")),
    "nor what an answer of DNS tightened": (
        Past("review", "review", [FIRST, entry("review", "allow", "rule", "finding.mail_domain")], []),
        found("allow"),
        ("review", "review"),
    ),
    "company tightens, and is not kept as its own": (
        Past("allow", "allow", [FIRST], []),
        found("limit", "rule", own="allow"),
        ("limit", "allow"),
    ),
    "company stays as long as it is there": (
        Past("limit", "allow", [FIRST, BY_COMPANY], []),
        found("limit", "rule", own="allow"),
        ("limit", "allow"),
    ),
    "what a linked account tightened is taken back": (
        Past("limit", "allow", [FIRST, BY_COMPANY], []),
        found("allow"),
        ("allow", "allow"),
    ),
    "but no further than it was before": (
        Past("limit", "review", [entry("review"), entry("limit", "review", "rule", "linkage")], []),
        found("allow"),
        ("review", "review"),
    ),
    "and no further than is decided now": (
        Past("limit", "allow", [FIRST, BY_COMPANY], []),
        found("review"),
        ("review", "review"),
    ),
    "company that got better is felt less": (
        Past("limit", "allow", [FIRST, BY_COMPANY], []),
        found("review", "rule", own="allow"),
        ("review", "allow"),
    ),
    "what it did meanwhile stays when the company goes": (
        Past("limit", "review", [FIRST, entry("limit", "allow", "rule", "linkage")], []),
        found("allow"),
        ("review", "review"),
    ),
    "who signed up in bad company is free of it, too": (
        Past("limit", "allow", [entry("limit", None, "rule", "linkage")], []),
        found("allow"),
        ("allow", "allow"),
    ),
    "what a list entry tightened is taken back": (
        Past("limit", "allow", [FIRST, BY_LIST], []),
        found("allow"),
        ("allow", "allow"),
    ),
    "what a list entry decided at the signup is taken back": (
        Past("limit", "allow", [entry("limit", None, "list")], []),
        found("allow"),
        ("allow", "allow"),
    ),
    "what was decided while something was away is taken back": (
        Past("review", "review", [entry("review", None, "outage")], []),
        found("allow"),
        ("allow", "allow"),
    ),
    "a reviewer's allow holds against the model": (
        Past("allow", "allow", [FIRST], [label(3)]),
        found("limit"),
        ("allow", "allow"),
    ),
    "and against company": (
        Past("allow", "allow", [FIRST], [label(3)]),
        found("limit", "rule", own="allow"),
        ("allow", "allow"),
    ),
    "for as long as policy says": (
        Past("allow", "allow", [FIRST], [label(31)]),
        found("limit"),
        ("limit", "limit"),
    ),
    "labels from elsewhere are nobody's word": (
        Past("allow", "allow", [FIRST], [label(3, "external")]),
        found("limit"),
        ("limit", "limit"),
    ),
    "a reviewer's word for the cluster counts as well": (
        Past("allow", "allow", [entry("allow", "review", "reviewer")], []),
        found("limit"),
        ("allow", "allow"),
    ),
    "what a person confirmed since is not taken back": (
        Past("limit", "limit", [FIRST, BY_COMPANY], [label(1, name="abuse")]),
        found("allow"),
        ("limit", "limit"),
    ),
    "what came after a person's word is": (
        Past("limit", "allow", [FIRST, BY_LIST], [label(100)]),
        found("allow"),
        ("allow", "allow"),
    ),
    "a reviewer's limit stays": (
        Past("limit", "limit", [FIRST, BY_PERSON], [label(5, name="abuse")]),
        found("allow"),
        ("limit", "limit"),
    ),
    "a label that is taken back lets go": (
        Past("limit", "limit", [FIRST, BY_PERSON], [label(5, name="abuse"), taken_back(1)]),
        found("allow"),
        ("allow", "allow"),
    ),
    "as far as is decided now": (
        Past("limit", "limit", [FIRST, BY_PERSON], [label(5, name="abuse"), taken_back(1)]),
        found("review", "rule", own="allow"),
        ("review", "allow"),
    ),
    "and holds nothing any more": (
        Past("allow", "allow", [FIRST, entry("allow", "review", "reviewer")], [label(3), taken_back(1)]),
        found("limit"),
        ("limit", "limit"),
    ),
    "a label that was given again holds again": (
        Past("limit", "limit", [FIRST, BY_PERSON], [taken_back(3), label(1, name="abuse")]),
        found("allow"),
        ("limit", "limit"),
    ),
    "what came by itself after a label was taken back stays": (
        Past("limit", "limit", [FIRST, entry("limit", "allow", days=1)], [label(5), taken_back(2)]),
        found("allow"),
        ("limit", "limit"),
    ),
    "labels that others took back are nobody's word": (
        Past("limit", "limit", [FIRST, BY_PERSON], [label(5, name="abuse"), label(1, "external", "unknown")]),
        found("allow"),
        ("limit", "limit"),
    ),
    "a deny entry counts all the same": (
        Past("allow", "allow", [FIRST], [label(3)]),
        found("limit", "list", DENY),
        ("limit", "allow"),
    ),
    "and is not kept as its own": (
        Past("allow", "allow", [FIRST], []),
        found("limit", "list", DENY, own="review"),
        ("limit", "review"),
    ),
    "an allow entry loosens": (
        Past("limit", "limit", [entry("limit")], []),
        found("allow", "list", ALLOW, own="limit"),
        ("allow", "limit"),
    ),
    "and lets go of it when it ends": (
        Past("allow", "limit", [entry("limit"), entry("allow", "limit", "list", days=4)], []),
        found("limit"),
        ("limit", "limit"),
    ),
    "but not what a person said of this account": (
        Past("limit", "limit", [entry("limit", "allow", "reviewer")], []),
        found("allow", "list", ALLOW),
        ("limit", "limit"),
    ),
    "a watch entry asks for a review": (
        Past("allow", "allow", [FIRST], []),
        found("review", "list", WATCH, own="allow"),
        ("review", "allow"),
    ),
    "and loosens nothing": (
        Past("limit", "limit", [entry("limit")], []),
        found("review", "list", WATCH, own="allow"),
        ("limit", "limit"),
    ),
    "a reviewer's limit that was undone does not": (
        Past(
            "limit",
            "allow",
            [FIRST, BY_COMPANY, *UNDONE],
            [{**label(5), "label": "abuse", "decision_id": "d_1"}, {**label(4), "label": "unknown", "undoes": "d_1"}],
        ),
        found("allow"),
        ("allow", "allow"),
    ),
    "nor a reviewer's allow hold that was undone": (
        Past(
            "allow",
            "allow",
            [FIRST],
            [{**label(3), "decision_id": "d_1"}, {**label(2), "label": "unknown", "undoes": "d_1"}],
        ),
        found("limit"),
        ("limit", "limit"),
    ),
    "nor one that was undone when the tier was another by then": (
        Past("limit", "allow", [FIRST, BY_COMPANY, UNDONE[0]], [], KeptDecisions(None, undone=frozenset(["d_1"]))),
        found("limit"),
        ("limit", "limit"),
    ),
    "a decision that left it in its tier stands against an allow entry": (
        Past("limit", "limit", [FIRST, entry("limit", "allow", "rule")], [], KeptDecisions("d_1")),
        found("allow", "list", ALLOW),
        ("limit", "limit"),
    ),
    "but another one does": (
        Past("allow", "allow", [FIRST, *UNDONE], [label(3)]),
        found("limit"),
        ("allow", "allow"),
    ),
    "what feedback tightened stays": (
        Past("limit", "limit", [FIRST, entry("limit", "allow", "feedback", "linkage")], []),
        found("allow"),
        ("limit", "limit"),
    ),
    "also against an allow entry": (
        Past("limit", "limit", [FIRST, entry("limit", "allow", "feedback")], []),
        found("allow", "list", ALLOW),
        ("limit", "limit"),
    ),
}


@pytest.mark.parametrize(("past", "decided", "expected"), MOVES.values(), ids=MOVES)
def test_a_move(past: Past, decided: Decided, expected: tuple[Any, Any]) -> None:
    assert moved(past, decided, POLICY, NOW, "schedule") == Move(*expected)


#: What was counted against an account turned out to be nothing of its own.
CUTS: dict[str, tuple[Past, Decided, tuple[str, str]]] = {
    "a decision that left it in its tier stands": (
        Past("limit", "limit", [FIRST, entry("limit", "allow", "rule")], [], KeptDecisions("d_1")),
        found("allow"),
        ("limit", "limit"),
    ),
    "it is judged afresh": (
        Past("limit", "limit", [entry("limit", None, "model")], []),
        found("allow"),
        ("allow", "allow"),
    ),
    "what is bad of it stays": (
        Past("limit", "limit", [entry("limit", None, "model")], []),
        found("review"),
        ("review", "review"),
    ),
    "company that is left is felt": (
        Past("limit", "limit", [FIRST, BY_COMPANY], []),
        found("review", "rule", own="allow"),
        ("review", "allow"),
    ),
    "a person's word stands": (
        Past("limit", "limit", [FIRST, BY_PERSON], [label(5, name="abuse")]),
        found("allow"),
        ("limit", "limit"),
    ),
    "what its mail met with stands": (
        Past("limit", "limit", [FIRST, entry("limit", "allow", "feedback")], []),
        found("allow"),
        ("limit", "limit"),
    ),
}


@pytest.mark.parametrize(("past", "decided", "expected"), CUTS.values(), ids=CUTS)
def test_after_a_cut(past: Past, decided: Decided, expected: tuple[Any, Any]) -> None:
    assert moved(past, decided, POLICY, NOW, "cut") == Move(*expected)


#: What DNS said of an account's domain is not believed any more.
RETRACTIONS: dict[str, tuple[Past, Decided, tuple[str, str]]] = {
    "what it tightened is taken back": (
        Past("review", "review", [FIRST, entry("review", "allow", "rule", "finding.mail_domain")], []),
        found("allow"),
        ("allow", "allow"),
    ),
    "so is what it made of a first decision": (
        Past("review", "review", [entry("review", None, "rule")], []),
        found("allow"),
        ("allow", "allow"),
    ),
    "what is bad of it stays": (
        Past("limit", "limit", [FIRST, entry("limit", "allow", "rule", "finding.mail_domain")], []),
        found("review"),
        ("review", "review"),
    ),
    "what it did stays": (
        Past("limit", "limit", [FIRST, entry("limit", "allow", "model", "event.login")], []),
        found("allow"),
        ("limit", "limit"),
    ),
    "a person's word stands": (
        Past("limit", "limit", [FIRST, BY_PERSON], [label(5, name="abuse")]),
        found("allow"),
        ("limit", "limit"),
    ),
    "what its mail met with stands": (
        Past("limit", "limit", [FIRST, entry("limit", "allow", "feedback")], []),
        found("allow"),
        ("limit", "limit"),
    ),
    "company is felt all the same": (
        Past("limit", "review", [FIRST, entry("review", "allow", "rule", "finding.mail_domain"), BY_COMPANY], []),
        found("limit", "rule", own="allow"),
        ("limit", "allow"),
    ),
    "also below company, what its mail met with stands": (
        Past("limit", "limit", [FIRST, entry("limit", "allow", "feedback"), BY_COMPANY], []),
        found("allow"),
        ("limit", "limit"),
    ),
    "what an outage gave is none of it": (
        Past("review", "review", [entry("review", None, "outage")], []),
        found("allow"),
        ("allow", "allow"),
    ),
}


@pytest.mark.parametrize(("past", "decided", "expected"), RETRACTIONS.values(), ids=RETRACTIONS)
def test_after_a_finding_was_taken_back(past: Past, decided: Decided, expected: tuple[Any, Any]) -> None:
    assert moved(past, decided, POLICY, NOW, "finding.retracted") == Move(*expected)


def test_policy_says_how_far_it_may_loosen() -> None:
    past = Past("limit", "limit", [entry("limit")], [])
    assert moved(past, found("allow"), under(loosest="review"), NOW, "schedule") == Move("review", "review")
    assert moved(past, found("allow"), under(loosest="allow"), NOW, "schedule") == Move("allow", "allow")


@pytest.mark.parametrize(
    ("brought", "decided"),
    [
        ("linkage", found("limit", "rule", own="allow")),
        ("list", found("review", "list", WATCH, own="allow")),
        ("list", found("limit", "list", DENY, own="allow")),
    ],
    ids=["company", "a watch entry", "a deny entry"],
)
def test_what_policy_does_not_undo_stays_whatever_becomes_of_its_cause(brought: Any, decided: Decided) -> None:
    past, tier = Past("allow", "allow", [FIRST], []), decided.decision.tier
    assert moved(past, decided, under(undo=(brought,)), NOW, "schedule") == Move(tier, "allow")
    others = {"linkage", "list"} - {brought}
    kept = moved(past, decided, under(undo=tuple(others)), NOW, "schedule")
    assert kept == Move(tier, tier)
    later = Past(kept.tier, kept.own, [FIRST, entry(tier, "allow", "rule", brought)], [])
    assert moved(later, found("allow"), under(undo=tuple(others)), NOW, "schedule") == Move(tier, tier)


@pytest.mark.parametrize(
    ("labels", "cleared"),
    [
        ([], False),
        ([label(1)], True),
        ([label(400)], True),
        ([label(3), label(1, name="abuse")], False),
        ([label(3, name="abuse"), label(1)], True),
        ([label(3), taken_back(1)], False),
        ([label(1, "external")], False),
        ([label(3), label(1, "external", "abuse")], True),
        ([label(2, "appeal")], True),
    ],
    ids=[
        "none", "legitimate", "legitimate for good", "abusive since", "abusive before", "taken back", "by a machine",
        "a machine said otherwise since", "on appeal",
    ],
)  # fmt: skip
def test_who_was_cleared(labels: list[dict[str, Any]], cleared: bool) -> None:
    """Bad company is never held against it again, see ``riskapi.decisions.line``."""
    assert Past("allow", "allow", [FIRST], labels).cleared is cleared


@pytest.mark.parametrize(
    ("decided", "cause"),
    [(found("review"), None), (found("limit", "rule", own="allow"), "linkage"), (found("limit", "list", DENY), None)],
    ids=["itself", "company", "a list"],
)
def test_what_brought_the_first_decision_about(decided: Decided, cause: str | None) -> None:
    assert first_cause(decided) == cause


@pytest.mark.parametrize(
    ("past", "decided", "tier", "cause"),
    [
        (Past("allow", "allow", [FIRST], []), found("limit", "rule", own="allow"), "limit", "linkage"),
        (Past("allow", "allow", [FIRST], []), found("limit", "list", DENY), "limit", "list"),
        (Past("allow", "allow", [FIRST], []), found("review"), "review", "event.login"),
        (Past("limit", "allow", [FIRST, BY_COMPANY], []), found("allow"), "allow", "linkage"),
        (Past("limit", "allow", [entry("limit", None, "list")], []), found("allow"), "allow", "list"),
    ],
    ids=["company", "a list", "what it did", "company that went", "a list entry that went"],
)
def test_what_changed_a_tier(past: Past, decided: Decided, tier: Any, cause: str) -> None:
    assert cause_of(past, decided, tier, "event.login", {}, {}) == cause


TIERS = st.sampled_from(["allow", "review", "limit"])


@given(
    before=TIERS,
    wanted=TIERS,
    company=TIERS,
    first=TIERS,
    source=st.sampled_from(["model", "rule", "reviewer", "feedback"]),
    cause=st.sampled_from([None, "finding.mail_domain", "event.login", "schedule", "linkage"]),
    loosest=TIERS,
)
def test_without_a_list_its_own_tier_never_comes_below_the_loosest(
    before: Any, wanted: Any, company: Any, first: Any, source: Any, cause: Any, loosest: Any
) -> None:
    tier = max(wanted, company, key=SEVERITY.__getitem__)
    past = Past(before, before, [entry(first), entry(before, first, source, cause)], [])
    after = moved(past, found(tier, own=wanted), under(loosest=loosest), NOW, "schedule")
    assert SEVERITY[after.own] >= min(SEVERITY[before], SEVERITY[loosest])
    assert SEVERITY[after.own] <= max(SEVERITY[before], SEVERITY[wanted])
    assert SEVERITY[after.own] <= SEVERITY[after.tier] <= max(SEVERITY[before], SEVERITY[tier])


@given(own=TIERS, wanted=TIERS, company=TIERS, times=st.integers(1, 3))
def test_taking_company_away_and_putting_it_back_leaves_an_account_as_it_was(
    own: Any, wanted: Any, company: Any, times: int
) -> None:
    tier = max(wanted, company, key=SEVERITY.__getitem__)
    past = Past(own, own, [entry(own)], [])
    first = after = moved(past, found(tier, own=wanted), POLICY, NOW, "linkage")
    for _ in range(times):
        for decided in (found(wanted), found(tier, own=wanted)):
            history = [entry(own), entry(after.tier, own, "rule", "linkage")]
            after = moved(Past(after.tier, after.own, history, []), decided, POLICY, NOW, "linkage")
    assert after == first
