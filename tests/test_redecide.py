"""How far deciding again may move a tier: a table, and that it never loosens past what policy permits."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskapi.decide import Decision
from riskapi.instants import rfc3339
from riskapi.listed import Listed
from riskapi.policy import DEFAULT, Policy, load
from riskapi.redecide import Past, moved
from riskapi.sections import SEVERITY
from tests.conftest import NOW

POLICY = load(DEFAULT)
DAY = 86400.0


def under(**rescoring: Any) -> Policy:
    return POLICY.model_copy(update={"rescoring": POLICY.rescoring.model_copy(update=rescoring)})


def decision(tier: Any, source: Any = "model", listing: Listed | None = None) -> Decision:
    return Decision(tier, 1.0, source, None, (), (), (), None, 0.01, None, False, False, listing)


def entry(to: str, before: str | None = None, source: str = "model", cause: str | None = None) -> dict[str, Any]:
    return {"at": rfc3339(NOW - 5 * DAY), "from": before, "to": to, "source": source, "cause": cause}


def label(days: float, source: str = "manual_review") -> dict[str, Any]:
    return {"at": rfc3339(NOW - days * DAY), "label": "legitimate", "source": source}


FIRST = entry("allow")
#: A reviewer's decision, and that it was undone.
UNDONE = (
    {**entry("allow", "limit", "reviewer"), "decision_id": "d_1"},
    {**entry("limit", "allow", "reviewer"), "undoes": "d_1"},
)
DENY, ALLOW, WATCH = (Listed(name, "user", "lst_1") for name in ("deny", "allow", "watch"))

#: What it was, what was decided now, and what becomes of it.
MOVES: dict[str, tuple[Past, Decision, str]] = {
    "it tightens": (Past("allow", [FIRST], []), decision("review"), "review"),
    "it tightens twice": (Past("review", [entry("review")], []), decision("limit", "rule"), "limit"),
    "the same stays": (Past("review", [entry("review")], []), decision("review"), "review"),
    "it never loosens by itself": (Past("limit", [entry("limit")], []), decision("allow"), "limit"),
    "nor what an answer of DNS tightened": (
        Past("review", [FIRST, entry("review", "allow", "rule", "finding.mail_domain")], []),
        decision("allow"),
        "review",
    ),
    "what a linked account tightened is taken back": (
        Past("limit", [FIRST, entry("limit", "allow", "rule", "linkage")], []),
        decision("allow"),
        "allow",
    ),
    "but no further than it was before": (
        Past("limit", [entry("review"), entry("limit", "review", "rule", "linkage")], []),
        decision("allow"),
        "review",
    ),
    "and no further than is decided now": (
        Past("limit", [FIRST, entry("limit", "allow", "rule", "linkage")], []),
        decision("review"),
        "review",
    ),
    "what a list entry tightened is taken back": (
        Past("limit", [FIRST, entry("limit", "allow", "list", "list")], []),
        decision("allow"),
        "allow",
    ),
    "what a list entry decided at the signup is taken back": (
        Past("limit", [entry("limit", None, "list")], []),
        decision("allow"),
        "allow",
    ),
    "what was decided while something was away is taken back": (
        Past("review", [entry("review", None, "outage")], []),
        decision("allow"),
        "allow",
    ),
    "a reviewer's allow holds against the model": (Past("allow", [FIRST], [label(3)]), decision("limit"), "allow"),
    "for as long as policy says": (Past("allow", [FIRST], [label(31)]), decision("limit"), "limit"),
    "labels from elsewhere are nobody's word": (
        Past("allow", [FIRST], [label(3, "external")]),
        decision("limit"),
        "limit",
    ),
    "a reviewer's word for the cluster counts as well": (
        Past("allow", [entry("allow", "review", "reviewer")], []),
        decision("limit"),
        "allow",
    ),
    "what a person confirmed since is not taken back": (
        Past("limit", [FIRST, entry("limit", "allow", "rule", "linkage")], [label(1)]),
        decision("allow"),
        "limit",
    ),
    "what came after a person's word is": (
        Past("limit", [FIRST, entry("limit", "allow", "list", "list")], [label(100)]),
        decision("allow"),
        "allow",
    ),
    "a reviewer's limit stays": (
        Past("limit", [FIRST, entry("limit", "allow", "reviewer")], [label(5)]),
        decision("allow"),
        "limit",
    ),
    "a deny entry counts all the same": (
        Past("allow", [FIRST], [label(3)]),
        decision("limit", "list", DENY),
        "limit",
    ),
    "an allow entry loosens": (Past("limit", [entry("limit")], []), decision("allow", "list", ALLOW), "allow"),
    "but not what a person said of this account": (
        Past("limit", [entry("limit", "allow", "reviewer")], []),
        decision("allow", "list", ALLOW),
        "limit",
    ),
    "a watch entry asks for a review": (Past("allow", [FIRST], []), decision("review", "list", WATCH), "review"),
    "and loosens nothing": (Past("limit", [entry("limit")], []), decision("review", "list", WATCH), "limit"),
    "a reviewer's limit that was undone does not": (
        Past(
            "limit",
            [FIRST, entry("limit", "allow", "rule", "linkage"), *UNDONE],
            [{**label(5), "label": "abuse", "decision_id": "d_1"}, {**label(4), "label": "unknown", "undoes": "d_1"}],
        ),
        decision("allow"),
        "allow",
    ),
    "nor a reviewer's allow hold that was undone": (
        Past("allow", [FIRST], [{**label(3), "decision_id": "d_1"}, {**label(2), "label": "unknown", "undoes": "d_1"}]),
        decision("limit"),
        "limit",
    ),
    "but another one does": (
        Past("allow", [FIRST, *UNDONE], [label(3)]),
        decision("limit"),
        "allow",
    ),
    "what feedback tightened stays": (
        Past("limit", [FIRST, entry("limit", "allow", "feedback", "linkage")], []),
        decision("allow"),
        "limit",
    ),
}


@pytest.mark.parametrize(("past", "found", "expected"), MOVES.values(), ids=MOVES)
def test_a_move(past: Past, found: Decision, expected: str) -> None:
    assert moved(past, found, POLICY, NOW) == expected


def test_policy_says_how_far_it_may_loosen() -> None:
    past = Past("limit", [entry("limit")], [])
    assert moved(past, decision("allow"), under(loosest="review"), NOW) == "review"
    assert moved(past, decision("allow"), under(loosest="allow"), NOW) == "allow"
    linked = Past("limit", [FIRST, entry("limit", "allow", "rule", "linkage")], [])
    assert moved(linked, decision("allow"), under(undo=()), NOW) == "limit"


TIERS = st.sampled_from(["allow", "review", "limit"])


@given(
    before=TIERS,
    wanted=TIERS,
    first=TIERS,
    source=st.sampled_from(["model", "rule", "reviewer", "feedback"]),
    cause=st.sampled_from([None, "finding.mail_domain", "event.login", "schedule"]),
    loosest=TIERS,
)
def test_without_a_list_or_a_link_it_never_comes_below_the_loosest(
    before: Any, wanted: Any, first: Any, source: Any, cause: Any, loosest: Any
) -> None:
    past = Past(before, [entry(first), entry(before, first, source, cause)], [])
    after = moved(past, decision(wanted), under(loosest=loosest), NOW)
    assert SEVERITY[after] >= min(SEVERITY[before], SEVERITY[loosest])
    assert SEVERITY[after] <= max(SEVERITY[before], SEVERITY[wanted])
