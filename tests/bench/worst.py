"""What a signup costs that shares something with very many, beside one in the same store that shares nothing."""

from __future__ import annotations

import statistics

from riskapi.app import Service
from tests.bench import in_process
from tests.bench.bodies import bodies
from tests.bench.figures import Worst
from tests.bench.growth import Growing
from tests.bench.progress import Steps
from tests.bench.sharing import SHARED, sharing

#: Blocks of signups of each sort, which take turns, and signups in one.
_BLOCKS, _BLOCK = 6, 100


def measure(growing: Growing, service: Service, count: int, steps: Steps) -> list[Worst]:
    """Load ``count`` accounts through the line for each thing that can be shared, and time more that share it."""
    found = []
    for number, what in enumerate(SHARED):
        seconds = growing.load(count, f"{count:,} that share {what}", shared=what)
        with steps.step(f"signups that share {what}", 2 * _BLOCKS * _BLOCK) as advance:
            found.append(_timed(service, what, count, seconds, number, advance))
        growing.accounts += 2 * _BLOCKS * _BLOCK
    return found


def _timed(service: Service, what: str, count: int, seconds: float, number: int, advance: object) -> Worst:
    assert callable(advance)
    together, alone = sharing(what, 900 + number, f"together{number}_"), bodies(950 + number, f"alone{number}_")
    costs: tuple[list[in_process.Cost], list[in_process.Cost]] = [], []
    for _ in range(_BLOCKS):
        for source, kept in zip((together, alone), costs, strict=True):
            kept.append(in_process.cost(service, source, _BLOCK))
            advance(_BLOCK)
    python, store, alone_python, alone_store = (
        statistics.median(getattr(each, name) for each in kept) for kept in costs for name in ("python", "store")
    )
    return Worst(
        shared=what,
        accounts=count,
        load_seconds=seconds,
        python=python,
        store=store,
        alone_python=alone_python,
        alone_store=alone_store,
        times=statistics.median(mine.whole / theirs.whole for mine, theirs in zip(*costs, strict=True)),
    )
