"""A fault: something that keeps a part of the service from doing its work, in words an operator can act on."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

#: ``away`` does not answer; ``loading`` reads its data; ``busy`` runs a script that does not end; ``full`` is out of
#: memory; ``read_only`` is a replica; ``disk`` cannot write its data; ``replicas`` has fewer than it must have;
#: ``refused`` does not let us do what we need; ``slow`` answers late; ``data_disk``: the data directory's disk is full.
Name = Literal["away", "loading", "busy", "full", "read_only", "disk", "replicas", "refused", "slow", "data_disk"]
NAMES: tuple[Name, ...] = get_args(Name)
#: With these, signups still get full answers.
MINOR: frozenset[Name] = frozenset({"slow"})


class Fault(NamedTuple):
    """``name`` is one of :data:`NAMES`; ``said`` a clause without personal data."""

    name: Name
    said: str

    def __str__(self) -> str:
        """As a person reads it."""
        return f"{self.name}: {self.said}"
