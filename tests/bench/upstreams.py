"""Signups while the worker asks DNS and RDAP servers that answer, answer late, or never answer."""

from __future__ import annotations

import itertools
import json
import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from riskapi.settings import Settings
from riskapi.store.connections import open_store
from riskapi.store.heartbeats import working
from tests.bench import load, servers
from tests.bench.bodies import bodies
from tests.bench.figures import Upstreams
from tests.bench.ratio import Plan
from tests.ports import free_port
from tests.upstreams import DnsServer, RdapServer

#: Seconds an answer of a slow upstream takes.
_SLOW = 3.0
#: Look-ups a second at the one RDAP server: the default is for a registry's, which would see next to nothing.
_RDAP_RATE = "100"
#: Name → how the upstreams behave; the first is what the others are compared with.
_CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "off, nobody is asked": ("good", {}),
    "good": ("good", {}),
    f"slow, {_SLOW:g} s an answer": ("slow", {"seconds": _SLOW}),
    "dead, no answer": ("dead", {}),
}
_ZONES = {"*.example": {"MX": ["10 mx.dns.example"], "TXT": ["v=spf1 mx -all"]}, "mx.dns.example": {"A": ["192.0.2.1"]}}


def measure(directory: Path, key: str, plan: Plan, fsync: str, advance: Callable[[int], None]) -> list[Upstreams]:
    """Load one service after the other, each with a store and upstreams of its own; by the name of the case."""
    found: list[Upstreams] = []
    for number, (name, (mode, how)) in enumerate(_CASES.items()):
        port = free_port()
        with _upstreams(mode, how) as (addresses, counts):
            environment = {
                "RISKAPI_BIND": f"127.0.0.1:{port}",
                "RISKAPI_DATA_DIR": str(directory / f"upstreams{number}"),
                "RISKAPI_BOOTSTRAP_KEY": key,
                "RISKAPI_WORKERS": str(plan.workers),
                "RISKAPI_STORE_FSYNC": fsync,
                "RISKAPI_SERVE_WORKER": "on",
                "RISKAPI_ENRICHMENT": "on" if number else "off",
                "RISKAPI_RDAP_RATE": _RDAP_RATE,
                **addresses,
            }
            command = [sys.executable, "-m", "riskapi", "serve"]
            with servers.running(command, port, environment, directory / f"upstreams{number}.log"):
                _wait_for_worker(environment)
                requests = (load.request("/v1/signups", body, key) for body in _bodies(number))
                made = iter(list(itertools.islice(requests, 4000 * (plan.rounds * plan.seconds + 1))))
                load.run(load.web(port), made, seconds=1, connections=plan.connections)
                figures = [
                    load.run(load.web(port), made, seconds=plan.seconds, connections=plan.connections)
                    for _ in range(plan.rounds)
                ]
            dns, rdap = counts()
            found.append(_row(name, figures, dns, rdap, found[0].p99 if found else None))
        advance(1)
    return found


def cases() -> int:
    """How many services :func:`measure` loads."""
    return len(_CASES)


def _row(name: str, figures: list[load.Figures], dns: int, rdap: int, off: float | None) -> Upstreams:
    rate, p50, p99 = (statistics.median(getattr(each, key) for each in figures) for key in ("rate", "p50", "p99"))
    errors = sum(each.errors for each in figures)
    to_off = 1.0 if off is None else p99 / off
    return Upstreams(name=name, rate=rate, p50=p50, p99=p99, to_off=to_off, dns=dns, rdap=rdap, errors=errors)


def _wait_for_worker(environment: dict[str, str]) -> None:
    """Wait for the worker of a service, which begins after the service does."""
    with closing(open_store(Settings.load(environment))) as store:
        deadline = time.monotonic() + 60
        while not working(store, time.time()):
            if time.monotonic() > deadline:
                raise SystemExit("the worker did not start")
            time.sleep(0.05)


def _bodies(seed: int) -> Iterator[bytes]:
    """Signups of the benchmark, each from a mail domain of its own, and of networks of every kind."""
    for number, body in enumerate(bodies(seed, "up")):
        told = json.loads(body)
        told["email"]["address"] = f"{told['email']['address'].partition('@')[0]}@d{number}.example"
        yield json.dumps(told).encode()


@contextmanager
def _upstreams(mode: str, how: dict[str, Any]) -> Iterator[tuple[dict[str, str], Any]]:
    """Run both servers in a process of their own, so that they take no time of the client's thread.

    Yields the settings that point at them, and what to call for the look-ups they saw.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, mode, how), daemon=True)
    process.start()
    try:
        addresses: dict[str, str] = ours.recv()

        def counts() -> tuple[int, int]:
            ours.send("counts")
            seen: tuple[int, int] = ours.recv()
            return seen

        yield addresses, counts
    finally:
        ours.close()
        process.join()


def _serve(pipe: Connection, mode: str, how: dict[str, Any]) -> None:
    with DnsServer(_ZONES) as dns_server, RdapServer() as rdap:
        rdap.domain("*.example")
        for first in range(1, 224):
            rdap.network(f"{first}.0.0.0/8", organization="Example Telecom Broadband")
        dns_server.behave(".", mode, **how)
        rdap.behave("/", mode, **how)
        pipe.send({"RISKAPI_DNS_RESOLVER": dns_server.bind, "RISKAPI_RDAP_BASE": rdap.base})
        try:
            while True:
                pipe.recv()
                pipe.send((dns_server.count(), rdap.count()))
        except EOFError:
            return
