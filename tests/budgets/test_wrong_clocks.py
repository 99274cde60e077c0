"""A clock that was wrong costs each window once at most, and grants nobody anything more than the caps."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from riskapi.app import Service
from riskapi.settings import Settings
from riskapi.store.clock import StoreClock
from riskapi.store.connections import Store
from tests.conftest import NOW, Clock
from tests.grants import ask, opened

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
MONTH, YEAR = 30 * DAY, 365 * DAY
#: By how much a clock is wrong.
WRONG = [2 * DAY, 20 * DAY, 40 * DAY, 2 * YEAR, 20 * YEAR]


@pytest.mark.parametrize("by", WRONG)
@pytest.mark.parametrize("clustered", [False, True])
def test_a_clock_that_ran_ahead_costs_a_window_at_most(service: Service, by: float, clustered: bool) -> None:
    user = opened(service, "u1", "device-1" if clustered else None)
    if clustered:
        opened(service, "u2", "device-1")
    assert ask(service, user, 200, NOW + by)["granted"] == 200  # the hour's cap
    assert ask(service, user, 1, NOW)["granted"] == 0  # it still counts
    assert ask(service, user, 200, NOW + HOUR + MINUTE)["granted"] == 200
    assert ask(service, user, 200, NOW + 2 * HOUR + 2 * MINUTE)["granted"] == 100  # the day's, of 500
    assert ask(service, user, 200, NOW + DAY + 15 * MINUTE)["granted"] == 200
    over = NOW + MONTH + 3 * DAY + (by if by < MONTH else 0)
    assert ask(service, user, 1, over)["remaining"]["monthly"] == 5000 - 1


def test_a_clock_that_ran_ahead_by_little_costs_a_second_hour_at_most(service: Service) -> None:
    user = opened(service, "u1")
    assert ask(service, user, 200, NOW + 2 * HOUR)["granted"] == 200
    assert ask(service, user, 1, NOW)["granted"] == 0
    ask(service, user, 1, NOW + 3 * HOUR)
    assert ask(service, user, 200, NOW + 4 * HOUR + 2 * MINUTE)["granted"] == 200


@pytest.mark.parametrize("by", [2 * HOUR, *WRONG])
def test_a_clock_that_ran_behind_gives_nothing_more(service: Service, by: float) -> None:
    user = opened(service, "u1")
    assert ask(service, user, 200, NOW)["granted"] == 200
    assert ask(service, user, 1, NOW - by)["granted"] == 0
    assert ask(service, user, 1, NOW - by + 10 * MINUTE)["granted"] == 0
    assert ask(service, user, 1, NOW + 20 * MINUTE)["granted"] == 0  # it is right again
    if by < MONTH:  # a month behind is noticed by people
        assert ask(service, user, 200, NOW + 20 * MINUTE + HOUR + MINUTE)["granted"] == 200


@pytest.mark.parametrize("ahead", [HOUR, 3 * HOUR, DAY])
def test_one_clock_ahead_and_another_far_behind_give_nothing_more(service: Service, ahead: float) -> None:
    user = opened(service, "u1")
    assert ask(service, user, 200, NOW)["granted"] == 200
    ask(service, user, 200, NOW + ahead)
    assert ask(service, user, 1, NOW - 2 * YEAR)["granted"] == 0
    assert ask(service, user, 1, NOW + MINUTE)["granted"] == 0


def test_what_was_granted_while_the_clock_was_behind_counts_once_it_is_right(service: Service) -> None:
    user = opened(service, "u1")
    assert ask(service, user, 50, NOW)["granted"] == 50
    assert ask(service, user, 200, NOW - 2 * DAY)["granted"] == 150
    assert ask(service, user, 200, NOW - 2 * DAY + HOUR + MINUTE)["granted"] == 200
    assert ask(service, user, 1, NOW + 2 * HOUR)["granted"] == 0
    assert ask(service, user, 200, NOW + 3 * HOUR + MINUTE)["granted"] == 100  # of the day's 500, 400 are spent


def test_a_reservation_of_a_wrong_clock_can_be_released(service: Service) -> None:
    user = opened(service, "u1")
    made = ask(service, user, 100, NOW + 2 * YEAR)
    assert service.parts.grants.release(made["reservation_id"], 60, NOW)["remaining"]["hourly"] == 160
    assert service.parts.grants.release(made["reservation_id"], 40, NOW + MINUTE)["remaining"]["hourly"] == 200


def test_a_hold_of_a_wrong_clock_lasts_as_long_as_any(service: Service, store: Store) -> None:
    user = opened(service, "u1")
    ask(service, user, 1)
    key = next(each for each in store.execute("KEYS", "risk:b:*") if each.endswith(b":u1"))
    store.execute("HSET", key, "hold", 5, "hold_until", NOW + 2 * YEAR)
    assert ask(service, user, 10, NOW + MINUTE)["denied_by"] == "account_hold"
    days = service.active.policy.takeover.hold_days
    assert ask(service, user, 10, NOW + days * DAY + 2 * MINUTE)["granted"] == 10


@pytest.mark.parametrize("seed", range(8))
def test_no_window_of_true_time_ever_holds_more_than_its_cap(service: Service, seed: int) -> None:
    """However often a clock falls behind by more than a day and a half: by less, time stands still meanwhile."""
    rng = random.Random(seed)
    user, true, wrong = opened(service, "u1"), NOW, 0.0
    granted = [(NOW, ask(service, user, 1)["granted"])]
    caps = service.active.policy.tiers.allow
    for _ in range(120):
        true += rng.choice([1.0, MINUTE, 20 * MINUTE, HOUR, 3 * HOUR])
        if rng.random() < 0.2:
            wrong = 0.0 if wrong else rng.choice([-3 * DAY, -20 * DAY])
        granted.append((true, ask(service, user, rng.choice([1, 40, 200]), true + wrong)["granted"]))
    for end, _ in granted:
        for length, cap in ((HOUR, caps.hourly), (DAY, caps.daily), (MONTH, caps.monthly)):
            assert sum(count for at, count in granted if end - length < at <= end) <= cap


@pytest.mark.parametrize(
    ("host", "believed"),
    [(0.0, 0.0), (200.0, 200.0), (-200.0, -200.0), (400.0, 0.0), (2 * YEAR, 0.0), (-2 * YEAR, 0.0)],
)
def test_a_host_far_from_the_stores_time_goes_by_the_stores(store: Store, host: float, believed: float) -> None:
    """Events, feedback, links and queues are dated by hosts; five minutes is what the contract lets callers differ."""
    seconds, micros = store.execute("TIME")
    at = float(seconds) + float(micros) / 1e6
    clock = StoreClock(store, lambda: at + host)
    clock.compare()
    assert clock() - at == pytest.approx(believed, abs=2.0)
    assert (clock.fault is None) == (abs(host) <= 300)


def test_a_given_clock_is_right(
    store: Store, settings: Settings, assemble: Callable[..., Service], clock: Clock
) -> None:
    made = assemble(settings, store, clock)
    assert made.parts.clock is clock
