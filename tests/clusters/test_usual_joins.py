"""A join of a crowd goes a short way; whatever was before, it comes to what the whole way would have come to."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from hashlib import sha1
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from riskapi.store.connections import Store
from riskapi.store.scripts import sources

DAY, NOW, TTL = 86_400.0, 1_790_000_000.0, 90 * 86_400
#: The script, and the same without one of its two ways.
SCRIPT = sources()["cluster_join"].text.decode()
_USUAL, _WHOLE = "local usual = mine.is_new and usual_bonds()", "local bonds = {}\n"
assert SCRIPT.count(_USUAL) == SCRIPT.count(_WHOLE) == 1
WITHOUT_USUAL = SCRIPT.replace(_USUAL, "local usual = false")
WITHOUT_WHOLE = SCRIPT[: SCRIPT.index(_WHOLE)] + "error('the whole way')"
EDGES = ("d:1", "p:1", *(f"w:{sha1(name).hexdigest()[:16]}" for name in (b"u0", b"u3", b"u36")))
#: Letters and edge, those apart, how many of the newest others are told, seconds it lasts.
Told = tuple[str, tuple[int, ...], int, float]


class World:
    """Accounts whose joins go by one text of the script, under names of their own."""

    def __init__(self, store: Store, name: str, script: str) -> None:
        self.store, self.name, self.script = store, name, script
        self.users: list[str] = []
        self.now = NOW

    def keys(self) -> list[str]:
        return [f"{self.name}:{{b}}:{each}:" for each in ("b", "c", "cm", "cx", "d")]

    def join(self, user: str, bonds: Sequence[Told]) -> Any:
        numbers: list[float] = [self.now, TTL, TTL, 2000, 100]
        texts: list[str] = []
        for head, apart, count, seconds in bonds:
            others = self.users[: -count - 1 : -1] if count else []
            numbers += (self.now + seconds, 0)
            texts += (" ".join([head, *(self.at(place) for place in apart)]), " ".join(others))
        packed = struct.pack(f"<{len(numbers)}d", *numbers)
        cluster = f"clu_{user}_{len(self.users)}"
        told: Any = self.store.client.eval(self.script, 5, *self.keys(), user, cluster, "then", "0", packed, "", *texts)
        if user not in self.users:
            self.users.append(user)
        return told

    def at(self, place: int) -> str:
        return self.users[-1 - place % len(self.users)] if self.users else "u0"

    def ends(self, user: str) -> dict[str, float]:
        """Until when what binds an account."""
        found = self.store.execute("HGETALL", self.keys()[0] + user)
        return {name.decode()[2:]: float(till) for name, till in found.items() if name.startswith(b"b:")}

    def change(self, what: str, place: int, edge: str) -> None:
        budgets, clusters, members, bans, _ = self.keys()
        user, run = self.at(place), self.store.execute
        cluster = (run("HGET", budgets + user, "cluster") or b"").decode()
        if what == "cut":
            run("HDEL", budgets + user, f"b:{edge}")
            run("HSET", budgets + user, f"x:{edge}", "1")
        elif what == "prove":
            run("HSET", budgets + user, "proof", "1")
        elif what == "label":
            run("HSET", budgets + user, "bad", "1")
        elif what == "bind":
            run("HSET", budgets + user, f"b:{edge}", repr(self.now + DAY))
        elif what == "leave":
            run("HDEL", budgets + user, "cluster")
        elif what == "spend":
            run(
                "HSET",
                clusters + cluster,
                "spends",
                b"\x93\xce" + struct.pack(">I", int(NOW)) + b"\xce" + struct.pack(">I", int(NOW)) + b"\x07",
            )
        elif what == "forget":
            run("DEL", budgets + user)
        elif what == "forget cluster":
            run("DEL", clusters + cluster)
        elif what == "forget members":
            run("DEL", members + cluster)
        elif what == "ban":
            run("SET", bans + edge, "1")
        elif what == "age":
            for key in (budgets + user, clusters + cluster, members + cluster):
                run("EXPIRE", key, int(TTL - 2 * DAY))

    def held(self) -> dict[str, Any]:
        """Everything in the store, by the end of each key, and whether the key has its whole time to live."""
        found = {}
        for key in self.store.client.scan_iter(f"{self.name}:*", count=10_000):
            kind = self.store.execute("TYPE", key)
            content: Any = None
            if kind == b"hash":
                content = self.store.execute("HGETALL", key)
            elif kind == b"set":
                content = sorted(self.store.execute("SMEMBERS", key))
            elif kind == b"stream":
                content = [fields for _, fields in self.store.execute("XRANGE", key, "-", "+")]
            found[key.decode().removeprefix(self.name)] = content, self.store.execute("TTL", key) > TTL - DAY
        return found


@pytest.fixture
def worlds(store: Store) -> Any:
    def made(*scripts: str) -> list[World]:
        store.execute("FLUSHALL")
        return [World(store, f"w{number}", script) for number, script in enumerate(scripts)]

    return made


SECONDS = st.sampled_from([900.0, 3 * DAY, 90 * DAY])
COUNTS = st.sampled_from([0, 1, 3, 4, 5, 33, 33])
heads = st.sampled_from(["b d:1", "b d:1", "bd d:1", "bd d:1", "bd p:1", "- p:1", "bc d:1", "- d:1"])
things = st.tuples(heads, st.sampled_from([(), (), (), (0,), (1,)]), COUNTS, SECONDS)
waves = st.tuples(st.just("w"), st.just(()), COUNTS, SECONDS)
some_bonds = st.lists(st.one_of(things, waves, waves), min_size=1, max_size=4)
#: What a newcomer to a crowd is bound by.
USUAL: list[list[Told]] = [
    [("w", (), 33, 900.0), ("w", (), 33, 3 * DAY)],
    [("w", (), 33, 3 * DAY), ("w", (), 33, 900.0)],
    [("bd d:1", (), 33, 90 * DAY)],
    [("w", (), 4, 3 * DAY), ("b d:1", (), 1, 90 * DAY)],
    [("w", (), 2, 3 * DAY), ("w", (), 33, 3 * DAY)],
    [("w", (), 1, 3 * DAY)],
]
newcomers = st.tuples(st.just("newcomer"), st.one_of(st.sampled_from(USUAL), st.sampled_from(USUAL), some_bonds))
steps = st.one_of(
    newcomers,
    newcomers,
    newcomers,
    st.tuples(st.just("again"), st.integers(0, 9), some_bonds),
    st.tuples(
        st.sampled_from(
            [
                "cut",
                "prove",
                "label",
                "bind",
                "leave",
                "spend",
                "forget",
                "forget cluster",
                "forget members",
                "ban",
                "age",
            ]
        ),
        st.sampled_from([0, 0, 1, 2, 9]),
        st.sampled_from(EDGES),
    ),
    st.tuples(st.just("wait"), st.sampled_from([1.0, 4000.0, 2 * DAY])),
)


def crowd(world: World, size: int = 36) -> None:
    """Some come in one wave, on one device: as many as make a cluster large, if not fewer."""
    for number in range(size):
        world.join(f"u{number}", [("w", (), 33, 3 * DAY), ("- d:1", (), 33, 90 * DAY)])


@settings(
    max_examples=100,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(size=st.sampled_from([6, 36, 36]), history=st.lists(steps, min_size=3, max_size=14))
def test_both_ways_come_to_the_same(worlds: Any, size: int, history: Sequence[tuple[Any, ...]]) -> None:
    both = worlds(SCRIPT, WITHOUT_USUAL)
    for world in both:
        crowd(world, size)
    for name, *rest in history:
        told = []
        for world in both:
            if name == "newcomer":
                told.append(world.join(f"u{len(world.users)}", rest[0]))
            elif name == "again":
                told.append(world.join(world.at(rest[0]), rest[1]))
            elif name == "wait":
                world.now += rest[0]
            else:
                world.change(name, *rest)
        assert not told or told[0] == told[1]
        assert both[0].held() == both[1].held()


@pytest.mark.parametrize("bonds", USUAL)
def test_a_newcomer_to_a_crowd_goes_the_short_way(worlds: Any, bonds: Sequence[Told]) -> None:
    (world,) = worlds(SCRIPT)
    crowd(world)
    world.script = WITHOUT_WHOLE
    assert world.join("u36", bonds)[0] == b"joined"
    assert (
        world.store.execute(
            "SCARD", world.keys()[2] + world.store.execute("HGET", world.keys()[0] + "u36", "cluster").decode()
        )
        == 37
    )


@pytest.mark.parametrize("script", [SCRIPT, WITHOUT_USUAL], ids=["usual", "whole"])
@pytest.mark.parametrize("seconds", [(3 * DAY, 900.0), (900.0, 3 * DAY), (900.0, 900.0)], ids=str)
def test_of_several_ends_of_one_wave_the_latest_stands(worlds: Any, script: str, seconds: Sequence[float]) -> None:
    (world,) = worlds(script)
    crowd(world)
    world.join("u36", [("w", (), 33, each) for each in seconds])
    assert world.ends("u36") == {EDGES[2]: world.now + max(seconds)}
    world.join("u36", [("w", (), 33, 60.0), ("- d:1", (), 33, DAY)])
    assert world.ends("u36") == {EDGES[2]: world.now + max(seconds), "d:1": world.now + DAY}


def test_a_wave_that_begins_is_called_after_the_first_account(worlds: Any) -> None:
    (world,) = worlds(SCRIPT)
    crowd(world, 2)
    assert world.ends("u0").keys() == world.ends("u1").keys() == {EDGES[2], "d:1"}
