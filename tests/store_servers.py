"""Servers of the store, started for one test."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import redis

from riskapi.errors import StoreUnavailable
from riskapi.store import server_binary
from tests.ports import free_ports
from tests.waiting import until


def await_true(what: Callable[[], object], seconds: float = 90.0) -> None:
    """Look until ``what`` holds; errors of a server that starts count as not yet."""

    def holds() -> bool:
        with contextlib.suppress(redis.RedisError, OSError, StoreUnavailable):
            return bool(what())
        return False

    until(holds, seconds)


@contextlib.contextmanager
def server(folder: Path, port: int, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    folder.mkdir(parents=True, exist_ok=True)
    standard = [] if "--sentinel" in options else ["--port", str(port), "--dir", str(folder), "--save", ""]
    command = [str(server_binary.find()), *standard, *options]
    with (folder / "log").open("ab") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            await_true(lambda: redis.Redis(port=port, socket_timeout=1).ping())
            yield process
        finally:
            process.kill()


@contextlib.contextmanager
def cluster(folder: Path) -> Iterator[list[int]]:
    """Three nodes that share the slots; their ports."""
    ports = free_ports(3, spread=10_000)
    with contextlib.ExitStack() as stack:
        for number, port in enumerate(ports):
            options = ("--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--appendonly", "no")
            stack.enter_context(server(folder / str(number), port, *options))
        nodes: list[Any] = [redis.Redis(port=port) for port in ports]
        for number, node in enumerate(nodes):
            node.execute_command("CLUSTER", "ADDSLOTSRANGE", *((0, 5460), (5461, 10_922), (10_923, 16_383))[number])
            node.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for port in ports[1:]:
            nodes[0].execute_command("CLUSTER", "MEET", "127.0.0.1", port)
        await_true(lambda: all(_whole(node) for node in nodes))
        yield ports


def _whole(node: Any) -> bool:
    state = node.execute_command("CLUSTER INFO")
    return bool(state["cluster_state"] == "ok" and state["cluster_known_nodes"] == "3")


def url(ports: list[int]) -> str:
    """How a cluster is named in ``REDIS_URL``."""
    return "redis+cluster://" + ",".join(f"127.0.0.1:{port}" for port in ports)
