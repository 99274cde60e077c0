"""Signups a second beside a do-nothing route under the same server, in rounds that take turns."""

from __future__ import annotations

import contextlib
import itertools
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from riskapi.settings import Settings
from riskapi.store.connections import Store, open_store
from tests.bench import load, processes, servers
from tests.bench.bodies import bodies
from tests.bench.counters import counters
from tests.bench.figures import Fsync, Ratio, Served
from tests.bench.progress import Steps
from tests.ports import free_port

_PATH = "/v1/signups"
#: Requests made ahead, a second and server: more than are answered.
_FASTEST = 4000


@dataclass(frozen=True, slots=True)
class Plan:
    """How a load is made: rounds of so many seconds, connections with one request each, worker processes a server."""

    rounds: int
    seconds: int
    connections: int
    workers: int


@dataclass(slots=True)
class Side:
    """One server and what was measured of it: figures a round, processor time by process under load and after it, and
    commands of its store.
    """

    pid: int
    port: int
    source: Iterator[bytes]
    store: Store | None = None
    figures: list[load.Figures] = field(default_factory=list)
    spent: dict[str, float] = field(default_factory=dict)
    after: dict[str, float] = field(default_factory=dict)
    commands: int = 0

    @property
    def answers(self) -> int:
        """Answers of all rounds."""
        return sum(each.answers for each in self.figures)

    def a_request(self, seconds: dict[str, float]) -> dict[str, float]:
        """Microseconds a request."""
        return {name: 1e6 * each / self.answers for name, each in seconds.items()}

    def served(self) -> Served:
        """Its figures."""
        rate, p50, p99 = (
            statistics.median(getattr(each, name) for each in self.figures) for name in ("rate", "p50", "p99")
        )
        rates = [each.rate for each in self.figures]
        return Served(
            rate=rate,
            low=min(rates),
            high=max(rates),
            p50=p50,
            p99=p99,
            busy=self.a_request(self.spent),
            errors=sum(each.errors for each in self.figures),
        )


def measure(
    directory: Path,
    key: str,
    plan: Plan,
    modes: Sequence[Fsync],
    steps: Steps,
    then: Callable[[int, Path], None] | None = None,
) -> tuple[list[Ratio], Served]:
    """Load a service for each way its store writes to the disk, and the do-nothing route: by turns, and each alone.

    ``then`` is called with the port and the data directory of the last service, while it runs.
    """
    requests = (load.request(_PATH, body, key) for body in bodies(1, "bench"))
    each = _FASTEST * plan.seconds * (plan.rounds + 1)
    with contextlib.ExitStack() as stack:
        sides = {}
        for mode in modes:
            fresh = list(itertools.islice(requests, each))
            sides[mode] = stack.enter_context(_service(directory / mode, key, mode, plan, iter(fresh)))
        noop = stack.enter_context(_noop(directory, plan, itertools.cycle(fresh[:5000])))
        everybody = (*sides.values(), noop)
        with steps.step(f"rounds of {' and '.join(modes)}", plan.rounds + 1) as advance:
            for number in range(plan.rounds + 1):
                for side in everybody:
                    _round(side, [each.pid for each in everybody], plan, warming=number == 0)
                advance(1)
        if then is not None:
            then(sides[modes[-1]].port, directory / modes[-1])
        nothing = noop.served()
        return [_ratio(mode, side, noop, nothing) for mode, side in sides.items()], nothing


def _round(side: Side, everybody: Sequence[int], plan: Plan, *, warming: bool) -> None:
    """One round, and what it left to do: nobody is busy with an earlier one meanwhile."""
    calls, before = _calls(side), processes.spent(side.pid)
    measured = load.run(
        load.web(side.port), side.source, seconds=1 if warming else plan.seconds, connections=plan.connections
    )
    loaded = processes.spent(side.pid)
    processes.until_quiet(everybody)
    if warming:
        return
    side.figures.append(measured)
    side.commands += _calls(side) - calls
    for kept, found in (
        (side.spent, processes.grown(loaded, before)),
        (side.after, processes.grown(processes.spent(side.pid), loaded)),
    ):
        for name, seconds in found.items():
            kept[name] = kept.get(name, 0.0) + seconds


def _calls(side: Side) -> int:
    return 0 if side.store is None else counters(side.store).calls.total()


def _ratio(mode: Fsync, side: Side, noop: Side, nothing: Served) -> Ratio:
    ratios = [mine.rate / theirs.rate for mine, theirs in zip(side.figures, noop.figures, strict=True)]
    signups, after = side.served(), side.a_request(side.after)
    after.pop("client", None)
    busy = sum(signups.busy.values()) + sum(after.values())
    return Ratio(
        fsync=mode,
        ratio=statistics.median(ratios),
        low=min(ratios),
        high=max(ratios),
        work=sum(nothing.busy.values()) / busy if busy else 0.0,
        p99_ratio=signups.p99 / nothing.p99,
        signups=signups,
        after=after,
        commands=side.commands / side.answers,
    )


@contextlib.contextmanager
def _service(directory: Path, key: str, mode: Fsync, plan: Plan, source: Iterator[bytes]) -> Iterator[Side]:
    port = free_port()
    environment = {
        "RISKAPI_BIND": f"127.0.0.1:{port}",
        "RISKAPI_DATA_DIR": str(directory),
        "RISKAPI_BOOTSTRAP_KEY": key,
        "RISKAPI_WORKERS": str(plan.workers),
        "RISKAPI_STORE_FSYNC": mode,
        "RISKAPI_ENRICHMENT": "off",  # nobody outside is asked about invented people
    }
    command = [sys.executable, "-m", "riskapi", "serve"]
    with (
        servers.running(command, port, environment, directory.with_suffix(".log")) as pid,
        contextlib.closing(open_store(Settings.load({"RISKAPI_DATA_DIR": str(directory)}))) as store,
    ):
        yield Side(pid, port, source, store)


@contextlib.contextmanager
def _noop(directory: Path, plan: Plan, source: Iterator[bytes]) -> Iterator[Side]:
    port, threads = free_port(), str(Settings.load({}).threads)
    command = [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--no-ws", "--http", "1"),
        *("--workers", str(plan.workers), "--blocking-threads", threads, "--port", str(port), "tests.bench.noop:app"),
    ]
    with servers.running(command, port, {}, directory / "noop.log") as pid:
        yield Side(pid, port, source)
