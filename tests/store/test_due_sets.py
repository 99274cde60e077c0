"""What is due in several sorted sets: asked for together, on one server in one command, on a cluster in one trip."""

from __future__ import annotations

import pytest

from riskapi.store.connections import Store
from riskapi.store.due_sets import DueSets
from riskapi.store.streams import SHARDS
from tests.bench.counters import counters
from tests.conftest import NOW

#: A set for each shard, which lie on all nodes of a cluster.
KEYS = [f"risk:due:{{{number}}}" for number in range(SHARDS)]


@pytest.mark.parametrize(
    ("held", "counts"),
    [
        ({}, {}),
        ({2: [NOW + 1]}, {}),
        ({2: [NOW]}, {2: 1}),
        ({0: [NOW - 0.001], 7: [NOW - 86_400, NOW - 5, NOW + 0.001]}, {0: 1, 7: 2}),
        ({number: [0.0, NOW + number] for number in range(SHARDS)}, {0: 2, **dict.fromkeys(range(1, SHARDS), 1)}),
    ],
    ids=["nothing", "nothing yet", "just now", "of two sets", "of all sets"],
)
def test_which_sets_hold_something_that_is_due(
    either: Store, held: dict[int, list[float]], counts: dict[int, int]
) -> None:
    for place, times in held.items():
        for number, at in enumerate(times):
            either.execute("ZADD", KEYS[place], repr(at), f"u_{number}")
    sets = DueSets(either, KEYS)
    assert sets.due(NOW) == sorted(counts)
    assert sets.counts(NOW) == [counts.get(place, 0) for place in range(SHARDS)]


def test_they_are_told_by_their_places_among_the_keys(either: Store) -> None:
    either.execute("ZADD", KEYS[3], NOW, "u_1")
    assert DueSets(either, KEYS[::-1]).due(NOW) == [SHARDS - 1 - 3]
    assert DueSets(either, [KEYS[3]]).due(NOW) == [0]


def test_one_server_is_asked_by_one_command(store: Store) -> None:
    sets = DueSets(store, KEYS)
    sets.due(NOW)
    before = counters(store)
    sets.due(NOW)
    calls = (counters(store) - before).calls
    assert calls["evalsha"] == 1 and calls["zcount"] == SHARDS
