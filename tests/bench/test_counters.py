"""What a store says of itself is read as it is: commands by name, those of scripts too, and who sent them."""

from __future__ import annotations

from collections import Counter

from riskapi.store.connections import Store
from riskapi.store.embedded import Embedded
from tests.bench.counters import calls_of, counters, sent_by_clients

_SCRIPT = "redis.call('SET', KEYS[1], 1) redis.call('GET', KEYS[1]) return redis.call('EXPIRE', KEYS[1], 9)"


def test_calls_are_read_from_what_info_tells() -> None:
    told = {
        "cmdstat_hmget": {"calls": 12, "usec": 40, "usec_per_call": 3.3},
        "cmdstat_config|get": {"calls": 2, "usec": 9},
        "used_memory": 1000,
        "errorstat_NOSCRIPT": {"count": 1},
    }
    assert calls_of(told) == Counter({"hmget": 12, "config|get": 2})


def test_commands_inside_scripts_count_and_those_of_before_do_not(store: Store) -> None:
    store.execute("GET", "risk:test")
    before = counters(store)
    for _ in range(3):
        store.execute("HSET", "risk:test:hash", "a", 1)
    store.execute("EVAL", _SCRIPT, 1, "risk:test")
    found = counters(store) - before
    assert found.calls == Counter({"hset": 3, "eval": 1, "set": 1, "get": 1, "expire": 1, "info": 1})
    assert found.appended > 0 and found.received > 0 and found.sent > 0


def test_what_clients_send_is_told_from_what_scripts_run(store: Store, embedded_store: Embedded) -> None:
    def work() -> None:
        store.execute("EVAL", _SCRIPT, 1, "risk:test")
        store.execute("GET", "risk:test")

    assert sent_by_clients(store, str(embedded_store.socket), work) == 2


def test_binary_values_are_no_trouble(store: Store, embedded_store: Embedded) -> None:
    value = bytes(range(256))
    assert sent_by_clients(store, str(embedded_store.socket), lambda: store.execute("SET", b"risk:\xff", value)) == 1
