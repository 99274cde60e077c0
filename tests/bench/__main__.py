"""Print signups a second beside a do-nothing route, where the time goes, what an account takes, and how both grow.

The figures are written to var/bench as JSON, with a picture beside them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from riskapi.settings.http_server import cores
from riskapi.store.embedded import socket_path
from tests.bench import (
    asked,
    feedback,
    growth,
    in_process,
    instructions,
    pages,
    ratio,
    reviewing,
    sending,
    servers,
    stages,
    upstreams,
    worst,
)
from tests.bench.afterwards import Afterwards
from tests.bench.figures import Bench, Fsync, Grants, Growth, Memory, Worst
from tests.bench.plot import plot
from tests.bench.progress import Steps
from tests.bench.ratio import Plan
from tests.bench.report import report
from tests.bench.servers import KEY
from tests.bench.setting import ROOT, setting

_FOLDER = ROOT / "var" / "bench"
#: Accounts among which signups are timed.
_SIZES = (10_000, 100_000)
#: Parts that are run alone, each with options of its own.
_PARTS = {
    "feedback": feedback.main,
    "instructions": instructions.main,
    "pages": pages.main,
    "reviewing": reviewing.main,
}
#: Signups of which stages are told, and what they ask of the store.
_STAGED, _ASKED = 2000, 1000


def main(words: Sequence[str] | None = None) -> int:
    """Run the benchmark, print it and write it down; 1 where an answer was not 200, or a complaint was late."""
    given = sys.argv[1:] if words is None else list(words)
    for word, part in _PARTS.items():
        if given[:1] == [word]:
            return part(given[1:])
    options = _parser().parse_args(given)
    servers.end_in_order()
    plan = Plan(options.rounds, options.seconds, options.connections, options.workers)
    modes: tuple[Fsync, ...] = (options.fsync,) if options.fsync else get_args(Fsync)
    steps = Steps()
    with tempfile.TemporaryDirectory(prefix="riskapi-bench-") as name:
        bench = _measure(Path(name), plan, modes, options, steps)
    with steps.step("complaints", 1) as advance:
        found = feedback.measure(feedback.COMPLAINTS, feedback.SECONDS)
        advance(1)
    for line in [*report(bench), "", *feedback.lines(found)]:
        print(line)
    print("\n" + "\n".join(str(path) for path in write(bench, options.folder)))
    return 1 if bench.errors or feedback.is_late(found) else 0


def write(bench: Bench, folder: Path) -> list[Path]:
    """Write the figures as JSON, and a picture of them; where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    name = bench.setting.at.replace(":", "").replace("+0000", "Z")
    made = {folder / f"{name}.json": bench.model_dump_json(indent=2) + "\n", folder / f"{name}.svg": plot(bench)}
    for path, text in made.items():
        path.write_text(text)
    return list(made)


def _measure(directory: Path, plan: Plan, modes: Sequence[Fsync], options: argparse.Namespace, steps: Steps) -> Bench:
    few, grants = min(plan.rounds, 3), list[Grants]()

    def send(port: int, data: Path) -> None:
        with steps.step("sending", few + 1) as advance:
            grants.extend(
                sending.measure(
                    port, socket_path(data), KEY, rounds=few, seconds=plan.seconds, connections=plan.connections,
                    advance=advance,
                )
            )  # fmt: skip

    ratios, nothing = ratio.measure(directory, KEY, plan, modes, steps, send)
    with steps.step("stages", _STAGED) as advance:
        staged = stages.measure(directory / "stages", KEY, _STAGED, advance)
    with steps.step("what is asked of the store", asked.total(_ASKED)) as advance:
        asks = asked.measure(directory / "asked", KEY, _ASKED, advance)
    memory, grown, worsts = _grow(directory / "growth", options, steps)
    beside = None
    if not options.no_upstreams:
        with steps.step("upstreams", upstreams.cases()) as advance:
            shorter = Plan(few, plan.seconds, plan.connections, plan.workers)
            beside = upstreams.measure(directory, KEY, shorter, modes[-1], advance)
    return Bench(
        setting=setting(plan),
        ratios=ratios,
        nothing=nothing,
        stages=staged,
        asked=asks,
        sending=grants,
        memory=memory,
        growth=grown,
        worst=worsts,
        upstreams=beside,
    )


def _grow(
    directory: Path, options: argparse.Namespace, steps: Steps
) -> tuple[Memory | None, Growth | None, list[Worst] | None]:
    sizes = sorted({*(size for size in _SIZES if size < options.growth), options.growth} - {0})
    if not sizes and not options.worst:
        return None, None, None
    settings = in_process.settings_of(directory, KEY)
    with in_process.serving(settings) as service:
        growing = growth.Growing(directory, KEY, service, steps)
        grown = growing.measure(sizes) if sizes else None
        afterwards = Afterwards(service, settings)
        worsts = worst.measure(growing, service, afterwards, options.worst, steps) if options.worst else None
    return growing.memory, grown, worsts


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make bench",
        description=__doc__,
        epilog="Parts run alone, each with --help: python -m tests.bench feedback | instructions | pages | reviewing",
    )
    parser.add_argument("--rounds", type=int, default=5, help="rounds, in each of which every server has its turn (5)")
    parser.add_argument("--seconds", type=int, default=4, help="seconds a round and server (4)")
    parser.add_argument("--connections", type=int, default=8, help="connections, each with one request under way (8)")
    parser.add_argument("--workers", type=int, default=cores(), help="worker processes of each server (cores)")
    parser.add_argument("--fsync", choices=get_args(Fsync), help="of the store; both unless one is named")
    parser.add_argument(
        "--growth",
        type=int,
        default=_SIZES[-1],
        help="accounts up to which signups are timed (100000); 0 leaves it out",
    )
    parser.add_argument(
        "--worst", type=int, default=20_000, help="accounts that share a thing (20000); 0 leaves it out"
    )
    parser.add_argument(
        "--no-upstreams", action="store_true", help="leave out signups beside good, slow and dead DNS and RDAP"
    )
    parser.add_argument("--folder", type=Path, default=_FOLDER, help="where figures are written (var/bench)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
