"""Grants a second and their latency, beside a bare round trip to the store from the same client."""

from __future__ import annotations

import itertools
import json
import random
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import load
from tests.bench.figures import Grants

#: Accounts that send. With the caps of the shipped policy they do not run dry within a benchmark.
_ACCOUNTS = 2000
#: Accounts in one of the clusters that send, and how many such clusters there are.
_RING, _RINGS = 10, 200
_ROUNDS_TRIP = b"*1\r\n$4\r\nPING\r\n"


@dataclass(slots=True)
class Sending:
    """Figures a round: of accounts alone, of accounts in clusters of ten, and of a PING to the store."""

    alone: list[load.Figures] = field(default_factory=list)
    clustered: list[load.Figures] = field(default_factory=list)
    bare: list[load.Figures] = field(default_factory=list)


def signups() -> Iterator[bytes]:
    """The signups of all accounts that will send, those of a ring on one device."""
    for number in range(_ACCOUNTS):
        yield _signup(f"send_{number}", f"dev-{number}")
    for number in range(_RINGS * _RING):
        yield _signup(f"ring_{number}", f"ring-{number // _RING}")


def _signup(user: str, device: str) -> bytes:
    mail = {"address": f"{user.replace('_', '.')}@{user.replace('_', '-')}.example"}
    return json.dumps({"account": {"user_id": user}, "email": mail, "device": {"id": device}}).encode()


def _requests(prefix: str, accounts: int, key: str, seed: int) -> Iterator[bytes]:
    rng = random.Random(seed)
    body = json.dumps({"recipients": 1}).encode()
    for number in itertools.count():
        user = f"{prefix}_{rng.randrange(accounts)}"
        yield load.request(f"/v1/accounts/{user}/sends", body, key, f"{seed}-{number}")


def measure(
    port: int, store: Path, key: str, *, rounds: int, seconds: int, connections: int, advance: Callable[[int], None]
) -> list[Grants]:
    """Open the accounts and let them send; the rounds of each sort take turns."""
    # One connection, so that the accounts of a ring come one after the other; the load takes what it needs of them.
    made = [load.request("/v1/signups", body, key) for body in signups()]
    load.run(load.web(port), iter(made), seconds=3600, connections=1)
    found = Sending()
    for number in range(rounds + 1):
        for prefix, accounts, figures in (
            ("send", _ACCOUNTS, found.alone),
            ("ring", _RINGS * _RING, found.clustered),
        ):
            source = _requests(prefix, accounts, key, number * 2 + (prefix == "ring"))
            measured = load.run(load.web(port), source, seconds=seconds, connections=connections)
            if number:
                figures.append(measured)
        pings = itertools.repeat(_ROUNDS_TRIP)
        measured = load.run(
            load.local(str(store)),
            pings,
            seconds=1,
            connections=connections,
            complete=lambda data: data.endswith(b"\r\n"),
            good=b"+PONG",
        )
        if number:
            found.bare.append(measured)
        advance(1)
    return _rows(found)


def _rows(found: Sending) -> list[Grants]:
    bare = statistics.median(each.p50 for each in found.bare)
    rows = []
    for name, figures in (
        ("POST …/sends, account alone", found.alone),
        (f"POST …/sends, cluster of {_RING}", found.clustered),
        ("bare PING to the store", found.bare),
    ):
        rate, p50, p99 = (statistics.median(getattr(each, key) for each in figures) for key in ("rate", "p50", "p99"))
        errors = sum(each.errors for each in figures)
        rows.append(Grants(name=name, rate=rate, p50=p50, p99=p99, trips=p50 / bare, errors=errors))
    return rows
