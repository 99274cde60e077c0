"""Keys of entities, and how an account keeps those it has to do with."""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from binascii import a2b_base64
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from struct import Struct

from riskapi.links.kinds import CLOSE, COUNTED, KINDS
from riskapi.links.macs import MAC
from riskapi.store import damaged

#: One byte a kind keeps keys short: they are the larger part of what the store holds.
LETTERS = dict(zip((*KINDS, *COUNTED, *CLOSE, "holder", "wave"), "mptdoifbxnrlcasvuqkhw", strict=True))
KIND_OF = {letter: kind for kind, letter in LETTERS.items()}
#: What the key of an entity begins with, by kind, and where its HMAC begins.
_BEGINNINGS = {kind: f"risk:e:{letter}:" for kind, letter in LETTERS.items()}
_MAC_AT = len("risk:e:m:")
#: From the alphabet of base64 for URLs (RFC 4648, 5) to the one without.
_STANDARD = bytes.maketrans(b"-_", b"+/")
#: Ends the names in the field of an account; and such a name: all of it, the letter, what tells two of a kind apart.
_END, _NAME = b"\0", re.compile(r"(([a-z])(?::([^ ]+) )?)")


def key_of(kind: str, mac: str) -> str:
    """Key of the entity of a kind whose value has this HMAC, see :meth:`riskapi.links.entities.Links.mac`."""
    return _BEGINNINGS[kind] + mac


def mac_of(key: str) -> str:
    """The HMAC in the key of an entity."""
    return key[_MAC_AT:]


def packed_mac(mac: str) -> bytes:
    """The 12 bytes of an HMAC, or those of several, as the field of an account has them."""
    return _packed(mac.encode())


def _packed(macs: bytes) -> bytes:
    return a2b_base64(macs.translate(_STANDARD))


def entities_of(stored: bytes | None, user_id: str = "?") -> dict[str, str]:
    """What an account has to do with, by kind, as its field says it; nothing where that cannot be read."""
    if stored and _END in stored:
        return damaged.read("account", user_id, partial(_read, stored), dict[str, str]())
    if stored and stored[:1].isalpha():
        return damaged.read("account", user_id, partial(_read_text, stored), dict[str, str]())
    # Until 2026-11-27 a field was text, before that JSON by kind, and until 2026-11 it said whole keys.
    found = damaged.loads("account", user_id, stored, dict[str, str]())
    return {name: said if ":" in said else key_of(_kind_of(name), said) for name, said in found.items()}


def packed_entities(keys: Mapping[str, str]) -> bytes:
    """What an account has to do with, by kind, for its field: the letters of all kinds, a zero byte, and the 12 bytes
    of each HMAC.

    A name is a kind. Where an account has two of a kind, a colon and something that tells them apart follow, and stand
    behind the letter: ``md:C_jD-x od`` are a mailbox, a device that is told apart, a mail domain and a device.
    """
    macs = b"".join(_macs(len(keys))("".join(keys.values()).encode()))
    return _letters(tuple(keys)) + _END + _packed(macs)


@lru_cache(maxsize=64)
def _macs(count: int) -> Callable[[bytes], tuple[bytes, ...]]:
    """What takes the HMACs out of so many keys that stand one behind the other."""
    return Struct(f"{_MAC_AT}x{MAC}s" * count).unpack


@lru_cache(maxsize=1024)  # most accounts have to do with the same kinds
def _letters(names: tuple[str, ...]) -> bytes:
    return "".join([LETTERS[name] if name in LETTERS else _apart(name) for name in names]).encode()


def _apart(name: str) -> str:
    kind, _, apart = name.partition(":")
    return f"{LETTERS[kind]}:{apart} "


def _read(stored: bytes) -> dict[str, str]:
    said, _, packed = stored.partition(_END)
    names, macs = _NAME.findall(said.decode()), urlsafe_b64encode(packed).decode()
    if 4 * len(packed) != 3 * MAC * len(names) or sum(len(word) for word, *_ in names) != len(said):
        raise ValueError("not what an account has to do with")
    found = {}
    for place, (_, letter, apart) in enumerate(names):
        kind = KIND_OF[letter]
        found[f"{kind}:{apart}" if apart else kind] = key_of(kind, macs[MAC * place : MAC * (place + 1)])
    return found


def _read_text(stored: bytes) -> dict[str, str]:
    """Until 2026-11-27: the letter and the HMAC of each, with a space between them."""
    found = {}
    for word in stored.decode().split(" "):
        said, colon, apart = word.partition(":")
        if len(said) != 1 + MAC:
            raise ValueError("not an HMAC")
        kind = KIND_OF[said[0]]
        found[kind + colon + apart] = key_of(kind, said[1:])
    return found


def _kind_of(name: str) -> str:
    return name.partition(":")[0]
