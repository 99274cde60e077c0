"""Who is bound to whom within a cluster, against asking each account by itself."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from riskapi.clusters.neighbours import Thing, groups, neighbours, reached, standing_of

NAMES = tuple("abcdefg")
THINGS = st.lists(
    st.builds(
        Thing,
        edge=st.sampled_from(["d:device", "P:number", "p:number", "w:wave"]),
        ends=st.integers(1, 9).map(float),
        user_ids=st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True),
        claims=st.booleans(),
    ),
    max_size=6,
)


@given(THINGS, st.lists(st.sampled_from(NAMES), max_size=7))
def test_groups_are_of_those_who_are_bound_and_say_whom_each_is_seen_with(
    things: list[Thing], user_ids: list[str]
) -> None:
    seen = [thing for thing in things if standing_of(thing.edge, claims=thing.claims) == "proved"]
    found = groups(things, user_ids)
    wanted = [frozenset(reached(user_id, things)) for user_id in user_ids]
    assert [group.seen.keys() for group in found] == list(dict.fromkeys(wanted))
    for group in found:
        assert all(others == reached(name, seen) for name, others in group.seen.items())


@given(THINGS, st.sampled_from(NAMES))
def test_whom_an_account_is_near_are_its_group(things: list[Thing], user_id: str) -> None:
    (group,), found = groups(things, [user_id]), neighbours(NAMES, things, user_id)
    assert {name: name in group.seen[user_id] for name in group.seen} == found.accounts
    assert found.accounts[user_id]
    ends = [thing.ends for thing in things if not group.seen.keys().isdisjoint(thing.user_ids)]
    assert found.ends == min(ends, default=None)
