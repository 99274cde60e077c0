"""The rate limit of a key: exact under concurrency, and told in the headers of the draft."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from riskapi.store.connections import Store
from riskapi.store.rates import RateLimits
from tests.conftest import Clock


@pytest.mark.parametrize(
    ("rate", "quota", "window", "retry"),
    [(10.0, 10, 1, 1), (2.5, 2, 1, 1), (1.0, 1, 1, 1), (0.1, 1, 10, 10)],
    ids=["ten a second", "two and a half", "one", "one in ten seconds"],
)
def test_a_window_s_worth_may_come_at_once_and_no_more(
    store: Store, clock: Clock, rate: float, quota: int, window: int, retry: int
) -> None:
    limits = RateLimits(store)
    taken = [limits.take("k", rate, clock()) for _ in range(quota)]
    assert all(one.allowed for one in taken)
    assert [one.remaining for one in taken] == list(range(quota))[::-1]
    over = limits.take("k", rate, clock())
    assert not over.allowed
    assert over.headers() == {
        "RateLimit-Policy": f'"key";q={quota};w={window}',
        "RateLimit": f'"key";r=0;t={over.reset}',
        "Retry-After": str(retry),
    }


def test_what_was_taken_comes_back_at_the_rate(store: Store, clock: Clock) -> None:
    limits = RateLimits(store)
    while limits.take("k", 10.0, clock()).allowed:
        pass
    assert limits.take("k", 10.0, clock.advance(0.1001)).allowed
    assert not limits.take("k", 10.0, clock()).allowed


def test_a_refused_request_takes_nothing(store: Store, clock: Clock) -> None:
    limits = RateLimits(store)
    for _ in range(50):
        limits.take("k", 1.0, clock())
    assert limits.take("k", 1.0, clock.advance(1.0)).allowed


def test_keys_do_not_share_an_allowance(store: Store, clock: Clock) -> None:
    limits = RateLimits(store)
    limits.take("a", 1.0, clock())
    assert limits.take("b", 1.0, clock()).allowed


def test_a_race_gets_exactly_the_quota(store: Store, clock: Clock) -> None:
    limits = RateLimits(store)
    with ThreadPoolExecutor(16) as pool:
        taken = list(pool.map(lambda _: limits.take("k", 20.0, clock()).allowed, range(60)))
    assert sum(taken) == 20


def test_an_idle_key_leaves_nothing_behind(store: Store, clock: Clock) -> None:
    RateLimits(store).take("k", 10.0, clock())
    assert 0 < store.execute("PTTL", "risk:rate:k") <= 102
