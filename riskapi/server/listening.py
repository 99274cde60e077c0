"""One service an address: a second one learns who has it already.

The workers of a service share its address (SO_REUSEPORT, socket(7)), and the kernel lets those of a second service of
the same user share it as well: callers would then get answers of either. So a service holds a lock named after the
address for as long as it runs, from before it starts anything.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from riskapi.errors import ConfigurationError
from riskapi.settings.environment import Bind

#: Seconds the port may still be held by the workers of a service that was killed.
_PATIENCE = 2.0
#: Seconds that the holder of a lock is given to say who it is, and how it does.
_SAYS = 1.0
_SAYING = re.compile(r"process ([1-9][0-9]{0,8}), data in ")
#: Where locks lie: the same place for every service of this machine, whatever its data directory.
_PLACE = Path("/tmp")  # noqa: S108 - files of others are not used
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - compared with, not listened on


@contextlib.contextmanager
def held(bind: Bind, data_dir: Path) -> Iterator[None]:
    """Have the address to ourselves until the block ends.

    Raises:
        ConfigurationError: another service has it, and which; another program has it; or it cannot be listened on.
    """
    family, address = _address(bind)
    with contextlib.ExitStack() as stack:
        host = address[0]
        # Who listens everywhere wants the port alone; those who listen on one address each share it.
        kind = fcntl.LOCK_EX if host in _EVERYWHERE else fcntl.LOCK_SH
        for name, lock in ((f"{bind.port}", kind), (f"{bind.port}-{host}", fcntl.LOCK_EX)):
            file = _opened(name)
            if file is not None:
                _take(stack.enter_context(file), lock, bind, data_dir)
        _probe(bind, family, address)
        yield


def _address(bind: Bind) -> tuple[int, tuple[str, int]]:
    try:
        found = socket.getaddrinfo(bind.host, bind.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise _refused(bind, f"{error.strerror}") from None
    return found[0][0], found[0][4]  # type: ignore[return-value]


def _opened(name: str) -> IO[str] | None:
    """The lock's file; None where there can be none, and only what listens already is found."""
    path = _PLACE / f"riskapi-{os.getuid()}-{name.replace(':', '.')}.lock"
    with contextlib.suppress(OSError):
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), "r+")
        status = os.fstat(file.fileno())
        if stat.S_ISREG(status.st_mode) and status.st_uid == os.getuid():
            return file
        file.close()
    return None


def _take(file: IO[str], kind: int, bind: Bind, data_dir: Path) -> None:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        said = _said(file) or "which does not say more"
        raise _refused(bind, f"is served by another riskapi ({said})") from None
    with contextlib.suppress(OSError):  # a full disk: the lock holds all the same
        file.truncate(0)
        file.write(f"process {os.getpid()}, data in {data_dir}")
        file.flush()


def _said(file: IO[str]) -> str:
    """What the holder of a lock says of itself; empty where it does not.

    It writes that after it took the lock: until then the file is empty, or has what one that was killed left there.
    """
    deadline = time.monotonic() + _SAYS
    while True:
        said = ""
        with contextlib.suppress(OSError):
            file.seek(0)
            said = file.read().strip()
        if _lives(said):
            return said
        if time.monotonic() >= deadline:
            return ""
        time.sleep(0.02)


def _lives(said: str) -> bool:
    """Whether there is a process that this can be from."""
    named = _SAYING.match(said)
    if named is None:
        return False
    try:
        os.kill(int(named[1]), 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # there is one, of another user
    return True


def _probe(bind: Bind, family: int, address: tuple[str, int]) -> None:
    """Find out that the address cannot be listened on before anything is started."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
                probe.listen(1)
            return
        except OSError as error:
            if error.errno == errno.EADDRINUSE and time.monotonic() < deadline:
                time.sleep(0.05)
                continue
            raise refused("RISKAPI_BIND", bind, error) from None


def written(bind: Bind | Path) -> str:
    """An address or a path to listen on, as messages show it."""
    return os.fspath(bind) if isinstance(bind, Path) else f"{bind.host}:{bind.port}"


def refused(setting: str, bind: Bind | Path, error: OSError) -> ConfigurationError:
    """Says that what a setting names cannot be listened on, and why."""
    why = "is in use by another program" if error.errno == errno.EADDRINUSE else f"{error.strerror}"
    return ConfigurationError("environment", setting, f"{written(bind)} {why}")


def _refused(bind: Bind, why: str) -> ConfigurationError:
    return ConfigurationError("environment", "RISKAPI_BIND", f"{written(bind)} {why}")
