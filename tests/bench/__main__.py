"""Print decisions a second beside a do-nothing route under the same server, and where the time goes."""

from __future__ import annotations

import argparse
import io
import itertools
import os
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from flask import Flask

import signals
from riskapi import logs
from riskapi.api.server import build
from riskapi.app import Service, assemble
from riskapi.decisions import decide
from riskapi.inputs.signup import Signup
from riskapi.settings import Settings, cores
from riskapi.store.embedded import Embedded, socket_path
from tests.bench import load, processes, sending, servers, upstreams
from tests.bench.bodies import bodies

_PATH = "/v1/signups"
_KEY = secrets.token_urlsafe(32)
#: Signups before anything is timed.
_WARM = 300
_VALIDATE = "validate: JSON to Signup"


@dataclass(slots=True)
class Side:
    """What was measured of one server: a figure a round, and processor time by process, in seconds."""

    figures: list[load.Figures] = field(default_factory=list)
    spent: dict[str, float] = field(default_factory=dict)

    def microseconds(self) -> dict[str, float]:
        """Processor time a request, by process."""
        answers = sum(each.answers for each in self.figures)
        return {name: 1e6 * seconds / answers for name, seconds in self.spent.items()}


def _measure(options: argparse.Namespace, directory: Path) -> tuple[Side, Side, sending.Sending]:
    full_port, noop_port = servers.free_port(), servers.free_port()
    workers = str(options.workers)
    full_environment = {
        "RISKAPI_BIND": f"127.0.0.1:{full_port}",
        "RISKAPI_DATA_DIR": str(directory / "served"),
        "RISKAPI_BOOTSTRAP_KEY": _KEY,
        "RISKAPI_WORKERS": workers,
        "RISKAPI_STORE_FSYNC": options.fsync,
        "RISKAPI_ENRICHMENT": "off",  # nobody outside is asked about invented people
    }
    threads = str(Settings.load({}).threads)
    noop = [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--no-ws", "--http", "1", "--workers", workers),
        *("--blocking-threads", threads, "--port", str(noop_port), "tests.bench.noop:app"),
    ]
    full = [sys.executable, "-m", "riskapi", "serve"]
    requests = (load.request(_PATH, body, _KEY) for body in bodies(1, "bench"))
    made = list(itertools.islice(requests, 4000 * options.seconds * (options.rounds + 1)))
    fresh, stale = iter(made), itertools.cycle(made[:5000])
    found = Side(), Side()
    with (
        servers.running(full, full_port, full_environment, directory / "full.log") as full_pid,
        servers.running(noop, noop_port, {}, directory / "noop.log") as noop_pid,
    ):
        sides = ((found[0], full_pid, full_port, fresh), (found[1], noop_pid, noop_port, stale))
        for number in range(options.rounds + 1):
            shown = "warm-up" if number == 0 else f"round {number} of {options.rounds}"
            print(f"\r{shown:<20}", end="", file=sys.stderr, flush=True)
            for side, pid, port, source in sides:
                before = processes.spent(pid)
                seconds = 1 if number == 0 else options.seconds
                measured = load.run(load.web(port), source, seconds=seconds, connections=options.connections)
                if number:
                    side.figures.append(measured)
                    for name, total in processes.spent(pid).items():
                        side.spent[name] = side.spent.get(name, 0.0) + total - before.get(name, 0.0)
        print(f"\r{'sending':<20}", end="", file=sys.stderr, flush=True)
        sent = sending.measure(
            full_port,
            socket_path(directory / "served"),
            _KEY,
            rounds=min(options.rounds, 3),
            seconds=options.seconds,
            connections=options.connections,
        )
    print("\r" + " " * 20 + "\r", end="", file=sys.stderr)
    return *found, sent


def _stages(directory: Path, count: int) -> list[tuple[str, float, float]]:
    """Mean microseconds of each stage, of processor time and of time, in one process, one signup at a time."""
    settings = Settings.load(
        {"RISKAPI_DATA_DIR": str(directory / "stages"), "RISKAPI_BOOTSTRAP_KEY": _KEY, **_inherited()}
    )
    spent: dict[str, tuple[float, float]] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        begin, busy = time.perf_counter(), time.process_time()
        result = work()
        busy, passed = time.process_time() - busy, time.perf_counter() - begin
        before = spent.get(name, (0.0, 0.0))
        spent[name] = (before[0] + 1e6 * busy / count, before[1] + 1e6 * passed / count)
        return result

    with Embedded(settings.data_dir, fsync="everysec"), open(os.devnull, "w") as nowhere:
        logs.configure("info", nowhere)
        service = assemble(settings)
        service.decisions.register_schema()
        served = build(service.parts)
        for body in itertools.islice(bodies(5, "w"), _WARM):  # parsers, caches and the model as they are in service
            service.parts.assessor.signup(Signup.model_validate_json(body), time.time())
        for apart, whole, posted in itertools.islice(
            zip(bodies(2, "a"), bodies(3, "b"), bodies(4, "c"), strict=True), count
        ):
            _one(service, apart, timed)
            signup = Signup.model_validate_json(whole)
            timed("line", partial(service.parts.assessor.signup, signup, time.time()))
            timed("http", partial(_serve, served, _environ(posted)))
        used = service.store.execute("INFO", "cpu")
    line, http = spent.pop("line"), spent.pop("http")
    whole_line = [sum(each[kind] for name, each in spent.items() if name != _VALIDATE) for kind in (0, 1)]
    stages = [(name, *each) for name, each in spent.items()]
    stages.append(("record: answer, second trip to the store", line[0] - whole_line[0], line[1] - whole_line[1]))
    around = [http[kind] - line[kind] - spent[_VALIDATE][kind] for kind in (0, 1)]
    stages.append(("HTTP, key, metrics and log line", around[0], around[1]))
    stages.append(("sum, without the server and the client", *http))
    busy = (float(used["used_cpu_user"]) + float(used["used_cpu_sys"])) / (3 * count + _WARM)
    return [*stages, ("the store, within the time of the trips", 1e6 * busy, 1e6 * busy)]


