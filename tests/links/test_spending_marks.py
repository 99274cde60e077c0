"""Marks of spending on what accounts share: who ran out of a cap, who keeps just under one, and when."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from riskapi.links.entities import Links
from riskapi.policy import Policy
from riskapi.store.connections import Store
from signals.facts import Account, Device, Email, Entity, Facts
from tests.joining import bind
from tests.members import members
from tests.signups import together

NOW = 1_795_341_600.0
HOUR, DAY = 3600.0, 86400.0


def touch(
    links: Links, store: Store, rules: Policy, user: str, at: float = NOW, *, add: bool = True
) -> Mapping[str, Entity]:
    touched = links.touched(user, facts(at))
    pipe = store.pipeline()
    found = links.queue(pipe, touched, rules, add=add)
    store.run(pipe)
    return links.entities(touched, found(), rules)


def facts(at: float = NOW) -> Facts:
    return Facts(at=at, account=Account(), email=Email("x", valid=False), device=Device(id="dev-1"))


def spent(found: Entity) -> tuple[int, int, float | None, int]:
    return found.exhausted_24h, found.exhausted_7d, found.exhausted_at, found.near_7d


@pytest.mark.parametrize(
    ("marks", "seen"),
    [
        ([], (0, 0, None, 0)),
        ([("out", 1 * HOUR)], (1, 1, NOW - HOUR, 0)),
        ([("out", 25 * HOUR)], (0, 1, NOW - 25 * HOUR, 0)),
        ([("out", 8 * DAY)], (0, 0, NOW - 8 * DAY, 0)),
        ([("out", 40 * DAY), ("out", 2 * DAY), ("out", 3 * DAY)], (0, 1, NOW - 2 * DAY, 0)),
        ([("out", -1 * HOUR)], (0, 0, None, 0)),
        ([("near", 1 * HOUR)], (0, 0, None, 1)),
        ([("near", 8 * DAY)], (0, 0, None, 0)),
        ([("near", 3 * DAY), ("out", 2 * DAY)], (0, 1, NOW - 2 * DAY, 0)),
        ([("out", 2 * DAY), ("near", 1 * DAY)], (0, 1, NOW - 2 * DAY, 0)),
        ([("out", 9 * DAY), ("near", 1 * DAY)], (0, 0, NOW - 9 * DAY, 1)),
        ([("near", 1 * DAY), ("out", 9 * DAY)], (0, 0, NOW - 9 * DAY, 1)),
        ([("both", 1 * HOUR)], (1, 1, NOW - HOUR, 0)),
    ],
)
def test_spending_is_seen_by_others_in_its_windows(
    links: Links,
    store: Store,
    rules: Policy,
    marks: list[tuple[str, float]],
    seen: tuple[int, int, float | None, int],
) -> None:
    touch(links, store, rules, "a", NOW - 50 * DAY)
    key = links.entity_key("device", "dev-1")
    for what, age in marks:
        for _ in range(2):
            links.mark_spent("a", [key], NOW - age, out=what != "near", near=what != "out")
    found = touch(links, store, rules, "b")["device"]
    assert spent(found) == seen
    assert (found.accounts, found.abusive, found.limited, found.others) == (2, 0, 0, ("a",))
    assert spent(touch(links, store, rules, "a")["device"]) == (0, 0, None, 0), "an account is not its own neighbour"


def test_the_last_of_the_others_is_told_when_the_account_itself_ran_out_later(
    links: Links, store: Store, rules: Policy
) -> None:
    for user, age in (("a", 3.0), ("b", 2.0), ("c", 1.0)):
        touch(links, store, rules, user)
        key = links.entity_key("device", "dev-1")
        links.mark_spent(user, [key], NOW - age * DAY, out=True, near=False)
    assert spent(touch(links, store, rules, "c")["device"]) == (0, 2, NOW - 2 * DAY, 0)
    assert spent(touch(links, store, rules, "d")["device"]) == (1, 3, NOW - 1 * DAY, 0)


def test_only_what_the_account_is_in_is_marked(links: Links, store: Store, rules: Policy) -> None:
    touch(links, store, rules, "a")
    key = links.entity_key("device", "dev-1")
    links.mark_spent("stranger", [key, "risk:e:d:nobody"], NOW, out=True, near=True)
    links.mark_spent("a", [], NOW, out=True, near=True)
    assert spent(touch(links, store, rules, "b")["device"]) == (0, 0, None, 0)
    assert store.execute("EXISTS", "risk:e:d:nobody") == 0


def test_what_is_only_counted_is_not_marked(links: Links, store: Store, rules: Policy) -> None:
    touch(links, store, rules, "a")
    keys = links.touched("a", facts()).keys
    links.mark_spent("a", list(keys.values()), NOW, out=True, near=False)
    assert len(members(store, keys["service"])) == 1
    assert len(members(store, keys["device"])) == 2


def test_marks_go_with_the_account_and_with_age(links: Links, store: Store, rules: Policy) -> None:
    touch(links, store, rules, "a")
    key = links.entity_key("device", "dev-1")
    touch(links, store, rules, "b")
    links.mark_spent("a", [key], NOW, out=True, near=False)
    links.mark_spent("b", [key], NOW, out=False, near=True)
    links.leave("a", [key])
    assert spent(touch(links, store, rules, "c")["device"]) == (0, 0, None, 1)
    links.mark_spent("c", [key], NOW, out=True, near=False)
    store.execute("EXPIRE", key, 1000)  # as if a day had passed since it was touched
    touch(links, store, rules, "d", NOW + 91 * DAY)
    assert list(members(store, key)) == ["d"]


def test_a_note_of_binding_outlives_the_forgetting_of_old_accounts(links: Links, store: Store, rules: Policy) -> None:
    touch(links, store, rules, "a")
    key = links.entity_key("device", "dev-1")
    bind(links, [key], on=True)
    store.execute("EXPIRE", key, 1000)
    found = touch(links, store, rules, "b", NOW + 91 * DAY)["device"]
    assert (found.bound, found.accounts, links.accounts(key)) == (True, 1, ["b"])


def test_touches_and_marks_that_race_lose_nothing(links: Links, store: Store, rules: Policy) -> None:
    for number in range(8):
        touch(links, store, rules, f"u{number}", NOW - DAY)
        key = links.entity_key("device", "dev-1")

    def act(number: int) -> None:
        user = f"u{number % 8}"
        match number % 4:
            case 0:
                links.mark_spent(user, [key], NOW - number, out=True, near=False)
            case 1:
                links.mark_spent(user, [key], NOW - number, out=False, near=True)
            case 2:
                links.mark(user, [key], abusive=False, limited=True)
            case _:
                touch(links, store, rules, f"new-{number}")
                bind(links, [key], on=True)

    assert together(32, act) == [None] * 32
    found = touch(links, store, rules, "last", add=False)["device"]
    assert spent(found) == (2, 2, NOW, 2)
    assert (found.accounts, found.limited, found.bound) == (16, 2, True)
