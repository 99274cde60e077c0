"""A data directory whose disk is full: callers get answers all the while, and the service is whole again by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Service
from tests.filesystems import fill, small
from tests.waiting import until

#: What the unpacked data, a store and a journal of some signups need, in MiB.
ROOM = 64


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small(tmp_path / "disk", ROOM) as disk:
        yield disk


def signup(user: str) -> dict[str, Any]:
    return {"account": {"user_id": user}, "email": {"address": f"{user}@ruiz.example"}}


@pytest.mark.parametrize("fsync", ["always", "everysec"])
def test_a_full_disk_is_answered_and_survived(fsync: str, disk: Path, serve: Callable[..., Service]) -> None:
    service = serve(
        RISKAPI_DATA_DIR=str(disk / "var"), RISKAPI_WORKERS="2", RISKAPI_STORE_FSYNC=fsync, RISKAPI_SERVE_WORKER="on"
    )
    acknowledged = [f"u_{number}" for number in range(5)]
    for user in acknowledged:
        assert service.request("POST", "/v1/signups", signup(user))[0] == 200
    before = set(service.workers())

    ballast = fill(disk)
    statuses = set()
    for number in range(40):
        user = f"full_{number}"
        status, _ = service.request("POST", "/v1/signups", signup(user))
        statuses.add(status)
        if status == 200:
            acknowledged.append(user)
        # Every kind of route counts into metrics, new label values among them.
        statuses.add(service.request("GET", f"/v1/accounts/{user}")[0])
        statuses.add(service.request("POST", f"/v1/accounts/{user}/sends", {"recipients": 1})[0])
    assert statuses <= {200, 404, 503} and 503 in statuses
    assert service.request("GET", "/healthz")[0] == 200
    assert service.request("GET", "/readyz")[0] == 503

    ballast.unlink()
    service.wait_until_ready()
    assert set(service.workers()) == before, "no process ended"
    until(lambda: service.request("POST", "/v1/signups", signup("after"))[0] == 200)
    until(lambda: all(service.request("GET", f"/v1/accounts/{user}")[0] == 200 for user in acknowledged))
