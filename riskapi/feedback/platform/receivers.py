"""Receivers: what each receiving domain did with the mail of all accounts together, by the hour.

An hour is one hash (``risk:fd:{b}:<hour>``) of some hundred domains, the largest ones: what is smaller becomes one row
(Manku and Motwani, "Approximate Frequency Counts over Data Streams", VLDB 2002, lets small ones go in the same way).
Domains stand under a hash; the name of one is kept only once it was written to often, so that no small domain, which
may be a person's, is stored.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Final

import orjson

from riskapi.store.connections import Store
from riskapi.store.pipelines import Pipeline, as_it_is
from riskapi.times import HOUR
from signals.records import record

#: Domains kept of an hour, and recipients in it from which on a name is kept.
KEPT: Final = 200
NAMED: Final = 10
#: Hours that are kept: more than the longest window, 72.
_HOURS: Final = 74
#: A domain as DNS has it, in A-labels.
_DOMAIN: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})+\.?\Z")
#: What says that a mail was tried and came to an end. A soft bounce is not one: a mail that is tried for days brings
#: many (RFC 5321, 4.5.4.1).
_ENDS: Final = frozenset({"delivered", "hard_bounce", "block"})


@record
class Receiving:
    """What was met in a window: recipients attempted and blocked by domain, those of all ``other`` domains, and how
    many were reported as delivered; where none is, shares say nothing.
    """

    domains: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    other: tuple[int, int] = (0, 0)
    delivered: int = 0


def domain_of(recipient: str | None) -> str | None:
    """The domain of an address in small letters; None where it is missing or none that DNS can hold."""
    found = (recipient or "").rpartition("@")[2].strip().lower()
    return found.rstrip(".") if _DOMAIN.match(found) else None


class Receivers:
    """Counts and reads what receiving domains did. Safe to share between threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._count = store.script("receiver_count")

    def queue(self, pipe: Pipeline, met: Iterable[tuple[str, str | None]], now: float) -> None:
        """Count in a pipeline types of events and their recipients, in the hour of Unix time ``now``. Each once: what
        was counted for its account before is not to be handed in again.
        """
        attempted, blocked, delivered = Counter[str](), Counter[str](), 0
        for kind, recipient in met:
            domain = domain_of(recipient)
            if kind in _ENDS and domain is not None:
                attempted[domain] += 1
                blocked[domain] += kind == "block"
                delivered += kind == "delivered"
        if not attempted:
            return
        asked = {
            "token": secrets.token_hex(6),
            "domains": [(_id(name), name, count, blocked[name]) for name, count in attempted.items()],
            "delivered": delivered,
            "kept": KEPT,
            "named": NAMED,
            "ttl": _HOURS * HOUR,
        }
        self._count.queue(pipe, [_key(int(now // HOUR))], [orjson.dumps(asked)])

    def read(self, now: float, hours: int) -> Receiving:
        """What was met within so many hours, the current one included. Raises :class:`StoreUnavailable`."""
        last, pipe = int(now // HOUR), self._store.pipeline()
        asked = [pipe.ask("HGETALL", _key(last - back), read=as_it_is) for back in range(hours)]
        self._store.run(pipe)
        attempted, blocked, names, delivered = Counter[str](), Counter[str](), dict[str, str](), 0
        for found in asked:
            for row, value in found().items():
                letter, _, id = row.decode().partition(":")
                if letter == "n":
                    names[id] = value.decode()
                elif letter == "delivered":
                    delivered += int(value)
                elif letter in ("a", "b"):
                    (attempted if letter == "a" else blocked)[id] += int(value)
        known = {names[id]: (count, blocked[id]) for id, count in attempted.items() if id in names}
        others = [id for id in attempted if id not in names]
        other = (sum(attempted[id] for id in others), sum(blocked[id] for id in others))
        return Receiving(known, other, delivered)


def _id(domain: str) -> str:
    return hashlib.sha256(domain.encode()).hexdigest()[:12]


def _key(hour: int) -> str:
    """Key of an hour (since 1970, in UTC); it expires 74 hours after its last event."""
    return f"risk:fd:{{b}}:{hour}"
