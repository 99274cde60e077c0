"""HTTP workers that end are started again for ever, later and later, and the service never gives up."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from riskapi.server import http_server
from riskapi.settings import Settings
from riskapi.settings.http_server import cores, processors
from tests.conftest import Service
from tests.waiting import until


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="finds the workers in /proc")
def test_workers_that_end_again_and_again_do_not_end_the_service(serve: Callable[..., Service]) -> None:
    service = serve(RISKAPI_WORKERS="2")
    assert service.request("GET", "/healthz")[0] == 200
    ended: set[int] = set()
    pinned = [[each] for each in processors()] if cores() == 2 else [processors()] * 2

    def two() -> list[int]:
        there = [pid for pid in service.workers() if pid not in ended]
        return there if len(there) == 2 else []

    for _ in range(3):
        for pid in until(two):
            os.kill(pid, signal.SIGKILL)
            ended.add(pid)
    service.wait_until_ready()
    latest = until(two)
    assert sorted(sorted(os.sched_getaffinity(pid)) for pid in latest) == pinned, "each stays on its own processor"
    scheduled = {os.sched_getscheduler(pid) for pid in latest}
    assert scheduled == {os.SCHED_BATCH if cores() == 2 else os.SCHED_OTHER}, "and then interrupts nothing there"
    errors = service.errors.read_text()
    assert errors.count("http_worker_ended") >= 6
    assert "crash loop" not in errors
    # Counts are those of all who had the place.
    assert 'route="/healthz"' in service.read("/metrics")
    assert service.stop() == 0


@pytest.mark.parametrize(
    ("workers", "pin", "expected"),
    [(cores(), "on", processors()), (cores(), "off", []), (cores() + 1, "on", []), (max(1, cores() - 1), "on", [])],
    ids=["as many", "as many, and off", "more", "fewer"],
)
def test_workers_stay_on_a_processor_where_there_are_as_many(workers: int, pin: str, expected: list[int]) -> None:
    settings = Settings.load({"RISKAPI_WORKERS": str(workers), "RISKAPI_PIN_WORKERS": pin})
    assert http_server.processors_of(settings) == (expected if workers == cores() else [])
