"""What must hold in the store whatever ran at once: every cluster is exactly its members, and spent what they spent."""

from __future__ import annotations

from riskapi.app import Service
from riskapi.budgets import budget_key, cluster_key, members_key
from riskapi.joins import ban_key
from riskapi.store.connections import Store
from tests.reference import Reference

_SUM = """local log, sum = cmsgpack.unpack(redis.call('HGET', KEYS[1], 'spends') or cmsgpack.pack({0})), 0
for i = 3, #log, 2 do sum = sum + log[i] end
return sum"""


def recorded(store: Store, key: str) -> int:
    """All recipients in the log of an account or a cluster."""
    return int(store.execute("EVAL", _SUM, 1, key))


def names(store: Store, prefix: str) -> list[str]:
    """What follows a prefix in the keys that have it."""
    found = store.execute("KEYS", prefix.replace("{", "[{]") + "*")
    return sorted(key.decode().removeprefix(prefix) for key in found)


def check(service: Service) -> dict[str, set[str]]:
    """Hold every budget and cluster of the store against each other; the members of every cluster."""
    store = service.store
    clusters: dict[str, set[str]] = {}
    edges: set[tuple[str, str]] = set()
    users = names(store, budget_key(""))
    for user in users:
        fields = store.execute("HGETALL", budget_key(user))
        if b"cluster" in fields:
            clusters.setdefault(fields[b"cluster"].decode(), set()).add(user)
        edges |= {(user, name[2:].decode()) for name in fields if name.startswith(b"b:")}
    assert sorted(clusters) == names(store, cluster_key("")) == names(store, members_key(""))
    for cluster, members in clusters.items():
        assert {name.decode() for name in store.execute("SMEMBERS", members_key(cluster))} == members
        fields = store.execute("HGETALL", cluster_key(cluster))
        assert {edge for user, edge in edges if user in members} == {
            name[2:].decode() for name in fields if name.startswith(b"e:")
        }
        ends = [float(value) for name, value in fields.items() if name.startswith(b"e:")]
        assert float(fields[b"due"]) <= min(ends)
        assert recorded(store, cluster_key(cluster)) == sum(recorded(store, budget_key(user)) for user in members)
    # Who hangs together by the edges that stand is exactly who is in a cluster.
    graph = Reference(caps=dict.fromkeys(users, (0, 0, 0)), edges=edges)
    assert graph.clusters() == {frozenset(members) for members in clusters.values()}
    assert not {edge for _, edge in edges} & set(names(store, ban_key("")))
    return clusters
