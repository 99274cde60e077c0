"""A recorded decision that is decided again: under the policy of its own mode, whichever mode is on by then."""

from __future__ import annotations

from typing import Any

import pytest

from riskapi.app import Service
from riskapi.decisions.decide import Decision
from riskapi.decisions.recorded_decisions import decided_again
from riskapi.policy.active import Basis
from tests.conftest import NOW
from tests.signups import body, post
from tests.small_policy import good, rule

#: One rule is tried out, about every signup of the tests; in attack mode it decides.
RULES = good(
    model={"mode": "off", "prior": 0.02},
    rules=[rule("tried", "limit", mode="shadow", email_is_valid={"eq": True})],
    attack={"review": 15, "limit": 60, "rules": ["tried"]},
)
PLAIN, ATTACKED = ["LIST_ALLOW"], ["LIST_ALLOW", "TRIED"]


@pytest.fixture
def modes(service: Service) -> tuple[Basis, Basis]:
    """What decides as usual, and in attack mode."""
    usual = service.active.basis.under(RULES)
    return usual, usual.attacked("2026-11-22T11:00:00.000Z")


@pytest.fixture
def welcome(service: Service) -> Any:
    """``welcome("u_1")`` signs up somebody whom a list allows whatever rules say: reasons are given when asked for."""

    def welcomed(user: str) -> dict[str, Any]:
        lists = service.parts.lists
        draft = lists.draft(
            "allow", "user", user, expires_at=None, reason=None, author="ana", silences_feedback=False, now=NOW
        )
        lists.put(draft, NOW)
        return post(service, body(user))

    return welcomed


def explained(service: Service, user: str) -> list[str]:
    """The reasons that an account gives for its decision when somebody looks at it."""
    return [reason["code"] for reason in service.parts.profiles.view(user, NOW)["latest"]["reasons"]]


def test_an_account_is_explained_by_the_policy_of_the_mode_it_was_decided_in(
    service: Service, modes: tuple[Basis, Basis], welcome: Any
) -> None:
    usual, attacked = modes
    service.active.use(usual)
    assert (welcome("before")["decision"], explained(service, "before")) == ("allow", PLAIN)
    service.active.use(attacked)
    during = welcome("during")
    assert (during["decision"], during["versions"]["attack"]) == ("allow", "2026-11-22T11:00:00.000Z")
    for basis in (attacked, usual):
        service.active.use(basis)
        told = {user: explained(service, user) for user in ("before", "during")}
        assert told == {"before": PLAIN, "during": ATTACKED}, "whichever mode is on by now"


def test_a_store_that_was_emptied_meanwhile_keeps_nothing_from_being_explained(service: Service, welcome: Any) -> None:
    service.store.execute("FLUSHALL")  # the names of readings went with it
    welcome("after")
    assert explained(service, "after") == PLAIN


def test_it_is_decided_as_it_was_whichever_mode_is_on(service: Service, modes: tuple[Basis, Basis]) -> None:
    for basis, user in zip(modes, ("before", "during"), strict=True):
        service.active.use(basis)
        post(service, body(user))
    recorded = {each["user_id"]: each for each in service.decisions.export()}

    def again(user: str, basis: Basis) -> Decision:
        return decided_again(recorded[user], recorded[user]["readings"], basis)

    for basis in modes:
        assert (again("before", basis).tier, again("before", basis).fired) == ("allow", ())
        assert (again("during", basis).tier, again("during", basis).fired) == ("limit", ("tried",))


def test_the_policy_outside_attack_mode_is_the_one_it_was_made_of(modes: tuple[Basis, Basis]) -> None:
    usual, attacked = modes
    assert usual.plain is attacked.plain is attacked.attacked("2026-11-22T12:00:00.000Z").plain is RULES
    assert attacked.under(RULES.attacked).plain is RULES.attacked, "another policy, and no mode"
