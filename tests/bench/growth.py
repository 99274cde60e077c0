"""What a signup costs where few and many accounts are, and the memory of an account.

The accounts of the first size come through the line; to get to a larger one, copies of accounts are loaded.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path

from riskapi.app import Service
from tests.bench import in_process, loading
from tests.bench.bodies import bodies
from tests.bench.counters import memory_of
from tests.bench.families import families
from tests.bench.figures import Growth, Memory, Size
from tests.bench.progress import Steps

#: Accounts up to which all come through the line.
_THROUGH_THE_LINE = 10_000
#: Signups that are timed at each size: so many blocks, of so many.
_BLOCKS, _BLOCK = 6, 100
#: Of the memory that is free, this share may be used: forking to write the append-only file copies what changes then.
_SHARE = 0.7
_MEMINFO = Path("/proc/meminfo")


class Growing:
    """A store that grows, in a directory. ``accounts`` are those that are in it by now."""

    def __init__(self, directory: Path, key: str, service: Service, steps: Steps) -> None:
        self._directory, self._key, self._service, self._steps = directory, key, service, steps
        self._empty = memory_of(service.store)
        self.accounts = in_process.warm(service)
        self.memory: Memory | None = None
        self._loads = 0

    def measure(self, sizes: list[int]) -> Growth:
        """Grow to one size after the other and time signups there. A size that does not fit into memory is left out."""
        found: list[Size] = []
        left_out: dict[int, str] = {}
        for size in sorted(sizes):
            if reason := self._fault(size, found):
                left_out[size] = reason
                continue
            found.append(self._measure(size))
        return Growth(sizes=found, left_out=left_out)

    def load(self, count: int, name: str, *, copies: bool = False, shared: str | None = None) -> float:
        """Load more accounts with every core; returns the seconds that took."""
        store, self._loads = self._service.store, self._loads + 1
        job = loading.Job(
            self._directory, self._key, f"load{self._loads}_", 100 + self._loads, count, copies=copies, shared=shared
        )
        with self._steps.step(name, count) as advance, loading.unwritten(store):
            seconds = loading.load(job, loading.workers(), advance)
        self.accounts += count
        return seconds

    def _measure(self, size: int) -> Size:
        store, begin = self._service.store, 0.0
        missing, copies = size - self.accounts, size > _THROUGH_THE_LINE
        if missing > 0:
            begin = self.load(missing, f"to {size:,} accounts", copies=copies)
        used, resident = (
            (now - empty) / self.accounts for now, empty in zip(memory_of(store), self._empty, strict=True)
        )
        by_family, by_kind = families(store, self.accounts)
        if self.memory is None:
            self.memory = Memory(
                accounts=self.accounts, families=by_family, kinds=by_kind, used=used, resident=resident
            )
        source = bodies(size, f"at{size}")
        costs = [self._block(source) for _ in range(_BLOCKS)]
        self.accounts += _BLOCKS * _BLOCK
        return Size(
            accounts=size,
            load_seconds=begin,
            python=statistics.median(each.python for each in costs),
            store=statistics.median(each.store for each in costs),
            commands=statistics.mean(each.commands for each in costs),
            used=used,
            resident=resident,
            families=by_family,
        )

    def _block(self, source: Iterator[bytes]) -> in_process.Cost:
        return in_process.cost(self._service, source, _BLOCK)

    def _fault(self, size: int, found: list[Size]) -> str | None:
        """Why a size is left out, going by what an account took so far; None where there is memory enough."""
        free = free_memory()
        if not found or free is None:
            return None
        needed = (size - self.accounts) * found[-1].resident
        if needed <= _SHARE * free:
            return None
        return f"some {needed / 1e9:.1f} GB would be needed, and of {free / 1e9:.1f} GB free {_SHARE:.0%} are used"


def free_memory() -> int | None:
    """Bytes the system could give; None where it does not tell."""
    try:
        lines = _MEMINFO.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)
