"""A data set that can be refreshed, with what must be true of every file of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple

from riskapi.datasets.formats import Reader
from riskapi.datasets.packages import Packaged
from riskapi.errors import ConfigurationError
from riskapi.times import DAY

Name = Literal[
    "asn", "country", "hosting", "networks", "numbering", "disposable", "free", "relay", "suffix", "providers",
    "aliases", "access", "registries",
]  # fmt: skip


class Checked(NamedTuple):
    """What a file that passed is: its size in bytes, entries, when it was made if it says so, and its SHA-256."""

    bytes: int
    entries: int
    built: float | None
    sha256: str


@dataclass(frozen=True, slots=True)
class DataSet:
    """One data set.

    ``unit`` is what its entries are. ``entries`` are the fewest and the most a file may have, ``most_bytes`` its
    largest size. ``stale_days`` is the age from which on the doctor warns, ``oldest_days`` the age from which on an
    update refuses it. ``samples`` are questions to :attr:`reader` with the answers every sound file gives.
    """

    name: Name
    unit: str
    ending: str
    packaged: Packaged
    reader: Reader
    entries: tuple[int, int]
    most_bytes: int
    stale_days: int
    oldest_days: int
    samples: Mapping[str, object]

    def check(self, path: Path, where: str) -> Checked:
        """Check size, format and samples of a file. Raises :class:`ConfigurationError` with ``where`` it came from."""
        size = path.stat().st_size
        if not 0 < size <= self.most_bytes:
            raise self.refused(where, f"it has {size:,} bytes; from 1 to {self.most_bytes:,} are expected")
        try:
            found = self.reader(path, self.samples)
        except ValueError as error:
            raise self.refused(where, str(error)) from None
        least, most = self.entries
        if not least <= found.entries <= most:
            expected = f"from {least:,} to {most:,} are expected"
            raise self.refused(where, f"it has {found.entries:,} {self.unit}; {expected}")
        for question, answer in self.samples.items():
            if found.answers[question] != answer:
                said = f"it says {found.answers[question]!r} of {question}, which is {answer!r}"
                raise self.refused(where, f"{said}; a sound file knows")
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Checked(size, found.entries, found.built, digest)

    def refused(self, where: str, reason: str) -> ConfigurationError:
        """The error of a file that is not taken."""
        return ConfigurationError(where, self.name, reason)


def day(at: float) -> str:
    """The day of a Unix time, in UTC."""
    return datetime.fromtimestamp(at, UTC).date().isoformat()


def days(at: float, now: float) -> int:
    """Whole days from one Unix time to another."""
    return int((now - at) // DAY)
