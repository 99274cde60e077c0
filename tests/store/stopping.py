"""Ways in which a store stops answering while its process lives, or loses who started it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import redis

from riskapi.store.embedded import Embedded
from tests.waiting import until

#: Seconds a server is given in these tests. One that lives answers in milliseconds, one that is stopped never.
SHORT, LONG = 0.3, 20.0
_STARTER = """
import sys
from pathlib import Path
from riskapi.store.embedded import Embedded
server = Embedded(Path(sys.argv[1]))
server.start()
print(server.pid, flush=True)
sys.stdin.read()
"""


def orphan(data_dir: Path) -> int:
    """Start a server whose starter is killed then; returns its process id."""
    starter = subprocess.Popen(
        [sys.executable, "-c", _STARTER, str(data_dir)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        starter.kill()
    return pid


@contextlib.contextmanager
def asking(data_dir: Path) -> Iterator[redis.Redis]:
    client = redis.Redis(unix_socket_path=str(Embedded(data_dir).socket), socket_timeout=LONG)
    with contextlib.closing(client):
        yield client


def ask(data_dir: Path, *words: str | int) -> object:
    with asking(data_dir) as client:
        return client.execute_command(*words)  # type: ignore[no-untyped-call]


def refused(data_dir: Path, code: str) -> bool:
    """Whether PING is refused with this error."""
    with asking(data_dir) as client:
        try:
            client.ping()
        except redis.ResponseError as error:
            return code in str(error)
    return False


def state(pid: int) -> str:
    """The state of a process as proc(5) names it: T stopped, Z ended; Z too when there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "Z"


def stop(data_dir: Path, pid: int) -> None:
    os.kill(pid, signal.SIGSTOP)
    until(lambda: state(pid) == "T")


def refuse_writes(data_dir: Path, pid: int) -> None:
    """MISCONF: a snapshot could not be written, as on a full disk."""
    (data_dir / "store" / "dump.rdb").mkdir()  # stands where the snapshot would go
    ask(data_dir, "CONFIG", "SET", "save", "3600 1000000")
    ask(data_dir, "BGSAVE")
    until(lambda: refused(data_dir, "MISCONF"))


def run_for_ever(data_dir: Path, pid: int) -> None:
    """BUSY: a script does not end.

    Nobody waits for its reply: a client that does tries again when the server ends, behind the back of later tests.
    """
    ask(data_dir, "CONFIG", "SET", "busy-reply-threshold", "1")
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(Embedded(data_dir).socket))
        client.sendall(b'EVAL "while true do end" 0\r\n')
    until(lambda: refused(data_dir, "BUSY"))
