"""How often one request goes to the store: each trip costs more than most of what is done in it.

A signup takes two trips where nothing binds it: one touches what it shares and reads what is known, the other writes
it down. Where something does, one in between joins it. Whatever there is to be joined, merged or split, it is three.
"""

from __future__ import annotations

from typing import Any

import pytest

from riskapi.app import Service
from riskapi.sending.grants import Message
from tests import consistency
from tests.conftest import NOW
from tests.signups import body, post
from tests.trips import DAY, HOUR, KINDS, NUMBER, Trips, calls, on


@pytest.mark.parametrize("name", KINDS)
def test_a_signup_takes_three_whatever_binds_it(service: Service, trips: Trips, name: str) -> None:
    kind = KINDS[name]
    kind.before(service)
    found: list[dict[str, Any]] = []
    signup = body("late", **kind.parts)
    assert trips(lambda: found.append(post(service, signup, kind.at))) <= 3
    assert found[0]["linkage"]["size"] == kind.size
    consistency.check(service)
    assert trips(lambda: found.append(post(service, signup, kind.at + 1))) <= 3, "posted again"
    assert found[1] == found[0]


@pytest.mark.parametrize("parts", [{}, calls(NUMBER, verified=True), {"behavior": {"honeypot_filled": True}}], ids=str)
def test_a_signup_that_shares_nothing_takes_two(service: Service, trips: Trips, parts: dict[str, Any]) -> None:
    post(service, body("u0"))
    assert trips(lambda: post(service, body("u1", **parts))) == 2


def test_one_takes_one_more_where_a_process_learns_of_entries_of_another_kind(service: Service, trips: Trips) -> None:
    """Once for each kind."""
    service.gatherer.entries.look()
    lists, terms = service.parts.lists, {"expires_at": None, "reason": None, "author": "a", "silences_feedback": False}
    taken = [trips(lambda: post(service, body("u0")))]
    for number, value in enumerate(["198.51.100.1", "198.51.100.2"]):
        lists.put(lists.draft("watch", "ip", value, now=NOW, **terms), NOW)  # type: ignore[arg-type]
        for turn in "ab":
            taken.append(trips(lambda: post(service, body(f"u{number}{turn}"))))  # noqa: B023
    assert taken == [2, 3, 2, 2, 2]


def test_one_that_is_known_and_comes_with_more_takes_two(service: Service, trips: Trips) -> None:
    """What it touched beyond the first time is taken back, and what that bound."""
    for user in ("u0", "u1"):
        post(service, body(user, **on("dev-1")))
    assert trips(lambda: post(service, body("u1", **on("dev-2")))) == 2
    assert trips(lambda: post(service, body("u1", **on("dev-1")))) == 1


SAID = {"nothing": Message(), "a link": Message(("shop.example",)), "content": Message((), "spring")}


@pytest.mark.parametrize("said", SAID.values(), ids=SAID)
def test_a_grant_takes_two(service: Service, trips: Trips, said: Message) -> None:
    post(service, body("u1"))
    assert trips(lambda: service.parts.grants.send("u1", 1, said, NOW)) == 2


@pytest.mark.parametrize(("said", "most"), [("a link", 3), ("content", 4)])
def test_one_that_joins_takes_one_more_and_one_for_what_content_needs(
    service: Service, trips: Trips, said: str, most: int
) -> None:
    for number in range(4):
        post(service, body(f"u{number}", **calls(f"+3460012310{number}")), NOW + number * HOUR)
    for number in range(3):
        service.parts.grants.send(f"u{number}", 1, SAID[said], NOW + DAY)
    assert trips(lambda: service.parts.grants.send("u3", 1, SAID[said], NOW + DAY)) <= most
    assert [len(members) for members in consistency.check(service).values()] == [4]
