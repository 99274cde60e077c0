"""Ranges of addresses that hosting firms, content networks, VPNs, Tor and crawlers publish: the table of iporigin.

iporigin's own ``classify`` knows one table, the one inside its package. This reads any table of its format, so that a
newer one can take over while the older still serves the requests in hand.

This is the one place that reaches into iporigin, made for 1.1.2: ``_data._Dataset``, which reads a table, and
``_data.DATA_FILE``, where the installed one is. Where one of them is gone or holds something else,
:class:`ConfigurationError` says so when the first table is read, which is at the start.
"""

from __future__ import annotations

import importlib
import struct
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

import iporigin

from riskapi.errors import ConfigurationError

#: What this was made for; ``tests/test_private_interfaces.py`` holds it to requirements.txt.
MADE_FOR: Final = "iporigin 1.1.2"
#: What is used of a table, once it is read.
_PARTS: Final = (
    "find", "labels", "built_at", "v4_starts", "v4_ends", "v4_labels", "v6_starts", "v6_ends", "v6_labels",
)  # fmt: skip

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
            dataset: Any = _private("_Dataset")(content)
        except (struct.error, UnicodeDecodeError, IndexError) as error:
            raise ValueError(f"it is cut short or garbled: {error}") from None
        except iporigin.DatasetError as error:
            raise ValueError(str(error)) from None
        for part in _PARTS:
            if not hasattr(dataset, part):
                raise _changed(f"a table has no {part}")
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


def installed() -> Path:
    """The table inside the installed package. Raises :class:`ConfigurationError`."""
    return Path(_private("DATA_FILE"))


def _private(name: str) -> Any:
    try:
        return getattr(importlib.import_module("iporigin._data"), name)
    except (ImportError, AttributeError):
        raise _changed(f"_data has no {name}") from None


def _changed(how: str) -> ConfigurationError:
    return ConfigurationError("requirements", "iporigin", f"is not as {MADE_FOR} is: {how}")