def _beside_upstreams(options: argparse.Namespace, directory: Path) -> dict[str, upstreams.Case]:
    return upstreams.measure(
        directory,
        _KEY,
        rounds=min(options.rounds, 3),
        seconds=options.seconds,
        connections=options.connections,
        workers=options.workers,
        fsync=options.fsync,
    )


def _inherited() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name in ("RISKAPI_MODEL_MODE", "RISKAPI_POLICY_FILE")}


def _serve(application: Flask, environ: dict[str, Any]) -> bytes:
    return b"".join(application.wsgi_app(environ, lambda *_: lambda _: None))


def _environ(body: bytes) -> dict[str, Any]:
    """A request as a WSGI server hands it over."""
    return {
        "REQUEST_METHOD": "POST", "PATH_INFO": _PATH, "SCRIPT_NAME": "", "QUERY_STRING": "", "SERVER_NAME": "localhost",
        "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)), "HTTP_HOST": "localhost", "HTTP_AUTHORIZATION": f"Bearer {_KEY}",
        "wsgi.input": io.BytesIO(body), "wsgi.url_scheme": "http", "wsgi.errors": sys.stderr, "wsgi.version": (1, 0),
        "wsgi.multithread": True, "wsgi.multiprocess": True, "wsgi.run_once": False,
    }  # fmt: skip


def _one(service: Service, body: bytes, timed: Callable[[str, Callable[[], Any]], Any]) -> None:
    basis, gatherer = service.sources.basis, service.parts.assessor.gatherer
    now = time.time()
    signup = timed(_VALIDATE, lambda: Signup.model_validate_json(body))
    parsed = timed("parse: mail, phone, network, device", lambda: gatherer.parse(signup, now))
    user = signup.account.user_id
    gathered = timed("gather: first trip to the store", lambda: gatherer.gather(user, parsed.facts, basis.policy))
    readings = timed(f"read: {len(signals.registered())} signals", lambda: signals.read(gathered.facts))
    timed("score and decide", lambda: decide.decide(readings, basis.scorer, basis.policy))


def _row(name: str, figures: list[load.Figures]) -> str:
    middle = [statistics.median(getattr(each, field) for each in figures) for field in ("rate", "p50", "p99")]
    low, high = min(each.rate for each in figures), max(each.rate for each in figures)
    return f"{name:<28}{middle[0]:>10.0f}{middle[1]:>10.2f}{middle[2]:>10.2f}    {low:.0f} to {high:.0f}"


def _print_limits(full: Side, noop: Side, stages: list[tuple[str, float, float]]) -> None:
    mine, theirs = full.microseconds(), noop.microseconds()
    if mine:
        print("what limits it: processor time, microseconds a request under that load")
        print(f"  {'':<44}{'signup':>9}{'nothing':>9}")
        for name in ("server", "store", "client"):
            print(f"  {name:<44}{mine.get(name, 0.0):>9.0f}{theirs.get(name, 0.0):>9.0f}")
        print(f"  {'together':<44}{sum(mine.values()):>9.0f}{sum(theirs.values()):>9.0f}")
        # All busy: processors are what there is too little of. Otherwise time goes by in waiting, mostly for the disk.
        rate = statistics.median(each.rate for each in full.figures)
        print(f"  {rate * sum(mine.values()) / 1e6:.1f} of {cores()} cores were busy with signups\n")
    print("where it goes: microseconds a signup, one at a time in one process")
    print(f"  {'':<44}{'busy':>9}{'passed':>9}")
    for label, busy, passed in stages:
        print(f"  {label:<44}{busy:>9.0f}{passed:>9.0f}")


def main() -> None:
    """Run the benchmark and print it."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds, each of both servers in turn (5)")
    parser.add_argument("--seconds", type=int, default=4, help="seconds a round and server (4)")
    parser.add_argument("--connections", type=int, default=8, help="connections, each with one request under way (8)")
    parser.add_argument("--workers", type=int, default=cores(), help="worker processes of each server (cores)")
    parser.add_argument("--fsync", choices=("always", "everysec"), default="always", help="of the store (always)")
    parser.add_argument(
        "--no-upstreams", action="store_true", help="leave out signups beside good, slow and dead DNS and RDAP"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        full, noop, sent = _measure(options, Path(name))
        stages = _stages(Path(name), 2000)
        asked = {} if options.no_upstreams else _beside_upstreams(options, Path(name))
    print(f"{cores()} cores, {options.workers} workers, {options.connections} connections, fsync {options.fsync};")
    print(f"medians of {options.rounds} rounds of {options.seconds} s, client and store on the same cores\n")
    print(f"{'':<28}{'a second':>10}{'p50 ms':>10}{'p99 ms':>10}    range a second")
    print(_row("POST /v1/signups", full.figures))
    print(_row("do-nothing Flask route", noop.figures))
    ratios = [mine.rate / theirs.rate for mine, theirs in zip(full.figures, noop.figures, strict=True)]
    print(f"\nratio {statistics.median(ratios):.2f} (of {min(ratios):.2f} to {max(ratios):.2f}); aim: 0.40 or more")
    errors = sum(each.errors for each in (*full.figures, *noop.figures))
    print(f"answers that were not 200: {errors}\n")
    _print_limits(full, noop, stages)
    sending.show(sent)
    if asked:
        upstreams.show(asked)
    if errors or upstreams.errors(asked):
        sys.exit(1)


if __name__ == "__main__":
    main()
