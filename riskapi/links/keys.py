"""Keys of entities, and how an account keeps those it has to do with."""

from __future__ import annotations

from collections.abc import Mapping

from riskapi.links.kinds import CLOSE, COUNTED, KINDS
from riskapi.links.macs import MAC
from riskapi.store import damaged

#: One byte a kind keeps keys short: they are the larger part of what the store holds.
LETTERS = dict(zip((*KINDS, *COUNTED, *CLOSE, "holder", "wave"), "mptdoifbxnrlcasvuqkhw", strict=True))
_KINDS = {letter: kind for kind, letter in LETTERS.items()}
#: What the key of an entity begins with, by kind, and where its HMAC begins.
_BEGINNINGS = {kind: f"risk:e:{letter}:" for kind, letter in LETTERS.items()}
_MAC_AT = len("risk:e:m:")


def key_of(kind: str, mac: str) -> str:
    """Key of the entity of a kind whose value has this HMAC, see :meth:`riskapi.links.entities.Links.mac`."""
    return _BEGINNINGS[kind] + mac


def mac_of(key: str) -> str:
    """The HMAC in the key of an entity."""
    return key[_MAC_AT:]


def entities_of(stored: bytes | None, user_id: str = "?") -> dict[str, str]:
    """What an account has to do with, by kind, as its field says it; nothing where that cannot be read."""
    if stored and stored[:1].isalpha():
        return damaged.read("account", user_id, lambda: _read(stored.decode()), dict[str, str]())
    # Until 2026-11-27 a field was JSON by kind, and until 2026-11 it said whole keys.
    found = damaged.loads("account", user_id, stored, dict[str, str]())
    return {name: said if ":" in said else key_of(_kind_of(name), said) for name, said in found.items()}


def entities_text(keys: Mapping[str, str]) -> bytes:
    """What an account has to do with, by kind, for its field: the letter and the HMAC of each, with a space between
    them, as ``m1LMa6wJg5AzehvzC xrX7ADziuUAtepCjD``. A name is a kind, or a kind and a colon and something that tells
    two of a kind apart, which then stands behind the HMAC.
    """
    said = [LETTERS[name] + key[_MAC_AT:] if name in LETTERS else _word(name, key) for name, key in keys.items()]
    return " ".join(said).encode() or b"{}"


def _word(name: str, key: str) -> str:
    kind, colon, apart = name.partition(":")
    return LETTERS[kind] + mac_of(key) + colon + apart


def _read(text: str) -> dict[str, str]:
    found = {}
    for word in text.split(" "):
        said, colon, apart = word.partition(":")
        if len(said) != 1 + MAC:
            raise ValueError("not an HMAC")
        kind = _KINDS[said[0]]
        found[kind + colon + apart] = key_of(kind, said[1:])
    return found


def _kind_of(name: str) -> str:
    return name.partition(":")[0]
