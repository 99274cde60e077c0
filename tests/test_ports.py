"""Ports for servers of tests: nobody takes one between its choice and its use."""

from __future__ import annotations

import itertools
import socket
from pathlib import Path

import pytest

from tests import ports


def test_the_system_gives_none_of_them_to_others() -> None:
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert max(itertools.islice(ports._in_turn(), 30_000)) < lowest


def test_processes_that_run_tests_side_by_side_have_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "3")
    of_each = []
    for worker in ("gw0", "gw1", "gw2"):
        monkeypatch.setenv("PYTEST_XDIST_WORKER", worker)
        of_each.append(set(itertools.islice(ports._in_turn(), 30_000)))
    assert all(one.isdisjoint(other) for one, other in itertools.combinations(of_each, 2))


def test_those_in_use_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", ports.free_port()))
        used, free = taken.getsockname()[1], ports.free_port()
        order = iter([used, free])
        monkeypatch.setattr(ports, "_ports", lambda: order)
        assert ports.free_ports(1) == [free]


def test_with_a_spread_the_port_above_is_free_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", ports.free_port()))
        used, free = taken.getsockname()[1], ports.free_port()
        order = iter([used - 5, free])
        monkeypatch.setattr(ports, "_ports", lambda: order)
        assert ports.free_ports(1, spread=5) == [free]
