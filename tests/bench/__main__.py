"""Print decisions a second beside a do-nothing route under the same server, and where the time goes."""

from __future__ import annotations

import argparse
import io
import itertools
import os
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from flask import Flask

import signals
from riskapi import decide
from riskapi.api.server import build
from riskapi.app import Service, assemble
from riskapi.settings import Settings, cores
from riskapi.signup import Signup
from riskapi.store.embedded import Embedded
from tests.bench import load
from tests.bench.bodies import bodies

_PATH = "/v1/signups"
_KEY = secrets.token_urlsafe(32)
_VALIDATE = "validate: JSON to Signup"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _server(command: list[str], port: int, environment: dict[str, str], log: Path) -> Iterator[None]:
    """Run a server until the block ends; it is up when ``/readyz`` answers 200."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=output, stderr=output)
        try:
            for _ in range(600):
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1):
                        break
                except (OSError, urllib.error.URLError):
                    if process.poll() is not None:
                        raise SystemExit(f"the server ended at once:\n{log.read_text()}") from None
                    time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait()


def _measure(options: argparse.Namespace, directory: Path) -> tuple[list[load.Figures], list[load.Figures]]:
    full_port, noop_port = _free_port(), _free_port()
    workers = str(options.workers)
    full_environment = {
        "RISKAPI_BIND": f"127.0.0.1:{full_port}",
        "RISKAPI_DATA_DIR": str(directory / "served"),
        "RISKAPI_BOOTSTRAP_KEY": _KEY,
        "RISKAPI_WORKERS": workers,
        "RISKAPI_STORE_FSYNC": options.fsync,
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
    found: tuple[list[load.Figures], list[load.Figures]] = ([], [])
    with (
        _server(full, full_port, full_environment, directory / "full.log"),
        _server(noop, noop_port, {}, directory / "noop.log"),
    ):
        for number in range(options.rounds + 1):
            shown = "warm-up" if number == 0 else f"round {number} of {options.rounds}"
            print(f"\r{shown:<20}", end="", file=sys.stderr, flush=True)
            for figures, port, source in ((found[0], full_port, fresh), (found[1], noop_port, stale)):
                seconds = 1 if number == 0 else options.seconds
                measured = load.run(port, source, seconds=seconds, connections=options.connections)
                if number:
                    figures.append(measured)
    print("\r" + " " * 20 + "\r", end="", file=sys.stderr)
    return found


def _stages(directory: Path, count: int) -> list[tuple[str, float]]:
    """Mean microseconds of each stage, measured inside one process, one signup at a time."""
    settings = Settings.load(
        {"RISKAPI_DATA_DIR": str(directory / "stages"), "RISKAPI_BOOTSTRAP_KEY": _KEY, **_inherited()}
    )
    spent: dict[str, float] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        begin = time.perf_counter()
        result = work()
        spent[name] = spent.get(name, 0.0) + 1e6 * (time.perf_counter() - begin) / count
        return result

    with Embedded(settings.data_dir, fsync="everysec"):
        service = assemble(settings)
        service.decisions.register_schema()
        served = build(service.parts)
        for apart, whole, posted in itertools.islice(
            zip(bodies(2, "a"), bodies(3, "b"), bodies(4, "c"), strict=True), count
        ):
            _one(service, apart, timed)
            signup = Signup.model_validate_json(whole)
            timed("line", partial(service.assessor.signup, signup, time.time()))
            timed("http", partial(_serve, served, _environ(posted)))
        used = service.store.execute("INFO", "cpu")
    line, http = spent.pop("line"), spent.pop("http")
    stages = list(spent.items())
    stages.append(("record: answer, second trip to the store", line - sum(spent.values()) + spent[_VALIDATE]))
    stages.append(("Flask, key, metrics and log line", http - line - spent[_VALIDATE]))
    stages.append(("sum, without the server and the client", http))
    busy = (float(used["used_cpu_user"]) + float(used["used_cpu_sys"])) / (3 * count)
    return [*stages, ("processor time of the store, within the trips", 1e6 * busy)]


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
    judge, gatherer = service.sources.judge, service.assessor.gatherer
    now = time.time()
    signup = timed(_VALIDATE, lambda: Signup.model_validate_json(body))
    parsed = timed("parse: mail, phone, network, device", lambda: gatherer.parse(signup, now))
    user = signup.account.user_id
    gathered = timed("gather: first trip to the store", lambda: gatherer.gather(user, parsed.facts, judge.policy))
    readings = timed(f"read: {len(signals.registered())} signals", lambda: signals.read(gathered.facts))
    timed("score and decide", lambda: decide.decide(readings, judge.scorer, judge.policy))


def _row(name: str, figures: list[load.Figures]) -> str:
    middle = [statistics.median(getattr(each, field) for each in figures) for field in ("rate", "p50", "p99")]
    low, high = min(each.rate for each in figures), max(each.rate for each in figures)
    return f"{name:<28}{middle[0]:>10.0f}{middle[1]:>10.2f}{middle[2]:>10.2f}    {low:.0f} to {high:.0f}"


def main() -> None:
    """Run the benchmark and print it."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds, each of both servers in turn (5)")
    parser.add_argument("--seconds", type=int, default=4, help="seconds a round and server (4)")
    parser.add_argument("--connections", type=int, default=8, help="connections, each with one request under way (8)")
    parser.add_argument("--workers", type=int, default=cores(), help="worker processes of each server (cores)")
    parser.add_argument("--fsync", choices=("always", "everysec"), default="always", help="of the store (always)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        full, noop = _measure(options, Path(name))
        stages = _stages(Path(name), 2000)
    print(f"{cores()} cores, {options.workers} workers, {options.connections} connections, fsync {options.fsync};")
    print(f"medians of {options.rounds} rounds of {options.seconds} s, client and store on the same cores\n")
    print(f"{'':<28}{'a second':>10}{'p50 ms':>10}{'p99 ms':>10}    range a second")
    print(_row("POST /v1/signups", full))
    print(_row("do-nothing Flask route", noop))
    ratios = [mine.rate / theirs.rate for mine, theirs in zip(full, noop, strict=True)]
    print(f"\nratio {statistics.median(ratios):.2f} (of {min(ratios):.2f} to {max(ratios):.2f}); aim: 0.40 or more")
    errors = sum(each.errors for each in (*full, *noop))
    print(f"answers that were not 200: {errors}\n")
    print("what limits it, microseconds a signup, one at a time in one process:")
    for label, microseconds in stages:
        print(f"  {label:<44}{microseconds:>8.0f}")
    if errors:
        sys.exit(1)


if __name__ == "__main__":
    main()
