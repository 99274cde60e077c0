"""Who may have an address beside whom."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest

from riskapi.errors import ConfigurationError
from riskapi.server import listening
from riskapi.settings.environment import Bind


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(listening, "_PLACE", tmp_path)
    return tmp_path


def held(host: str, port: int, data_dir: str = "/data") -> contextlib.AbstractContextManager[None]:
    return listening.held(Bind(host, port), Path(data_dir))


def free(first: str, second: str, port: int) -> bool:
    """Whether the second address can be had while the first is held by a service that does not listen yet."""
    with contextlib.suppress(ConfigurationError), held(first, port), held(second, port):
        return True
    return False


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [
        ("127.0.0.1", "127.0.0.1", False),
        ("0.0.0.0", "127.0.0.1", False),
        ("127.0.0.1", "0.0.0.0", False),
        ("127.0.0.1", "127.0.0.2", True),
    ],
)
def test_addresses_that_overlap_are_one(first: str, second: str, both: bool, free_port: int) -> None:
    assert free(first, second, free_port) is both


def test_who_is_there_is_said_and_after_it_the_address_is_free(free_port: int) -> None:
    said = rf"process {os.getpid()}, data in /data/first"
    with (
        held("127.0.0.1", free_port, "/data/first"),
        pytest.raises(ConfigurationError, match=said),
        held("127.0.0.1", free_port, "/data/second"),
    ):
        pass
    with held("127.0.0.1", free_port, "/data/second"):
        pass


GONE = 2**22 + 1  # more than Linux gives any process: proc_sys_kernel(5), pid_max


@pytest.mark.parametrize("left", ["", f"process {GONE}, data in /data/killed", "not ours"])
def test_a_holder_that_has_not_said_who_it_is_yet_is_waited_for(
    free_port: int, place: Path, monkeypatch: pytest.MonkeyPatch, left: str
) -> None:
    said = f"process {os.getpid()}, data in /data/first"
    with held("127.0.0.1", free_port, "/data/first"):
        for lock in place.iterdir():
            lock.write_text(left)

        def write(seconds: float) -> None:
            for lock in place.iterdir():
                lock.write_text(said)

        monkeypatch.setattr("riskapi.server.listening.time.sleep", write)
        with pytest.raises(ConfigurationError, match=said), held("127.0.0.1", free_port, "/data/second"):
            pass


def test_a_holder_that_never_says_who_it_is_is_told_of_all_the_same(
    free_port: int, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "_SAYS", 0.0)
    with held("127.0.0.1", free_port):
        for lock in place.iterdir():
            lock.write_text(f"process {GONE}, data in /data/killed")
        said = r"another riskapi \(which does not say more\)"
        with pytest.raises(ConfigurationError, match=said), held("127.0.0.1", free_port):
            pass


def test_without_a_place_for_locks_only_what_listens_is_found(
    free_port: int, monkeypatch: pytest.MonkeyPatch, place: Path
) -> None:
    monkeypatch.setattr(listening, "_PLACE", place / "nowhere")
    with held("127.0.0.1", free_port):
        pass


def test_a_lock_that_is_a_link_of_somebody_is_not_followed(free_port: int, place: Path) -> None:
    target = place / "target"
    target.write_text("theirs")
    (place / f"riskapi-{os.getuid()}-{free_port}-127.0.0.1.lock").symlink_to(target)
    with held("127.0.0.1", free_port):
        pass
    assert target.read_text() == "theirs"


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
def test_an_address_that_is_not_ours_is_refused(host: str, free_port: int) -> None:
    with pytest.raises(ConfigurationError, match=f"RISKAPI_BIND: {host}:{free_port} "), held(host, free_port):
        pass
