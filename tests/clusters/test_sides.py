"""Who is bound to whom within a cluster, against asking each account by itself."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from riskapi.clusters.sides import Thing, reached, sides, standing_of

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
def test_each_account_has_one_side_and_those_who_have_the_same_are_told_once(
    things: list[Thing], user_ids: list[str]
) -> None:
    seen = [thing for thing in things if standing_of(thing.edge, claims=thing.claims) == "proved"]
    wanted = []
    for user_id in user_ids:
        bound, proved = reached(user_id, things), reached(user_id, seen)
        ends = min((thing.ends for thing in things if bound & {*thing.user_ids}), default=None)
        side = (sorted(bound), sorted(proved if len(proved) > 1 else ()), ends)
        wanted += [side] if side not in wanted else []
    found = []
    for near in sides(NAMES, things, user_ids):
        proved = {name for name, is_seen in near.accounts.items() if is_seen}
        found.append((sorted(near.accounts), sorted(proved if len(proved) > 1 else ()), near.ends))
    assert found == wanted


@given(THINGS, st.sampled_from(NAMES))
def test_the_side_of_one_account_says_of_itself_that_it_is_seen(things: list[Thing], user_id: str) -> None:
    (near,) = sides(NAMES, things, [user_id])
    assert near.accounts[user_id]
