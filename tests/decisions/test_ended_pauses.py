"""A reviewer's `allow` ends a pause, and undoing it brings the pause back, as long as it would still last."""

from __future__ import annotations

from typing import Any

import pytest

from riskapi.accounts.pauses import Pause
from riskapi.app import Service
from riskapi.errors import Problem
from riskapi.webhooks.notices import notice
from tests import streams
from tests.conftest import NOW
from tests.grants import ask, view
from tests.reviewing import decide, opened, undo

HOUR = 3600.0


def paused(service: Service, user: str, *, ends: float | None = None, at: float = NOW, reason: str = "trap") -> None:
    service.parts.consequences._pauses.set(user, Pause("feedback", reason, None, at, ends), service.active.policy)


def shown(service: Service, at: float, user: str = "u_1") -> Any:
    """The pause of an account as its page shows it, and as the next grant feels it."""
    found, grant = view(service, user, at), ask(service, user, 1, at)
    assert found["paused"] == (grant["denied_by"] == "paused")
    return found["pause"]


def test_it_is_back_as_it_was(service: Service) -> None:
    review = opened(service)
    paused(service, "u_1", ends=NOW + HOUR)
    before = shown(service, NOW + 10)
    decide(service, review, "allow", "legitimate", now=NOW + 20)
    assert shown(service, NOW + 30) is None
    written = len(streams.entries(service.store))
    undo(service, review, now=NOW + 40)
    assert shown(service, NOW + 50) == before
    told = [made for entry in streams.entries(service.store) if (made := notice(entry)) is not None]
    again = [made for made in told if made.type == "account.paused"]
    assert written and len(again) == 2 and again[0].data == again[1].data


def test_one_that_is_over_by_then_is_not(service: Service) -> None:
    review = opened(service)
    paused(service, "u_1", ends=NOW + HOUR)
    decide(service, review, "allow", "legitimate", now=NOW + 20)
    undo(service, review, now=NOW + 2 * HOUR)
    assert shown(service, NOW + 2 * HOUR + 1) is None


def test_a_decision_to_limit_leaves_it_and_its_undoing_too(service: Service) -> None:
    review = opened(service)
    paused(service, "u_1")
    before = shown(service, NOW + 10)
    decide(service, review, "limit", "abuse", now=NOW + 20)
    assert shown(service, NOW + 30) == before
    undo(service, review, now=NOW + 40)
    assert shown(service, NOW + 50) == before


def test_one_that_began_since_stands(service: Service) -> None:
    review = opened(service)
    paused(service, "u_1", reason="old")
    decide(service, review, "allow", "legitimate", now=NOW + 20)
    paused(service, "u_1", at=NOW + 30, reason="new")
    undo(service, review, now=NOW + 40)
    assert shown(service, NOW + 50)["reason"] == "new"


def test_all_accounts_of_a_cluster_get_theirs_back(service: Service) -> None:
    ring: dict[str, Any] = {"device": {"ip_address": "203.0.113.9", "id": "dev-ring"}}
    review, _ = [opened(service, user, **ring) for user in ("u_1", "u_2")]
    for user in ("u_1", "u_2"):
        paused(service, user)
    decide(service, review, "allow", "legitimate", "cluster", now=NOW + 20)
    assert [shown(service, NOW + 30, user) for user in ("u_1", "u_2")] == [None, None]
    undo(service, review, now=NOW + 40)
    assert all(shown(service, NOW + 50, user) for user in ("u_1", "u_2"))


@pytest.mark.parametrize("first", [0, 1])
def test_of_two_decisions_the_last_to_be_undone_brings_it_back(service: Service, first: int) -> None:
    """The review of another account of the cluster decided this one after its own was."""
    ring: dict[str, Any] = {"device": {"ip_address": "203.0.113.9", "id": "dev-ring"}}
    reviews = [opened(service, user, **ring) for user in ("u_1", "u_2")]
    paused(service, "u_1")
    decide(service, reviews[0], "allow", "legitimate", now=NOW + 20)
    decide(service, reviews[1], "allow", "legitimate", "cluster", now=NOW + 30)
    undo(service, reviews[first], now=NOW + 40)
    assert shown(service, NOW + 41) is None
    undo(service, reviews[1 - first], now=NOW + 50)
    assert shown(service, NOW + 60)["reason"] == "trap"
    with pytest.raises(Problem):
        undo(service, reviews[0], now=NOW + 70)
