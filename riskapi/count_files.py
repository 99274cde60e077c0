"""Files of counts: a process maps one into its memory, and any process reads it for Prometheus.

What prometheus_client has for that asks at every count whose process this is, looks the place up, and packs what it
writes: five times the instructions. The form of the file is that of ``prometheus_client.mmap_dict.MmapedDict``, as its
``MultiProcessCollector`` reads it: bytes in use (4 bytes, and 4 of nothing), then entries: bytes of a key (4), the key
with spaces up to a multiple of 8 bytes, at least one, and two doubles, a value and the Unix time it is of.
"""

from __future__ import annotations

import os
import struct
from mmap import mmap
from threading import Lock

_SIZE, _DOUBLES, _HEAD = struct.Struct("i"), struct.Struct("dd"), 8


class CountFile:
    """A file of counts, mapped for writing; by one process at a time."""

    def __init__(self, path: str) -> None:
        """``path`` is a file with room in it, all zeros or with what was counted before."""
        self._path, self._lock = path, Lock()
        self._memory = self._mapped()
        self._end: int = max(_SIZE.unpack_from(self._memory)[0], _HEAD)
        self._places: dict[bytes, int] = {}
        place = _HEAD
        while place < self._end:
            (size,) = _SIZE.unpack_from(self._memory, place)
            key = self._memory[place + _SIZE.size :][:size]
            self._places[key] = place + _before_value(size)
            place = self._places[key] + _DOUBLES.size

    def number(self, key: str) -> Number:
        """The number of this key, which goes on from where it is, and is 0 in an entry of its own at first."""
        said = key.encode()
        with self._lock:
            place = self._places.get(said)
            if place is None:
                place = self._places[said] = self._added(said)
            # A file that grows later is mapped anew, which leaves this map of its beginning as good as before.
            return Number(self._memory, place, self._lock)

    def _added(self, key: bytes) -> int:
        """Where the value of a new entry is."""
        value: int = self._end + _before_value(len(key))
        end = value + _DOUBLES.size
        if end > len(self._memory):
            os.truncate(self._path, max(end, 2 * len(self._memory)))
            self._memory = self._mapped()
        head = _SIZE.pack(len(key)) + key
        self._memory[self._end : end] = head.ljust(value - self._end) + bytes(_DOUBLES.size)
        self._memory[: _SIZE.size] = _SIZE.pack(end)  # last: who reads meanwhile sees whole entries
        self._end = end
        return value

    def _mapped(self) -> mmap:
        with open(self._path, "r+b") as file:
            return mmap(file.fileno(), 0)


class Number:
    """A value in a file of counts, as prometheus_client's metrics use one. Threads share it."""

    __slots__ = ("_doubles", "_index", "_lock", "_memory", "_place")

    def __init__(self, memory: mmap, place: int, lock: Lock) -> None:
        self._memory, self._place, self._lock = memory, place, lock
        # A double is written to such a view at once, never by bytes: a reader sees the count before or after.
        self._doubles, self._index = memoryview(memory).cast("d"), place // 8

    def inc(self, amount: float) -> None:
        """Add to it; it is of no certain time."""
        with self._lock:
            self._doubles[self._index] += amount

    def set(self, value: float, timestamp: float | None = None) -> None:
        """Put another value in its place, of a Unix time where that is said."""
        with self._lock:
            self._memory[self._place : self._place + _DOUBLES.size] = _DOUBLES.pack(value, timestamp or 0.0)

    def get(self) -> float:
        """The value."""
        return self._doubles[self._index]

    def set_exemplar(self, exemplar: object) -> None:
        """Nothing: a file has no room for an example of what was counted."""

    def get_exemplar(self) -> None:
        """None, as none is kept."""


def _before_value(size: int) -> int:
    """Bytes of an entry before its value, for a key of so many bytes."""
    return _SIZE.size + size + 8 - (size + _SIZE.size) % 8
