"""A grant as it goes to the script and comes back: times to the microsecond, large numbers, and answers kept before."""

from __future__ import annotations

import orjson
import pytest

from riskapi import policy
from riskapi.budgets.budgets import Budgets
from riskapi.budgets.caps import Allowed
from riskapi.budgets.grant_records import GrantBasis, GrantRequest, LocalGrant, StoredGrant, stored
from riskapi.budgets.keys import budget_key, repeat_key, reservation_key
from riskapi.policy.tables import Caps
from riskapi.store.connections import Store

AT = 1_795_342_200.123456
MOST = 10**12
RULES = policy.load(policy.DEFAULT)


def allowed(cap: int = 100, *, until: float | None = None, usual: int | None = None, jump: int = 10) -> Allowed:
    caps = Caps(hourly=cap, daily=cap, monthly=cap)
    return Allowed(caps, None, None, usual, jump, until, cap)


def granted(store: Store, what: Allowed, at: float = AT, *, key: str | None = None, wanted: int = 3) -> StoredGrant:
    found = asked(store, what, at, key=key, wanted=wanted)
    assert found is not None
    return found


def asked(
    store: Store, what: Allowed, at: float = AT, *, key: str | None = None, wanted: int = 3
) -> StoredGrant | None:
    budgets, request = Budgets(store), GrantRequest("u", wanted, True, f"rsv_{at}_{wanted}", "d", key)
    return budgets.grant(request, GrantBasis("allow", 1, budgets.read("u", at), what), RULES, at)


@pytest.mark.parametrize("at", [AT, 1.0, 1_795_342_200.0, 32_503_679_999.999996])
def test_times_are_not_rounded_on_the_way(store: Store, at: float) -> None:
    found = granted(store, allowed(usual=2, jump=1), at)
    assert (found.at, found.held) == (at, True)
    usage = Budgets(store).read("u", at)
    assert (usage.first, usage.hold_until, usage.now) == (at, at + RULES.takeover.hold_days * 86_400, at)


@pytest.mark.parametrize(("at", "passes"), [(AT - 1e-6, True), (AT, False), (AT + 1e-6, False)])
def test_caps_that_end_hold_up_to_that_microsecond(store: Store, at: float, passes: bool) -> None:
    assert (asked(store, allowed(until=AT), at) is not None) is passes


def test_the_largest_cap_is_exact(store: Store) -> None:
    found = granted(store, allowed(MOST))
    assert found.remaining == {"hourly": MOST - 3, "daily": MOST - 3, "monthly": MOST - 3}
    assert found.largest == MOST


@pytest.mark.parametrize("wanted", [3, 1000])
def test_a_repeated_request_gets_its_answer_whole(store: Store, wanted: int) -> None:
    first = granted(store, allowed(), key="k", wanted=wanted)
    again = Budgets(store).grant(
        GrantRequest("u", wanted, True, "rsv_other", "d", "k"),
        GrantBasis("limit", 1, Budgets(store).read("u", AT + 9), allowed(1)), RULES, AT + 9,
    )  # fmt: skip
    assert again == first


BEFORE = {
    "alone": (
        ["granted", "rsv_0", 2, 1, 60, 0, 5, 6, -1, -1, -1, 1, 0, 0, "1795342200.5", "allow", 100],
        60,
        (0, 5, 6),
    ),
    "in a cluster": (["granted", "rsv_0", 2, 5, -1, 9, 5, 6, 8, 7, 3, 0, 1, 1, "1", "review", ""], None, (8, 5, 3)),
    "an outage": (
        ["granted", "rsv_0", 2, 8, -1, 4, 4, 4, -1, -1, -1, 0, 0, 0, "1795342200.5", "review"],
        None,
        (4, 4, 4),
    ),
}


@pytest.mark.parametrize(("kept", "retry", "left"), BEFORE.values(), ids=BEFORE)
def test_what_a_release_before_kept_is_given_again(
    store: Store, kept: list[object], retry: int | None, left: tuple[int, int, int]
) -> None:
    script = "redis.call('HSET', KEYS[1], 'request', 'd', 'answer', cmsgpack.pack(cjson.decode(ARGV[1])))"
    store.execute("EVAL", script, 1, repeat_key("k"), orjson.dumps(kept))
    found = granted(store, allowed(), key="k")
    assert (found.reservation_id, found.granted, found.retry_after) == ("rsv_0", 2, retry)
    assert tuple(found.remaining.values()) == left
    assert [found.near, found.out, found.held] == [bool(flag) for flag in kept[11:14]]
    assert (found.tier, found.at) == (kept[15], float(str(kept[14])))
    assert found.largest == (100 if kept[-1] == 100 else None)


def test_what_was_granted_in_an_outage_is_kept_as_it_was_answered(store: Store) -> None:
    local = LocalGrant("u", "rsv_l", 5, 2, 11, "review", "d", "k", AT)
    assert stored(local.stored().kept().encode()) == local.stored()
    Budgets(store).record(local, RULES)
    assert granted(store, allowed(), key="k") == local.stored()
    assert local.stored().answer(7) == {
        "reservation_id": "rsv_l",
        "granted": 5,
        "denied": 2,
        "denied_by": "outage",
        "retry_after": None,
        "tier": "review",
        "remaining": {"hourly": 11, "daily": 11, "monthly": 11},
        "largest": None,
    }
    assert store.execute("HGET", reservation_key("rsv_l"), "granted") == b"5"
    assert float(store.execute("HGET", budget_key("u"), "first")) == AT
