"""One store, one server: whatever its process does or answers, no second one is started beside it."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from riskapi.errors import ConfigurationError, StoreUnavailable
from riskapi.store.embedded import Embedded
from riskapi.store.supervisor import Supervisor
from tests.filesystems import fill, small
from tests.store.stopping import SHORT, ask, orphan, refuse_writes, run_for_ever, state, stop
from tests.waiting import until

pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="reads the states of processes from /proc")


def servers(data_dir: Path) -> list[int]:
    """Every process that works in the store's directory."""
    found = []
    for name in filter(str.isdecimal, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/{name}/cwd") == str(data_dir / "store"):
                found.append(int(name))
    return found


def fill_memory(data_dir: Path, pid: int) -> None:
    """OOM: no command that needs memory is taken."""
    ask(data_dir, "CONFIG", "SET", "maxmemory", "1")


def lose_the_socket(data_dir: Path, pid: int) -> None:
    """Nobody can connect: a cleaner of temporary files removed the socket."""
    Embedded(data_dir).socket.unlink()


def lose_the_pid_file(data_dir: Path, pid: int) -> None:
    (data_dir / "store" / "valkey.pid").unlink()
    lose_the_socket(data_dir, pid)


TROUBLE: dict[str, Callable[[Path, int], None]] = {
    "stopped": stop,
    "MISCONF": refuse_writes,
    "BUSY": run_for_ever,
    "OOM": fill_memory,
    "without its socket": lose_the_socket,
    "without socket and pid file": lose_the_pid_file,
}


@pytest.mark.parametrize("trouble", TROUBLE.values(), ids=TROUBLE)
def test_a_server_in_trouble_is_alive_and_no_second_one_is_started(
    trouble: Callable[[Path, int], None], tmp_path: Path
) -> None:
    with Embedded(tmp_path) as server:
        pid = server.pid
        assert pid is not None
        trouble(tmp_path, pid)
        beside = Embedded(tmp_path, patience=SHORT)
        assert server.alive() and beside.alive()
        with contextlib.suppress(StoreUnavailable):
            beside.start()
        beside.stop()
        assert servers(tmp_path) == [pid]
        os.kill(pid, signal.SIGKILL)
        until(lambda: not beside.alive())


def test_what_a_stopped_server_acknowledged_before_and_after_is_there(tmp_path: Path) -> None:
    with Embedded(tmp_path) as server, Supervisor(server, look=0.01):
        pid = server.pid
        assert pid is not None
        ask(tmp_path, "SET", "before", "1")
        stop(tmp_path, pid)
        told: list[str] = []
        with pytest.raises(StoreUnavailable, match=rf"does not answer \(process {pid}\)"):
            Embedded(tmp_path, say=told.append, patience=SHORT).start()
        assert told == ["embedded store: it does not answer; it is waited for, 0.3 s at most …"]
        os.kill(pid, signal.SIGCONT)
        assert ask(tmp_path, "SET", "after", "1")
        assert server.pid == pid
    with Embedded(tmp_path):
        assert ask(tmp_path, "MGET", "before", "after") == [b"1", b"1"]


LEFT_OVER: dict[str, tuple[Callable[[Path, int], None], bool]] = {
    "well": (lambda data_dir, pid: None, True),
    "refusing writes": (refuse_writes, True),
    "stopped": (stop, False),
    "without its socket": (lose_the_socket, False),
    "without socket and pid file": (lose_the_pid_file, False),
}


@pytest.mark.parametrize(("trouble", "adopted"), LEFT_OVER.values(), ids=LEFT_OVER)
def test_a_server_left_over_is_adopted_or_ended_and_never_run_beside(
    trouble: Callable[[Path, int], None], adopted: bool, tmp_path: Path
) -> None:
    pid = orphan(tmp_path)
    ask(tmp_path, "SET", "kept", "1")
    trouble(tmp_path, pid)
    with Embedded(tmp_path, patience=2.0) as server:
        assert (server.pid == pid) is adopted
        assert (state(pid) != "Z") is adopted
        assert servers(tmp_path) == [server.pid]
        assert ask(tmp_path, "GET", "kept") == b"1"
        if trouble is refuse_writes:  # so that it ends without a snapshot, which it cannot write
            ask(tmp_path, "CONFIG", "SET", "save", "")
    assert not server.alive()


@pytest.mark.parametrize("number", ["this process", "1", "0", "-1", "no number", "", "999999999"])
def test_a_pid_file_is_not_believed(number: str, tmp_path: Path) -> None:
    number = str(os.getpid()) if number == "this process" else number
    with Embedded(tmp_path):
        ask(tmp_path, "SET", "kept", "1")
    (tmp_path / "store" / "valkey.pid").write_text(number)
    assert not Embedded(tmp_path).alive()
    with Embedded(tmp_path) as server:
        assert server.pid is not None and str(server.pid) != number
        assert ask(tmp_path, "GET", "kept") == b"1"


def test_a_server_of_an_earlier_release_that_holds_no_lock_is_found(tmp_path: Path) -> None:
    pid = orphan(tmp_path)
    (tmp_path / "store" / "server.lock").unlink()
    stop(tmp_path, pid)
    assert Embedded(tmp_path).alive()
    with Embedded(tmp_path, patience=1.0) as server:
        assert state(pid) == "Z"
        assert servers(tmp_path) == [server.pid]


class Hostile(Embedded):
    """A store whose start meets every error of the system, one after another."""

    def __init__(self, data_dir: Path) -> None:
        super().__init__(data_dir)
        numbers = (errno.ENOSPC, errno.EMFILE, errno.EAGAIN, errno.EIO)
        system = [OSError(number, os.strerror(number)) for number in numbers]
        self.left = [*system, StoreUnavailable("it ended"), ConfigurationError("a", "b", "c"), KeyError("defect")]

    def start(self) -> None:
        if self.left:
            raise self.left.pop(0)
        super().start()


def test_the_keeper_goes_on_after_every_error(tmp_path: Path) -> None:
    server = Hostile(tmp_path)
    with Supervisor(server, look=0.001):
        until(server.alive)
        assert server.left == []
    server.stop()


def test_the_keeper_holds_its_use_of_the_store_when_a_start_fails(tmp_path: Path) -> None:
    """A command that ends beside the service must not take the store away from it."""
    server = Embedded(tmp_path, patience=SHORT)
    server.start()
    pid = server.pid
    assert pid is not None
    stop(tmp_path, pid)
    with pytest.raises(StoreUnavailable):
        server.start()
    os.kill(pid, signal.SIGCONT)
    with Embedded(tmp_path):
        pass
    assert server.pid == pid
    server.stop()
    until(lambda: not server.alive())  # its patience was short


@pytest.mark.parametrize("fsync", ["always", "everysec"])
def test_a_full_disk_loses_nothing_and_the_store_comes_back_by_itself(fsync: str, tmp_path: Path) -> None:
    with small(tmp_path / "disk", megabytes=8) as disk, Embedded(disk, fsync) as server, Supervisor(server, look=0.05):
        ballast = fill(disk)
        acknowledged = 0

        def written() -> bool:
            nonlocal acknowledged
            with contextlib.suppress(redis.RedisError):
                ask(disk, "SET", f"k{acknowledged}", "x" * 2000)
                acknowledged += 1
                return True
            return False

        until(lambda: not written())
        before = acknowledged
        assert len(servers(disk)) <= 1
        ballast.unlink()
        until(written)
        assert acknowledged > before
        assert ask(disk, "EXISTS", *(f"k{number}" for number in range(acknowledged))) == acknowledged
        assert servers(disk) == [server.pid]
