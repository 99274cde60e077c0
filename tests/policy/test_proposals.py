"""Four eyes: what loosens waits for a second person, where the policy in force asks for one."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from riskapi.errors import Problem
from riskapi.policy.active import Basis
from riskapi.policy.proposals import Proposals, StoredProposal
from riskapi.policy.publisher import Publisher
from riskapi.policy.versions import Policies, Version
from riskapi.store.connections import Store
from tests.conftest import NOW
from tests.publications import WHY, anything
from tests.signups import together
from tests.small_policy import good

FILE = good(version=7, model={"mode": "off"}, publishing={"loosening_needs_second": True, "proposal_hours": 2})


@pytest.fixture
def proposals(store: Store) -> Proposals:
    def load() -> Any:
        raise AssertionError("no model is wanted")

    policies = Policies(store, FILE)
    publisher = Publisher(policies, Basis(FILE, None, {"policy": 7, "model": None}), None, load)
    return Proposals(store, policies, publisher)


def daily(more: int, **tables: Any) -> dict[str, Any]:
    """The policy of the file with other caps a day in review."""
    found = good(version=1, model={"mode": "off"}, publishing={"loosening_needs_second": True, "proposal_hours": 2})
    content = found.model_dump(mode="json")
    content["tiers"]["review"]["daily"] += more
    return {**content, **tables}


def waits(proposals: Proposals, given: dict[str, Any]) -> StoredProposal:
    found = proposals.submit(given, WHY, anything)
    assert isinstance(found, StoredProposal)
    return found


def test_what_loosens_waits_and_what_tightens_does_not(proposals: Proposals) -> None:
    found = waits(proposals, daily(1))
    assert [each["key"] for each in found.changes] == ["tiers.review.daily"] and len(found.loosens) == 1
    assert (found.base, found.until) == (7, "2026-11-22T12:00:00.000Z")
    assert proposals.waiting(NOW) == [found]
    made = proposals.submit(daily(-1), WHY, anything)
    assert isinstance(made, Version) and made.version == 8


def test_a_second_person_puts_it_into_force_once(proposals: Proposals) -> None:
    found = waits(proposals, daily(1))
    with pytest.raises(Problem) as caught:
        proposals.approve(found.id, "ana", NOW)
    assert caught.value.code == "same_person"
    answers = together(4, lambda _: proposals.approve(found.id, "sam", NOW + 60))
    (made,) = (each for each in answers if isinstance(each, Version))
    assert (made.version, made.author, made.approved_by, made.at) == (8, "ana", "sam", "2026-11-22T10:01:00.000Z")
    assert {each.code for each in answers if isinstance(each, Problem)} <= {"not_found", "precondition_failed"}
    assert not proposals.waiting(NOW)


def test_what_was_withdrawn_is_not_published(proposals: Proposals, monkeypatch: pytest.MonkeyPatch) -> None:
    found, publish = waits(proposals, daily(1)), proposals._publisher.publish
    withdrawn: list[StoredProposal | Problem] = []

    def late(*given: Any) -> Version:
        withdrawn.extend(together(1, lambda _: proposals.withdraw(found.id, NOW)))
        return publish(*given)

    monkeypatch.setattr(proposals._publisher, "publish", late)
    assert proposals.approve(found.id, "sam", NOW).version == 8
    (refused,) = withdrawn
    assert isinstance(refused, Problem) and refused.code == "precondition_failed"
    with pytest.raises(Problem) as caught:
        proposals.withdraw(found.id, NOW)
    assert caught.value.code == "not_found"


def test_one_that_could_not_be_approved_can_be_withdrawn_at_once(proposals: Proposals) -> None:
    found = waits(proposals, daily(1))
    with pytest.raises(Problem):
        proposals.approve(found.id, "ana", NOW)
    assert proposals.withdraw(found.id, NOW) == found and not proposals.waiting(NOW)


def test_one_made_from_a_version_that_is_gone_is_not_approved(proposals: Proposals) -> None:
    found = waits(proposals, daily(1))
    proposals.submit(daily(-1), WHY, anything)
    with pytest.raises(Problem) as caught:
        proposals.approve(found.id, "sam", NOW)
    assert caught.value.code == "precondition_failed"


def test_going_back_to_something_looser_waits_too(proposals: Proposals) -> None:
    proposals.submit(daily(-1), WHY, anything)
    found = proposals.restore(7, WHY)
    assert isinstance(found, StoredProposal) and found.restores == 7
    assert proposals.approve(found.id, "sam", NOW).restores == 7


def test_one_that_is_over_or_withdrawn_is_gone(proposals: Proposals) -> None:
    first, second = waits(proposals, daily(1)), waits(proposals, daily(2))
    assert proposals.withdraw(first.id, NOW) == first
    for id, now in ((first.id, NOW), (second.id, NOW + 7200), ("prp_x", NOW)):
        for decide in (partial(proposals.approve, id, "sam"), partial(proposals.withdraw, id)):
            with pytest.raises(Problem, match="No proposal"):
                decide(now)
    assert not proposals.waiting(NOW + 7200)


def test_the_key_that_asks_for_it_cannot_be_turned_off_alone(proposals: Proposals) -> None:
    given = daily(-1, publishing={"loosening_needs_second": False, "proposal_hours": 2})
    assert waits(proposals, given).loosens == ["publishing.loosening_needs_second is switched off"]


def test_who_is_late_is_told_so_and_nothing_waits(proposals: Proposals) -> None:
    with pytest.raises(Problem) as caught:
        proposals.submit(daily(1), replace(WHY, author="sam"), lambda number: number == 6)
    assert caught.value.code == "precondition_failed" and not proposals.waiting(NOW)
