"""Clusters that grow: how large each is by now, and whether a wave binds it. One trip for some of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from riskapi.budgets.keys import cluster_key, members_key
from riskapi.store.connections import Store
from signals.records import record

#: What the field of a cluster begins with that says that a wave binds it.
_WAVE = b"e:w:"


@record
class Grown:
    """A cluster as it is now; without accounts where it is part of another by now, or forgotten."""

    size: int
    wave: bool


def grown(store: Store, cluster_ids: Iterable[str]) -> Mapping[str, Grown]:
    """These clusters as they are now. Raises :class:`riskapi.errors.StoreUnavailable`."""
    pipe = store.pipeline()
    asked = {
        name: (
            pipe.ask("SCARD", members_key(name), read=int),
            pipe.ask("HKEYS", cluster_key(name), read=_is_wave),
        )
        for name in cluster_ids
    }
    store.run(pipe)
    return {name: Grown(size(), wave()) for name, (size, wave) in asked.items()}


def _is_wave(fields: Sequence[bytes]) -> bool:
    return any(name.startswith(_WAVE) for name in fields)
