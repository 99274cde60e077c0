"""Keys of entities, and how an account keeps those it has to do with."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from riskapi.links.kinds import CLOSE, COUNTED, KINDS
from riskapi.store import damaged

#: One byte a kind keeps keys short: they are the larger part of what the store holds.
LETTERS = dict(zip((*KINDS, *COUNTED, *CLOSE, "holder", "wave"), "mptdoifbxnrlcasvqkhw", strict=True))


def key_of(kind: str, mac: str) -> str:
    """Key of the entity of a kind whose value has this HMAC, see :meth:`riskapi.links.entities.Links.mac`."""
    return f"risk:e:{LETTERS[kind]}:{mac}"


def mac_of(key: str) -> str:
    """The HMAC in the key of an entity."""
    return key.rpartition(":")[2]


def entities_of(stored: bytes | None, user_id: str = "?") -> dict[str, str]:
    """What an account has to do with, by kind, as its field says it; nothing where that cannot be read."""
    found = damaged.loads("account", user_id, stored, dict[str, str]())
    # Until 2026-11 a field said whole keys.
    return {name: said if ":" in said else key_of(_kind_of(name), said) for name, said in found.items()}


def entities_json(keys: Mapping[str, str]) -> bytes:
    """What an account has to do with, by kind, as JSON for its field: of each key the HMAC alone, for its kind tells
    the rest. A name is a kind, or a kind and a colon and something that tells two of a kind apart.
    """
    return orjson.dumps({name: mac_of(key) for name, key in keys.items()})


def _kind_of(name: str) -> str:
    return name.partition(":")[0]
