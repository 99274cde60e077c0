"""Ranges of addresses that hosting firms, content networks, VPNs, Tor and crawlers publish: the table of iporigin.

iporigin's own ``classify`` knows one table, the one inside its package. This reads any table of its format, so that a
newer one can take over while the older still serves the requests in hand.
"""

from __future__ import annotations

import struct
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

from iporigin import DatasetError
from iporigin._data import DATA_FILE, _Dataset

#: The table inside the installed package.
INSTALLED: Final = Path(DATA_FILE)

#: iporigin's kinds; it knows no others, and a table that has one is of another format.
KINDS: Final = frozenset({"hosting", "cdn", "vpn", "tor", "bot"})
#: Bytes of the head of a table and of its ranges: ``iporigin/_data.py`` of version 1.1.2.
_HEAD, _RANGE_4, _RANGE_6 = struct.Struct("<8sHQHII"), 10, 34


class Range(NamedTuple):
    """Who publishes a range, and what it is used for, one of :data:`KINDS`."""

    provider: str
    kind: str


class HostingRanges:
    """One table, read-only, shared by threads. ``built`` is the Unix time it was compiled at."""

    def __init__(self, content: bytes) -> None:
        """Read a table. Raises :class:`ValueError` with what is wrong with it."""
        try:
            dataset: Any = _Dataset(content)  # type: ignore[no-untyped-call]
        except (struct.error, UnicodeDecodeError, IndexError) as error:
            raise ValueError(f"it is cut short or garbled: {error}") from None
        except DatasetError as error:
            raise ValueError(str(error)) from None
        unknown = {kind for _, kind in dataset.labels} - KINDS
        if unknown:
            raise ValueError(f"it has ranges of an unknown kind, {sorted(unknown)[0]!r}")
        self._dataset = dataset
        self.built = float(dataset.built_at)

    def __len__(self) -> int:
        """How many ranges."""
        return len(self._dataset)

    def find(self, address: int, version: int) -> Range | None:
        """The range that has an address, given as a number and its IP version; None for an address of no range."""
        found = self._dataset.find(address, version)
        return None if found is None else Range._make(found)

    def check(self, content: bytes) -> None:
        """Raise :class:`ValueError` where ranges overlap, run backwards, or the table goes on after its end.

        A look-up would not notice: it would find some ranges and miss others.
        """
        found = self._dataset
        for name, starts, ends in (
            ("IPv4", found.v4_starts, found.v4_ends),
            ("IPv6", found.v6_starts, found.v6_ends),
        ):
            if any(start > end for start, end in zip(starts, ends, strict=True)):
                raise ValueError(f"an {name} range ends before it begins")
            if any(end >= start for end, (_, start) in zip(ends, pairwise(starts), strict=False)):
                raise ValueError(f"{name} ranges overlap or are not in order")
            labels = found.v4_labels if name == "IPv4" else found.v6_labels
            if labels and max(labels) >= len(found.labels):
                raise ValueError(f"an {name} range has no provider")
        labelled = sum(2 + len(f"{provider}\t{kind}".encode()) for provider, kind in found.labels)
        size = _HEAD.size + labelled + _RANGE_4 * len(found.v4_starts) + _RANGE_6 * len(found.v6_starts)
        if len(content) != size:
            raise ValueError(f"it has {len(content)} bytes where its head announces {size}")
