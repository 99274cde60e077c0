"""``make bench-light``: within a minute, whether signups became dearer than they were when the baseline was written.

It warns and never fails: a busy machine makes figures worse, too.

    python -m tests.bench.light            compare with tests/bench/baseline.json
    python -m tests.bench.light --write    write the baseline anew, on a machine with nothing else to do
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import ValidationError

from riskapi.settings.http_server import cores
from tests.bench import asked, ratio, servers
from tests.bench.figures import Asked, Found, Ratio
from tests.bench.progress import Steps
from tests.bench.ratio import Plan
from tests.bench.servers import KEY

BASELINE = Path(__file__).with_name("baseline.json")
#: A change of this share is told.
_QUARTER = 0.25
#: Signups that are counted.
_ASKED = 500


class Light(Found):
    """What is compared: signups a second as a share of a do-nothing route's, with fsync everysec, and the same of
    processor time (see :class:`tests.bench.figures.Ratio`); for a signup, commands the store runs, bytes to and from it
    and in its append-only file; and bytes of memory an account.
    """

    ratio: float
    work: float
    commands: float
    bytes_sent: float
    bytes_received: float
    bytes_appended: float
    memory: float


_FALLING = {
    "ratio": "signups a second, as a share of the do-nothing route's,",
    "work": "processor time of the do-nothing route, as a share of a signup's,",
}
_RISING = {
    "commands": "commands of the store a signup",
    "bytes_sent": "bytes a signup sends to the store",
    "bytes_received": "bytes a signup reads from the store",
    "bytes_appended": "bytes a signup writes to the append-only file",
    "memory": "bytes of the store's memory an account",
}


def light(found: Ratio, asks: Asked) -> Light:
    """The figures that are compared."""
    return Light(
        ratio=round(found.ratio, 3),
        work=round(found.work, 3),
        commands=round(asks.commands, 1),
        bytes_sent=round(asks.bytes_sent),
        bytes_received=round(asks.bytes_received),
        bytes_appended=round(asks.bytes_appended),
        memory=round(asks.memory),
    )


def warnings(now: Light, baseline: Light) -> Iterator[str]:
    """What became worse by a quarter or more, one sentence each."""
    for name, said in _FALLING.items():
        before, after = getattr(baseline, name), getattr(now, name)
        if after <= before * (1 - _QUARTER):
            yield f"{said} fell from {before:.3f} to {after:.3f}"
    for name, said in _RISING.items():
        before, after = getattr(baseline, name), getattr(now, name)
        if after >= before * (1 + _QUARTER):
            yield f"{said} rose from {before:,.0f} to {after:,.0f}"


def measure(steps: Steps) -> Light:
    """Few rounds, with fsync everysec alone, which depends least on the disk."""
    with tempfile.TemporaryDirectory(prefix="riskapi-bench-") as name:
        with steps.step("what is asked of the store", asked.total(_ASKED)) as advance:
            asks = asked.measure(Path(name) / "asked", KEY, _ASKED, advance)
        (found,), _ = ratio.measure(Path(name), KEY, Plan(3, 2, 8, cores()), ["everysec"], steps)
    return light(found, asks)


def compare(now: Light, path: Path) -> Iterator[str]:
    """Lines that say how the figures stand beside the baseline in a file."""
    yield f"bench: {', '.join(f'{name} {value:,g}' for name, value in now.model_dump().items())}"
    try:
        baseline = Light.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        yield f"bench: warning: no baseline in {path.name}: {type(error).__name__}"
        return
    told = list(warnings(now, baseline))
    yield from (f"bench: warning: {text}" for text in told)
    if not told:
        yield f"bench: nothing became worse by a quarter (baseline: ratio {baseline.ratio:g})"


def main(words: Sequence[str] | None = None) -> int:
    """Measure, and compare or write; 0 whatever was found."""
    parser = argparse.ArgumentParser(prog="make bench-light", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the baseline instead of comparing with it")
    options = parser.parse_args(words)
    servers.end_in_order()
    now = measure(Steps())
    if options.write:
        BASELINE.write_text(now.model_dump_json(indent=2) + "\n")
    for line in compare(now, BASELINE):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
