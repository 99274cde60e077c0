"""How often one request goes to the store: each trip costs more than most of what is done in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from riskapi.app import Service, assemble
from riskapi.sending.grants import Message
from riskapi.settings import Settings
from riskapi.store.connections import Store
from tests.conftest import NOW, Clock
from tests.signups import body, post

DEVICE = {"device": {"id": "dev-1"}}


@pytest.fixture
def service(store: Store, settings: Settings, ip_data: Any, clock: Clock) -> Service:
    made = assemble(settings, store, clock)
    made.decisions.register_schema()
    return made


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], int]:
    """How many trips some work takes."""
    counted = [0]
    for name in ("run", "execute"):
        through = getattr(Store, name)

        def count(self: Store, *given: Any, through: Any = through, **named: Any) -> Any:
            counted[0] += 1
            return through(self, *given, **named)

        monkeypatch.setattr(Store, name, count)

    def measure(work: Callable[[], Any]) -> int:
        before = counted[0]
        work()
        return counted[0] - before

    return measure


def test_a_signup_that_shares_nothing_takes_two(service: Service, trips: Callable[[Callable[[], Any]], int]) -> None:
    post(service, body("u0"))
    assert trips(lambda: post(service, body("u1"))) == 2


def test_a_signup_with_a_confirmed_number_takes_two(
    service: Service, trips: Callable[[Callable[[], Any]], int]
) -> None:
    proved = {"phone": {"number": "+34600123123", "verified": True}}
    assert trips(lambda: post(service, body("u1", **proved))) == 2


@pytest.mark.parametrize("others", [1, 2, 30])
def test_a_signup_that_is_bound_takes_six_however_many_there_are(
    service: Service, trips: Callable[[Callable[[], Any]], int], others: int
) -> None:
    for number in range(others):
        post(service, body(f"u{number}", **DEVICE), NOW - 5000 + number)
    assert trips(lambda: post(service, body("late", **DEVICE))) <= 6


def test_a_signup_in_a_wave_takes_six(service: Service, trips: Callable[[Callable[[], Any]], int]) -> None:
    same = {"email": {"address": "a@pills.example"}, "device": {"ip_address": "203.0.113.9"}}
    post(service, body("u1", **same))
    other = {**same, "email": {"address": "b@pills.example"}}
    assert trips(lambda: post(service, body("u2", **other), NOW + 5)) <= 6


@pytest.mark.parametrize("said", [Message(), Message(("shop.example",)), Message((), "spring")], ids=str)
def test_a_grant_takes_two(service: Service, trips: Callable[[Callable[[], Any]], int], said: Message) -> None:
    post(service, body("u1"))
    assert trips(lambda: service.parts.sender.send("u1", 1, said, NOW)) == 2
