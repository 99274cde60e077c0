"""What is wrong with a store is found on a real server that has it."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import redis
from redis.exceptions import AuthenticationError, BusyLoadingError, MasterDownError, OutOfMemoryError, ReadOnlyError

from riskapi.commands import doctor
from riskapi.settings import Settings
from riskapi.store import condition, disk
from riskapi.store.connections import Store, open_store
from riskapi.store.embedded import Embedded
from riskapi.store.faults import Fault
from tests.filesystems import fill, small
from tests.store.stopping import refuse_writes, run_for_ever, stop


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Embedded]:
    with Embedded(tmp_path) as server:
        pid = server.pid
        yield server
        if pid is not None and server.pid == pid:
            os.kill(pid, signal.SIGKILL)  # some of these cannot end in order


@pytest.fixture
def own_store(server: Embedded, tmp_path: Path) -> Iterator[Store]:
    store = open_store(Settings.load({"RISKAPI_DATA_DIR": str(tmp_path), "RISKAPI_STORE_TIMEOUT_MS": "500"}))
    store.ping()
    yield store
    store.close()


def setting(name: str, value: str) -> Callable[[Path, int], None]:
    def change(data_dir: Path, pid: int) -> None:
        server = redis.Redis(unix_socket_path=str(Embedded(data_dir).socket))
        server.config_set(name, value)
        server.close()

    return change


def nearly_fill(data_dir: Path, pid: int) -> None:
    server = redis.Redis(unix_socket_path=str(Embedded(data_dir).socket))
    for number in range(200):  # so much that the server's own buffers make no difference
        server.set(f"large_{number}", bytes(100_000))
    server.config_set("maxmemory", int(server.info("memory")["used_memory"] * 1.05))
    server.close()


def follow(data_dir: Path, pid: int) -> None:
    server = redis.Redis(unix_socket_path=str(Embedded(data_dir).socket))
    server.replicaof("192.0.2.1", 6379)
    server.close()


def forbid_writes(data_dir: Path, pid: int) -> None:
    server = redis.Redis(unix_socket_path=str(Embedded(data_dir).socket))
    server.acl_setuser("default", enabled=True, nopass=True, commands=["-set"], keys=["*"])
    server.close()


def kill(data_dir: Path, pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


FAULTY: dict[str, tuple[Callable[[Path, int], None], list[str], str]] = {
    "well": (lambda data_dir, pid: None, [], ""),
    "at maxmemory": (setting("maxmemory", "1"), ["full"], "maxmemory"),
    "a replica": (follow, ["read_only"], "192.0.2.1:6379, and has lost its master"),
    "too few replicas": (setting("min-replicas-to-write", "1"), ["replicas"], "NOREPLICAS"),
    "a disk it cannot write": (refuse_writes, ["disk"], "MISCONF"),
    "a script that does not end": (run_for_ever, ["busy"], "BUSY"),
    "a user that may not write": (forbid_writes, ["refused"], "NOPERM"),
    "stopped": (stop, ["away"], "in time"),
    "ended": (kill, ["away"], ""),
}


@pytest.mark.parametrize(("fault", "names", "said"), FAULTY.values(), ids=FAULTY)
def test_what_is_wrong_is_named(
    fault: Callable[[Path, int], None], names: list[str], said: str, server: Embedded, own_store: Store, tmp_path: Path
) -> None:
    assert server.pid is not None
    fault(tmp_path, server.pid)
    found = condition.faults(own_store, slow=60.0)
    assert [each.name for each in found] == names
    assert said in " ".join(map(str, found))
    if fault is stop:
        os.kill(server.pid, signal.SIGCONT)


def test_a_store_that_answers_late_is_slow(own_store: Store) -> None:
    ticks = itertools.count(0.0, 0.3)
    assert condition.faults(own_store, clock=ticks.__next__) == [Fault("slow", "it took 0.30 seconds to answer")]


def test_looking_writes_nothing(own_store: Store) -> None:
    before = own_store.execute("INFO", "persistence")["aof_current_size"]
    for _ in range(10):
        assert condition.faults(own_store, slow=60.0) == []
    assert own_store.execute("INFO", "persistence")["aof_current_size"] == before
    assert own_store.execute("DBSIZE") == 0


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (OutOfMemoryError("command not allowed"), "full"),
        (ReadOnlyError("You can't write"), "read_only"),
        (BusyLoadingError("Redis is loading"), "loading"),
        (MasterDownError("Link with MASTER is down"), "replicas"),
        (AuthenticationError("wrong"), "refused"),
        (redis.ResponseError("OOM command not allowed"), "full"),
        (redis.ResponseError("NOREPLICAS Not enough"), "replicas"),
        (redis.ResponseError("UNKILLABLE Sorry"), "busy"),
        (redis.ResponseError("ERR about someone@example.com"), "refused"),
        (redis.TimeoutError("Timeout reading"), "away"),
        (redis.ConnectionError("Connection refused"), "away"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_an_error_is_explained_without_what_it_quotes(error: Exception, name: str) -> None:
    found = condition.explained(error)
    assert found.name == name
    assert "example.com" not in str(found)


def test_how_full_the_memory_is_can_be_asked(own_store: Store) -> None:
    assert list(condition.fills(own_store)) == []
    own_store.execute("CONFIG", "SET", "maxmemory", "100mb")
    ((share, limit),) = condition.fills(own_store)
    assert 0 < share < 1 and limit == 100 << 20


DOCTOR: dict[str, tuple[Callable[[Path, int], None], str, str]] = {
    "nearly full": (nearly_fill, "warn", "of maxmemory ("),
    "full": (setting("maxmemory", "1"), "FAIL", "store (embedded), full: all 1 bytes"),
    "a replica": (follow, "FAIL", "store (embedded), read_only: it is a replica of 192.0.2.1:6379"),
    "a disk it cannot write": (refuse_writes, "FAIL", "store (embedded), disk: it could not write to its disk"),
}


@pytest.mark.parametrize(("fault", "grade", "said"), DOCTOR.values(), ids=DOCTOR)
def test_the_doctor_says_what_is_wrong(
    fault: Callable[[Path, int], None], grade: str, said: str, server: Embedded, settings: Settings, tmp_path: Path
) -> None:
    assert server.pid is not None
    fault(tmp_path, server.pid)
    found = list(doctor._store(replace(settings, data_dir=tmp_path), None, start=False))
    assert any(each == grade and said in text for each, text in found), found


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    assert disk.fault(tmp_path) is None
    with small(tmp_path / "disk", megabytes=4) as full:
        assert disk.fault(full) is None
        fill(full)
        found = disk.fault(full)
        assert found is not None and str(found).startswith("data_disk: ")
    gone = disk.fault(tmp_path / "nowhere")
    assert gone is not None and "cannot be read" in gone.said
