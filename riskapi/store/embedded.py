"""The embedded store: a real Valkey server of our own, on a private socket, with its data on the disk.

Whoever needs the store (``serve``, or a command run beside it) calls :meth:`Embedded.start` and
:meth:`Embedded.stop`: the first starts the server, others find it running, the last stops it. A server
whose starter was killed is found running as well, and no second one is ever started beside one that
lives: see :mod:`riskapi.store.server_lock`.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from riskapi.errors import ConfigurationError, StoreUnavailable
from riskapi.store import append_only, server_binary
from riskapi.store.server_lock import ServerLock

#: Bytes of a socket's path that every system takes: ``sun_path`` holds 108 on Linux (unix(7)) and 104 on macOS.
_PATH_BYTES = 100
#: Bytes after which the server's log starts anew, at the next start.
_LOG_BYTES = 1_000_000
#: Seconds a server that loads no data is given to answer, and to end.
_PATIENCE = 30.0
#: The part of its patience that one question may take, and after which somebody is told that the server is waited for.
_TRY = 1 / 6
#: Seconds between two looks at a server that starts or ends.
_LOOK = 0.01
#: The packaged server takes its memory from the C library. glibc keeps seven freed pieces of each size at hand unless
#: told otherwise (glibc manual, "Memory Allocation Tunables"), and the scripts of a signup free hundreds at once. 2,000
#: pieces of each size up to 1,032 bytes are 67 MB at the very most. Other C libraries do not read this.
_ALLOCATOR = {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=2000"}


def socket_path(data_dir: Path) -> Path:
    """Where the server of this data directory listens.

    Beside its data, or in a private directory under ``/tmp`` named after the data directory where that
    path would be too long for a socket.
    """
    beside = data_dir / "store" / "valkey.sock"
    if len(os.fsencode(beside)) <= _PATH_BYTES:
        return beside
    name = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    return Path(f"/tmp/riskapi-{os.getuid()}-{name}/valkey.sock")  # noqa: S108 - made 0700, owner checked


def url(data_dir: Path) -> str:
    """``REDIS_URL`` of the embedded store of this data directory."""
    return f"unix://{socket_path(data_dir)}"


class Embedded:
    """One use of the embedded store of a data directory.

    ``say`` is told what takes long. ``patience`` is how many seconds a server that loads no data is given to answer,
    and to end.
    """

    def __init__(
        self,
        data_dir: Path,
        fsync: str = "always",
        say: Callable[[str], None] | None = None,
        patience: float = _PATIENCE,
    ) -> None:
        self.directory, self.socket = data_dir / "store", socket_path(data_dir)
        self._pid_file = self.directory / "valkey.pid"
        self._lock = ServerLock(self.directory, self._pid_file)
        self._fsync, self._patience = fsync, patience
        self._say = say or (lambda text: print(text, file=sys.stderr))
        self._use: IO[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """The server's own log."""
        return self.directory / "valkey.log"

    @property
    def pid(self) -> int | None:
        """Process number of the running server; None when there is none."""
        if self._process is not None and self._process.poll() is None:
            return self._process.pid
        return self._lock.holder()

    def start(self) -> None:
        """Come back when the store answers, whoever started it; it stays until :meth:`stop`.

        A server that is there is never joined by a second one. One that does not answer is waited for; when it still
        does not and nobody else uses it, as after a crash, it is ended and another is started.

        Raises:
            ConfigurationError: the directory cannot be used, its append-only file is incomplete, or there is no server
                to run.
            StoreUnavailable: the server ended before it answered, and the last line of its log says why; or there is
                one that others use and that does not answer.
        """
        self._make_directories()
        with self._starting():
            newcomer = self._use is None
            try:
                if self._use is None:
                    self._use = self._open("use.lock")
                    fcntl.flock(self._use, fcntl.LOCK_SH)
                self._attach(newcomer)
            except BaseException:
                if newcomer:
                    self._leave()
                raise
        append_only.seen(self.directory)

    def _attach(self, newcomer: bool) -> None:
        """Take on the server that is there, or start one. Only a newcomer takes a silent one for left over."""
        if self.alive():
            if self._answers_in_time():
                return
            if self.alive():
                self._end_orphan(newcomer)
        self._launch()
        if not self._answers_in_time():
            raise StoreUnavailable(f"the embedded store did not start: {self._last_words()} (see {self.log})")

    def _is_alone(self) -> bool:
        """Whether nobody else uses the store. To be asked under the lock for starting, while it is used."""
        if self._use is None:
            return False
        try:
            fcntl.flock(self._use, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            fcntl.flock(self._use, fcntl.LOCK_SH)  # a change that fails gives up what was held (flock(2))
        return True

    def _leave(self) -> bool:
        """Give up the use of the store; whether nobody else uses it."""
        alone = self._is_alone()
        if self._use is not None:
            self._use.close()
            self._use = None
        return alone

    def stop(self) -> None:
        """Leave the store; the last one to leave stops the server and waits until its data is on the disk."""
        if self._use is None:
            return
        with self._starting():
            if self._leave():
                self._shut_down()

    def has_data(self) -> bool:
        """Whether a server has kept data in the directory, now or earlier."""
        return (self.directory / "appendonlydir").is_dir()

    def alive(self) -> bool:
        """Whether the server's process is there, however long it takes to answer and whatever it answers."""
        if self._process is not None and self._process.poll() is None:
            return True
        return self._lock.held() or self._listens()

    def __enter__(self) -> Embedded:
        """Start, for ``with``."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, for ``with``."""
        self.stop()

    def _client(self) -> redis.Redis:
        return redis.Redis(
            unix_socket_path=str(self.socket),
            socket_timeout=self._patience * _TRY,
            protocol=2,
            driver_info=None,
            retry=Retry(NoBackoff(), 0),
        )

    def _make_directories(self) -> None:
        try:
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.directory.chmod(0o700)
            self.socket.parent.mkdir(exist_ok=True, mode=0o700)
            status = self.socket.parent.lstat()
        except OSError as error:
            why = f"cannot use {error.filename or self.directory}: {error.strerror}"
            raise ConfigurationError("environment", "RISKAPI_DATA_DIR", why) from None
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
            raise ConfigurationError(
                "environment", "RISKAPI_DATA_DIR", f"{self.socket.parent} is not a directory of this user's alone"
            )

    def _open(self, name: str) -> IO[bytes]:
        try:
            return (self.directory / name).open("ab")
        except OSError as error:
            why = f"cannot write {error.filename}: {error.strerror}"
            raise ConfigurationError("environment", "RISKAPI_DATA_DIR", why) from None

    @contextlib.contextmanager
    def _starting(self) -> Iterator[None]:
        """Hold the lock under which servers are started and stopped; the kernel gives it up for the killed."""
        with self._open("start.lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _listens(self) -> bool:
        """Whether a process has the socket open; one whose queue is full, because it is stopped, counts."""
        with socket.socket(socket.AF_UNIX) as probe:
            probe.setblocking(False)
            try:
                probe.connect(str(self.socket))
            except (FileNotFoundError, ConnectionRefusedError):
                return False
            except OSError:
                return True
        return True

    def _launch(self) -> None:
        append_only.check(self.directory)
        if self.log.exists() and self.log.stat().st_size > _LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.old"))
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.directory),
            "appendonly": "yes",
            "appendfsync": self._fsync,
            "aof-load-truncated": "yes",
            "save": "",
            "rdbcompression": "no",  # a rewrite of the append-only file would spend more on it than on all the rest
            "latency-tracking": "no",
            "maxmemory-policy": "noeviction",
            # An account is a small hash with a few packed fields: kept as a list it takes half the memory, see
            # riskapi/accounts/packing.py.
            "hash-max-listpack-value": "2048",
            "pidfile": str(self._pid_file),
            "daemonize": "no",
            "databases": "1",
        }
        command = [
            str(server_binary.find()),
            *(word for name, value in options.items() for word in (f"--{name}", value)),
        ]
        with self._lock.taken(self._patience) as lock:
            if lock is None:
                raise StoreUnavailable(
                    f"a server that cannot be reached still uses {self.directory} (it holds server.lock there)"
                )
            self.socket.unlink(missing_ok=True)
            # A session of its own: Ctrl-C must reach the workers first, and only then the store.
            with self.log.open("ab") as log:
                self._process = subprocess.Popen(
                    command,
                    env={**_ALLOCATOR, **os.environ},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    pass_fds=[lock.fileno()],
                )

    def _answers_in_time(self) -> bool:
        """Wait for the first answer, an error too; as long as it takes while the server loads its data.

        False when it ended, or did not answer in time.
        """
        deadline, told, waits = time.monotonic() + self._patience, 0.0, False
        while True:
            try:
                with contextlib.closing(self._client()) as client:
                    client.ping()
                return True
            except redis.exceptions.BusyLoadingError:
                deadline = time.monotonic() + self._patience
                if time.monotonic() - told > 5:
                    told = time.monotonic()
                    self._say(f"embedded store: loading its data from {self.directory} …")
            except redis.ResponseError:  # MISCONF, BUSY, OOM: it is there, and whoever asks it for more will hear why
                return True
            except (redis.RedisError, OSError):
                if not waits and deadline - time.monotonic() < self._patience * (1 - _TRY):
                    waits = True
                    self._say(f"embedded store: it does not answer; it is waited for, {self._patience:g} s at most …")
            if time.monotonic() > deadline or not self.alive():
                return False
            time.sleep(_LOOK)

    def _end_orphan(self, newcomer: bool) -> None:
        """End a server that does not answer, provided that nobody else uses it.

        Nothing is lost when it has to be killed: what it answered, it had written before.
        """
        pid = self.pid
        if pid is None or not newcomer or not self._is_alone():
            at = "" if pid is None else f" (process {pid})"
            raise StoreUnavailable(f"the embedded store of {self.directory} is there and does not answer{at}")
        self._say(f"embedded store: process {pid} was left over and does not answer; ending it")
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
                os.kill(pid, signal.SIGCONT)
            if self._ended():
                return

    def _ended(self) -> bool:
        """Wait until no server has the directory; False when one still does after all patience."""
        deadline = time.monotonic() + self._patience
        while self.alive():
            if time.monotonic() > deadline:
                return False
            time.sleep(_LOOK)
        return True

    def _last_words(self) -> str:
        try:
            lines = self.log.read_text(errors="replace").splitlines()
        except OSError:
            return "it wrote no log"
        return next((line.strip() for line in reversed(lines) if line.strip()), "it wrote no log")

    def _shut_down(self) -> None:
        """Ask the server to write what it has and end; wait until it has."""
        pid = self.pid
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)  # the server's own clean shutdown: https://valkey.io/topics/signals/
                os.kill(pid, signal.SIGCONT)  # one that was stopped hears of it only then
        if self.alive() and not self._ended():
            self._say(f"embedded store: process {pid or '(unknown)'} does not end; leaving it to finish")
