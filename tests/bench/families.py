"""Memory an account takes, by family of keys (docs/keys.md)."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator

from riskapi.links.keys import LETTERS
from riskapi.store.connections import PREFIX, Store
from tests.bench.figures import Family

_ENTITY = "risk:e"
_KINDS = {letter: kind for kind, letter in LETTERS.items()}
#: Keys in one trip to the store.
_TRIP = 1000


def family(key: str) -> str:
    """The family of a key: ``risk:a`` of ``risk:a:{3}:u_1``."""
    return PREFIX + key.removeprefix(PREFIX).partition(":")[0]


def kind(key: str) -> str:
    """The kind of the entity with this key: ``device`` of ``risk:e:d:…``."""
    return _KINDS[key.removeprefix(f"{_ENTITY}:").partition(":")[0]]


def families(store: Store, accounts: int) -> tuple[list[Family], list[Family]]:
    """Keys and bytes an account of each family, and of each kind of entity, the largest first; every key is measured
    whole. What the store's own tables take for keys and expiry is in none of them.
    """
    keys: tuple[Counter[str], Counter[str]] = Counter(), Counter()
    sizes: tuple[Counter[str], Counter[str]] = Counter(), Counter()
    names = _keys(store)
    while some := list(itertools.islice(names, _TRIP)):
        pipe = store.pipeline()
        for key in some:
            pipe.execute_command("MEMORY", "USAGE", key, "SAMPLES", 0)
        for key, size in zip(some, store.run(pipe), strict=True):
            place = family(key)
            keys[0][place] += 1
            sizes[0][place] += size or 0
            if place == _ENTITY:
                keys[1][kind(key)] += 1
                sizes[1][kind(key)] += size or 0
    first, second = (
        [Family(name=name, keys=count[name] / accounts, bytes=size / accounts) for name, size in total.most_common()]
        for count, total in zip(keys, sizes, strict=True)
    )
    return first, second


def _keys(store: Store) -> Iterator[str]:
    """Every key, each once: SCAN may tell one twice (https://valkey.io/commands/scan/)."""
    seen: set[bytes] = set()
    cursor = 0
    while True:
        cursor, found = store.execute("SCAN", cursor, "COUNT", _TRIP)
        for key in found:
            if key not in seen:
                seen.add(key)
                yield key.decode()
        if int(cursor) == 0:
            return
