"""Subjects: the domains and networks that an upstream is asked about, and where each waits to be looked up."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Final, Literal, get_args

from riskapi.store.streams import SHARDS
from signals.records import record

FindingKind = Literal["mail_domain", "registration", "registrant", "sender"]
#: Who is asked: each has a queue of its own, so that a slow one holds up nothing but itself.
Family = Literal["dns", "rdap"]
_LETTERS = dict(zip(get_args(FindingKind), "mrns", strict=True))
#: The kind of a subject by the letter that its queue calls it by.
KINDS: Final[dict[str, FindingKind]] = {letter: kind for kind, letter in _LETTERS.items()}
#: Every queue: whose it is, and of which shard.
QUEUES: Sequence[tuple[Family, int]] = [(family, number) for family in get_args(Family) for number in range(SHARDS)]


def queue_key(number: int, family: Family) -> str:
    """Key of a shard's subjects to look up, by when. No TTL: they leave it when they are looked up, or given up."""
    return f"risk:kq:{{{number}}}:{family}"


@record
class Subject:
    """Something to ask an upstream about. ``value`` is a domain, or an address of the network; ``id`` its HMAC."""

    kind: FindingKind
    value: str
    id: str

    @property
    def shard(self) -> int:
        """The shard its keys are in."""
        return zlib.crc32(self.id.encode()) % SHARDS

    @property
    def family(self) -> Family:
        """Who is asked about it."""
        return "dns" if self.kind in ("mail_domain", "sender") else "rdap"

    @property
    def queue(self) -> str:
        """Key of the queue it waits in."""
        return queue_key(self.shard, self.family)

    @property
    def member(self) -> str:
        """How the queue calls it."""
        return f"{_LETTERS[self.kind]}:{self.id}"

    @property
    def told(self) -> tuple[str, str]:
        """How an event tells of it; :func:`subject_told` reads that."""
        return self.member, self.value


def subject_told(told: Sequence[str]) -> Subject:
    """The subject in an event. Raises :class:`LookupError` and :class:`ValueError` for anything else."""
    member, value = told
    letter, _, name = member.partition(":")
    return Subject(KINDS[letter], value, name)


@record
class Task:
    """A subject to look up. ``tries`` counts this one; ``token`` proves that it is still ours.

    ``since`` is the Unix time at which somebody first waited for it.
    """

    subject: Subject
    tries: int
    token: float
    since: float
