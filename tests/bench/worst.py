"""What a signup costs that shares something with very many, beside one in the same store that shares nothing: until it
is answered, and what it leaves to a worker.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable

from riskapi.app import Service
from tests.bench import in_process
from tests.bench.afterwards import Afterwards
from tests.bench.bodies import bodies
from tests.bench.figures import Worst
from tests.bench.growth import Growing
from tests.bench.progress import Steps
from tests.bench.sharing import SHARED, sharing

#: Blocks of signups of each sort, which take turns, and signups in one.
_BLOCKS, _BLOCK = 6, 100


def measure(growing: Growing, service: Service, afterwards: Afterwards, count: int, steps: Steps) -> list[Worst]:
    """Load ``count`` accounts through the line for each thing that can be shared, and time more that share it."""
    found = []
    for number, what in enumerate(SHARED):
        seconds = growing.load(count, f"{count:,} that share {what}", shared=what)
        with steps.step(f"signups that share {what}", 4 * _BLOCKS * _BLOCK) as advance:
            found.append(_timed(service, afterwards, what, count, seconds, number, advance))
        growing.accounts += 4 * _BLOCKS * _BLOCK
    return found


def _timed(
    service: Service,
    afterwards: Afterwards,
    what: str,
    count: int,
    seconds: float,
    number: int,
    advance: Callable[[int], None],
) -> Worst:
    together, alone = sharing(what, 900 + number, f"together{number}_"), bodies(950 + number, f"alone{number}_")
    costs: tuple[list[in_process.Cost], list[in_process.Cost]] = [], []
    for _ in range(_BLOCKS):
        for source, kept in zip((together, alone), costs, strict=True):
            kept.append(in_process.cost(service, source, _BLOCK))
            advance(_BLOCK)
    python, store, alone_python, alone_store = (
        statistics.median(getattr(each, name) for each in kept) for kept in costs for name in ("python", "store")
    )
    afterwards.do()  # what all of these left to do
    left = []
    for source in (together, alone):
        for body in itertools.islice(source, _BLOCKS * _BLOCK):
            in_process.sign_up(service, body)
        left.append(afterwards.do() / (_BLOCKS * _BLOCK))
        advance(_BLOCKS * _BLOCK)
    return Worst(
        shared=what,
        accounts=count,
        load_seconds=seconds,
        python=python,
        store=store,
        alone_python=alone_python,
        alone_store=alone_store,
        times=statistics.median(mine.whole / theirs.whole for mine, theirs in zip(*costs, strict=True)),
        after=left[0],
        alone_after=left[1],
    )
