"""What must hold in the store whatever ran at once: every cluster is exactly its members, and spent what they spent."""

from __future__ import annotations

from collections import Counter
from typing import Any

from riskapi.app import Service
from riskapi.budgets.keys import budget_key, cluster_key, members_key
from riskapi.clusters.joins import ban_key
from riskapi.store.connections import Store
from tests.belonging import Belonging
from tests.reference import MONTH

_LOG = "return cmsgpack.unpack(redis.call('HGET', KEYS[1], 'spends') or cmsgpack.pack({0}))"


def log(store: Store, key: str) -> tuple[int, list[tuple[int, int]]]:
    """The latest time an account or a cluster has seen, and its spends: when, and to how many recipients."""
    found: Any = store.client.eval(_LOG, 1, key)
    latest, *rest = found
    return latest, list(zip(rest[::2], rest[1::2], strict=True))


def recorded(store: Store, key: str, at: int | None = None) -> int:
    """All recipients in the log of an account or a cluster that count at a time; by default at its latest."""
    latest, spends = log(store, key)
    now = latest if at is None else at
    return sum(count for start, count in spends if start // 21_600 * 21_600 + 21_600 + MONTH > now)


def names(store: Store, prefix: str) -> list[str]:
    """What follows a prefix in the keys that have it."""
    found: Any = store.client.keys(prefix + "*")
    return sorted(key.decode().removeprefix(prefix) for key in found)


def cluster_of(service: Service, user: str) -> str:
    """The cluster an account is in, or an empty text."""
    found = service.store.execute("HGET", budget_key(user), "cluster")
    return found.decode() if found else ""


def _named(fields: dict[bytes, bytes], sort: str) -> set[str]:
    """What follows a prefix in the names of the fields that have it."""
    return {name.decode().removeprefix(sort) for name in fields if name.startswith(sort.encode())}


def check(service: Service) -> dict[str, set[str]]:
    """Hold every budget and cluster of the store against each other; the members of every cluster."""
    store = service.store
    clusters: dict[str, set[str]] = {}
    edges: set[tuple[str, str]] = set()
    claims: set[str] = set()
    users = names(store, budget_key(""))
    for user in users:
        fields = store.execute("HGETALL", budget_key(user))
        if b"cluster" in fields:
            clusters.setdefault(fields[b"cluster"].decode(), set()).add(user)
        bound, out = _named(fields, "b:"), _named(fields, "x:") | _named(fields, "p:")
        edges |= {(user, edge) for edge in bound}
        # Nobody is bound by what was cut from it, or is its own; who gave proof is in no wave.
        assert not bound & out, (user, bound & out)
        assert b"proof" not in fields or not any(edge.startswith("w:") for edge in bound), user
    assert sorted(clusters) == names(store, cluster_key("")) == names(store, members_key(""))
    for cluster, members in clusters.items():
        assert {name.decode() for name in store.execute("SMEMBERS", members_key(cluster))} == members
        fields = store.execute("HGETALL", cluster_key(cluster))
        assert {edge for user, edge in edges if user in members} == _named(fields, "e:")
        claimed = _named(fields, "c:")
        assert int(fields.get(b"claims", 0)) == len(claimed)
        assert claimed <= _named(fields, "e:")
        claims |= claimed
        abusive = [user for user in members if store.execute("HEXISTS", budget_key(user), "bad")]
        assert int(fields.get(b"bad", 0)) == len(abusive)
        ends = [float(value) for name, value in fields.items() if name.startswith(b"e:")]
        assert float(fields[b"due"]) <= min(ends)
        latest = log(store, cluster_key(cluster))[0]
        assert recorded(store, cluster_key(cluster)) == sum(
            recorded(store, budget_key(user), latest) for user in members
        )
        assert all(log(store, budget_key(user))[0] <= latest for user in members)
    assert all(count > 1 for count in Counter(edge for _, edge in edges).values())
    # Who hangs together by the edges that stand is exactly who is in a cluster. What some claim may still bind others,
    # who have used it for long: those apart.
    of = {user: cluster for cluster, members in clusters.items() for user in members}
    sides = {(user, edge): f"{edge} {of[user]}" if edge in claims else edge for user, edge in edges}
    graph = Belonging(sides=sides)
    assert {graph.group(user) for user, _ in edges} == {frozenset(members) for members in clusters.values()}
    banned = set(names(store, ban_key("")))
    stale = [(user, edge, store.execute("HGETALL", budget_key(user))) for user, edge in edges if edge in banned]
    assert not stale, stale
    return clusters
