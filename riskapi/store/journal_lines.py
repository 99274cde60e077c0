"""One line of the journal: an entry, compressed with a dictionary of what all entries say alike.

A line is ``1``, 16 hexadecimal digits that stand for the entry's name, a blank, and the entry as JSON in zlib's format
(RFC 1950, whose checksum finds damage), with line ends escaped. An answered signup of 10 kB takes some 500 bytes.
Before that a line was the JSON itself: such lines are still read.
"""

from __future__ import annotations

import hashlib
import zlib
from importlib import resources
from typing import Any

import orjson

#: What entries are compressed against: two answered signups of nobody, one that says little and one that says much.
#: A journal is read with the dictionary it was written with, so this file is never changed: another is a second file.
_ALIKE = (resources.files("riskapi.store") / "journal.dict").read_bytes()
#: Levels over zlib's default save 6% and take half as long again.
_LEVEL = 6
#: Bytes of one entry, over which a line cannot be one of ours: twice the largest body that is taken.
_MOST = 1 << 21
_MARK = b"1"
_DIGITS = 16


def digest(name: str) -> bytes:
    """What stands for a name in a line."""
    return hashlib.sha256(name.encode()).hexdigest()[:_DIGITS].encode()


def encode(name: str, entry: dict[str, Any]) -> bytes:
    """The line of an entry, with its end."""
    packer = zlib.compressobj(_LEVEL, zdict=_ALIKE)
    packed = packer.compress(orjson.dumps(entry)) + packer.flush()
    escaped = packed.replace(b"\x1b", b"\x1b\x01").replace(b"\n", b"\x1b\x02")
    return _MARK + digest(name) + b" " + escaped + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """The entry of a line without its end. Raises :class:`ValueError` for one that is damaged."""
    if line.startswith(_MARK):
        packed = line[len(_MARK) + _DIGITS + 1 :].replace(b"\x1b\x02", b"\n").replace(b"\x1b\x01", b"\x1b")
        unpacker = zlib.decompressobj(zdict=_ALIKE)
        try:
            line = unpacker.decompress(packed, _MOST)
        except zlib.error as error:
            raise ValueError(f"not an entry: {error}") from None
        if not unpacker.eof:
            raise ValueError("not an entry: it is cut short")
    found = orjson.loads(line)
    if not isinstance(found, dict):
        raise ValueError("not an entry: not an object")
    return found


def named(line: bytes) -> bytes:
    """What stands for the name in a line; empty for one that says none."""
    return line[len(_MARK) : len(_MARK) + _DIGITS] if line.startswith(_MARK) else b""
