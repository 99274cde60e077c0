"""Whether the audit log is as it was written: every note follows from the one before it.

Someone who can write to the store can make the whole chain anew. A hash that was written down elsewhere shows that:
``holds`` of :func:`verify`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from riskapi.access.audit_log import CHAIN, STREAM

if TYPE_CHECKING:
    from riskapi.store.connections import Store

#: What the first note follows from.
_BEGINNING = "0" * 64
#: Notes read at a time.
_READ = 1_000


@dataclass(slots=True)
class ChainCheck:
    """What was found. ``fault`` says which note breaks the chain and how; None where it holds.

    ``checked`` notes follow from each other, the first after number ``start``, up to which notes were dropped;
    ``unchained`` ones are of a release that had no chain. ``number`` and ``hash`` are the latest note's. ``held`` says
    whether the hash that was asked for is among them, None where none was asked for.
    """

    checked: int = 0
    unchained: int = 0
    start: int = 0
    number: int = 0
    hash: str = _BEGINNING
    fault: str | None = None
    held: bool | None = None


def verify(
    store: Store, told: Callable[[int, int], None] = lambda done, of: None, holds: str | None = None
) -> ChainCheck:
    """Read the whole log; ``told`` hears how many of how many notes were read.

    Notes that come meanwhile are not looked at, and those dropped meanwhile are not missed.
    """
    pipe = store.pipeline()
    state = pipe.ask("HMGET", CHAIN, "number", "hash", "start", "start_hash", read=list)
    length = pipe.ask("XLEN", STREAM, read=int)
    store.run(pipe)
    last, last_hash, start, start_hash = state()
    found = ChainCheck(start=int(start or 0), number=int(start or 0), hash=(start_hash or _BEGINNING.encode()).decode())
    upto, of = int(last or 0), length()
    if holds is not None:
        found.held = holds == found.hash
    after, seen = "-", 0
    while True:
        rows = store.execute("XRANGE", STREAM, after, "+", "COUNT", _READ)
        for place, fields in rows:
            if found.checked == 0 and found.unchained == 0:
                _move_on(store, found, fields)
            if found.number >= upto and b"hash" in fields:
                break
            found.fault = _follow(found, place.decode(), fields, holds)
            if found.fault is not None:
                return found
        else:
            seen += len(rows)
            told(seen, max(of, seen))
            if len(rows) == _READ:
                after = f"({rows[-1][0].decode()}"
                continue
        break
    if found.number != upto or found.hash != (last_hash or _BEGINNING.encode()).decode():
        found.fault = f"after number {found.number} the log ends; the latest that was written is number {upto}"
    return found


def _move_on(store: Store, found: ChainCheck, first: dict[bytes, bytes]) -> None:
    """Begin where the log begins now, where its oldest notes were dropped since the chain was asked about."""
    if b"number" not in first or int(first[b"number"]) <= found.start + 1:
        return
    start, start_hash = store.execute("HMGET", CHAIN, "start", "start_hash")
    if start is not None and start_hash is not None:
        found.start = found.number = int(start)
        found.hash = start_hash.decode()


def _follow(found: ChainCheck, place: str, fields: dict[bytes, bytes], holds: str | None) -> str | None:
    """Go one note on; what is wrong with it, if anything."""
    data, number, digest = fields.get(b"data", b""), fields.get(b"number"), fields.get(b"hash")
    if number is None or digest is None:
        if found.number > 0:
            return f"the note {place}, after number {found.number}, is not part of the chain"
        found.unchained += 1
        return None
    if number != b"%d" % (found.number + 1):
        given = number.decode("utf-8", "replace")
        return f"the note {place} is number {given}; after number {found.number} comes {found.number + 1}"
    text = f"{found.hash} {found.number + 1} {hashlib.sha256(data).hexdigest()}"
    if hashlib.sha256(text.encode()).hexdigest() != digest.decode("latin-1"):
        return f"the note {place}, number {number.decode()}, is not what was written, or does not follow from its hash"
    found.number += 1
    found.hash = digest.decode()
    found.checked += 1
    if holds is not None and found.hash == holds:
        found.held = True
    return None
