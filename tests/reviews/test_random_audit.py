"""The random audit: who is drawn, that the review says nothing of it, and what is found."""

from __future__ import annotations

import pytest

from riskapi.app import Service
from riskapi.policy.active import ActiveBasis
from riskapi.reviews.random_audit import RandomAudit
from tests.conftest import NOW, Clock
from tests.reviewing import decide
from tests.signups import body, post
from tests.working import Work


def audits(service: Service, share: float) -> RandomAudit:
    """The audit with this share."""
    basis = service.active.basis
    policy = basis.policy.model_copy(update={"reviews": basis.policy.reviews.model_copy(update={"audit_share": share})})
    return RandomAudit(service.store, service.accounts, ActiveBasis(basis.under(policy)))


@pytest.mark.parametrize(("share", "least", "most"), [(0.0, 0, 0), (0.01, 60, 140), (0.1, 850, 1150)])
def test_chance_draws_the_share_and_the_same_again(service: Service, share: float, least: int, most: int) -> None:
    drawn = audits(service, share)
    found = [name for name in map(str, range(10_000)) if drawn.is_drawn(name)]
    assert least <= len(found) <= most
    assert found == [name for name in map(str, range(10_000)) if drawn.is_drawn(name)]


def test_reviews_of_it_look_like_others_and_measure_what_is_missed(service: Service) -> None:
    drawn = audits(service, 0.1)
    for number in range(4):
        post(service, body(f"u_{number}"))
        reasons = service.parts.profiles.view(f"u_{number}", NOW)["latest"]["reasons"]
        for _ in range(2):  # an entry may be read twice
            drawn.open(f"u_{number}", f"dec_{number}", 3.0, reasons, NOW)
    found = service.parts.reviews.list("open", 10, None)["reviews"]
    assert len(found) == 4 and "audit" not in repr(found).casefold()
    before = drawn.found()
    assert (before.drawn, before.decided, before.low, before.high) == (4, 0, None, None)
    for number, review in enumerate(found[:3]):
        decide(service, review["id"], "limit" if number == 0 else "allow", "unknown")
    after = drawn.found()
    assert (after.drawn, after.decided, after.limited) == (4, 3, 1)
    # Wilson's interval of 1 of 3 (Wilson 1927): 6.1 % to 79.2 %.
    assert (round(after.low or 0, 3), round(after.high or 0, 3)) == (0.061, 0.792)


def test_the_worker_opens_them_for_allowed_signups_alone(
    service: Service, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RandomAudit, "is_drawn", lambda self, decision_id: True)
    post(service, body("good"))
    post(service, body("bad", email={"address": "bad@mailinator.com"}))
    Work(service, clock).do()
    found = {row["user_id"]: row for row in service.parts.reviews.list("open", 10, None)["reviews"]}
    assert found.keys() == {"good", "bad"} and len(service.store.execute("ZRANGE", "risk:audits", 0, -1)) == 1
    Work(service, clock).do()
    assert len(service.parts.reviews.list("open", 10, None)["reviews"]) == 2
