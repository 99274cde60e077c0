"""Who came last to a thing is told however many of its newest members are marks, and not accounts."""

from __future__ import annotations

import pytest

from riskapi import policy
from riskapi.links import kinds, touch_replies
from riskapi.links.entities import Links
from riskapi.links.kinds import Touch
from riskapi.store.connections import Store
from tests.conftest import NOW
from tests.members import members

RULES = policy.load(policy.DEFAULT)
#: Accounts that came before, every half second, and how many are told of those that came close in time.
CROWD, TOLD = 60, 32
#: Members of a sorted set that ``riskapi/store/lua/entity_touch.lua`` reads at once.
NEWEST = 34


def came(number: int) -> float:
    return NOW - number / 2


@pytest.mark.parametrize("proved", [False, True])
@pytest.mark.parametrize("add", [True, False])
@pytest.mark.parametrize(
    ("marks", "bonds"),
    [
        *((marks, ()) for marks in (0, 1, 2, 3, 6, NEWEST - 2, NEWEST - 1, NEWEST, NEWEST + 6)),
        *((marks, bonds) for marks in (0, 1) for bonds in (("=",), ("=n",), ("=", "=h"))),
    ],
)
@pytest.mark.parametrize(
    ("user", "at"),
    [
        ("new", NOW),
        ("late", came(10) - 0.1),  # among those that are read at once
        ("late", came(NEWEST - 7)),  # at the time of the last of them, where six marks are
        ("zlate", came(NEWEST - 7)),
        ("late", came(NEWEST) - 0.1),
        ("late", came(CROWD)),
        ("u0", NOW),  # was there before, and comes again
        ("u5", NOW),
        (f"u{CROWD - 1}", NOW),
    ],
)
def test_marks_take_nobodys_place(
    links: Links, store: Store, user: str, at: float, marks: int, bonds: tuple[str, ...], add: bool, proved: bool
) -> None:
    key = links.entity_key("phone", "+34600000000")
    pipe = store.pipeline()
    for number in range(CROWD):
        pipe.execute_command("ZADD", key, repr(came(number)), f"u{number}")
    for number in range(marks):
        pipe.execute_command("ZADD", key, repr(1e12 + came(number)), f"~u{number}")
    for bond in bonds:
        pipe.execute_command("ZADD", key, repr(5e12 if bond == "=" else 5e12 + NOW), bond)
    pipe.execute_command("EXPIRE", key, RULES.retention.entities_days * 86400)
    touch = Touch(user, at, {"phone": key}, frozenset(), proved=frozenset({"phone"} if proved else ()))
    reply = links.queue(pipe, touch, RULES, add=add)
    store.run(pipe)
    row = touch_replies.row(reply()[0])
    if bonds:
        found = {"=h": NOW, "=n": -NOW}.get(bonds[-1], 0)
        assert row[kinds.PLAIN] == ("=" in bonds)
        assert float(row[-1]) == pytest.approx(found)
    others = row[6].split()
    newest = sorted(((time, name) for name, time in members(store, key).items() if time < 1e11), reverse=True)
    expected = [(name, time) for time, name in newest if name != user][:TOLD]
    assert [(name.decode(), float(time)) for name, time in zip(others[::2], others[1::2], strict=True)] == expected


@pytest.mark.parametrize(("gone", "renewed"), [(0.5, False), (2, True)])
def test_one_that_is_only_counted_is_renewed_once_a_day_and_loses_what_is_old(
    links: Links, store: Store, gone: float, renewed: bool
) -> None:
    """``gone``: how many days of its time to live are over."""
    key, retention = links.entity_key("tld", "org"), RULES.retention.entities_days * 86400
    pipe = store.pipeline()
    pipe.execute_command("ZADD", key, repr(NOW - retention - 60), "old")
    for number in range(CROWD):
        pipe.execute_command("ZADD", key, repr(came(number)), f"u{number}")
    for number in range(3):
        pipe.execute_command("ZADD", key, repr(1e12 + came(number)), f"~u{number}")
    pipe.execute_command("EXPIRE", key, int(retention - gone * 86400))
    reply = links.queue(pipe, Touch("new", NOW, {"tld": key}, frozenset()), RULES)
    store.run(pipe)
    accounts, *_, abusive, limited, _, _, _ = touch_replies.row(reply()[0])[: kinds.PLAIN]
    assert (accounts, abusive, limited) == (CROWD + 1, 0, 3)
    assert ("old" not in members(store, key)) is renewed
    assert (store.execute("TTL", key) > retention - 60) is renewed


@pytest.mark.parametrize("bonds", [(), ("=",), ("=", "=n")])
@pytest.mark.parametrize(("days_ago", "renewed"), [(0, False), (1, True)])
def test_who_is_first_of_a_day_in_a_crowd_renews_it(
    links: Links, store: Store, days_ago: int, bonds: tuple[str, ...], renewed: bool
) -> None:
    """``days_ago``: when the others came. Its time to live is two days old."""
    key, retention = links.entity_key("device", "dev-1"), RULES.retention.entities_days * 86400
    pipe = store.pipeline()
    for number in range(CROWD):
        pipe.execute_command("ZADD", key, repr(came(number) - 86400 * days_ago), f"u{number}")
    for bond in bonds:
        pipe.execute_command("ZADD", key, repr(5e12 + NOW), bond)
    pipe.execute_command("EXPIRE", key, retention - 2 * 86400)
    links.queue(pipe, Touch("new", NOW, {"device": key}, frozenset()), RULES)
    store.run(pipe)
    assert (store.execute("TTL", key) > retention - 60) is renewed
