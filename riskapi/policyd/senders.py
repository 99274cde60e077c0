"""Whose account a message counts for: the login, or what the map file says of login, sender address or domain.

Mail servers take a login in whatever capitals for one person, so it is compared without regard to them here too.
"""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections.abc import Callable, Sequence
from ipaddress import IPv6Address, ip_address
from pathlib import Path

from riskapi import logs
from riskapi.contract import USER_ID
from riskapi.errors import ConfigurationError
from riskapi.settings.environment import Network

#: Bytes of a map file: some 500,000 lines. More is a log named by mistake.
LARGEST = 32 * 1024 * 1024
#: Seconds between two looks at the map file, whether it changed.
LOOK = 1.0
_USER_ID = re.compile(USER_ID.removesuffix("$") + r"\Z")
_Stamp = tuple[int, int, int]


class Senders:
    """Finds accounts. ``path`` names the map file, which is read again when it changes; None: logins are user ids.

    ``networks`` are those whose clients say truly who the sender is, without a login.

    A changed file with a mistake in it changes nothing: the old map is kept, and the log says which line is wrong.

    Raises ``ConfigurationError`` with file, line and reason when the first reading fails.
    """

    def __init__(
        self, path: Path | None, networks: Sequence[Network] = (), *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._path, self._networks, self._monotonic = path, networks, monotonic
        self._lock = threading.Lock()
        self._due = monotonic() + LOOK
        self._stamp = _stamp(path) if path else None
        self._map = load(path) if path else {}

    def account(self, login: str, sender: str, client: str) -> str | None:
        """The user id a message counts for; None when it is nobody's. ``client`` is the address that hands it in.

        A login is believed. Anybody may write any sender into the envelope, so without a login a sender binds
        nobody, unless the client is in one of the networks named.
        """
        self._refresh()
        if login:
            return self._find(login) or login
        return self._find(sender) if sender and self._names_senders(client) else None

    def _names_senders(self, client: str) -> bool:
        try:
            address = ip_address(client)
        except ValueError:  # Postfix says "unknown" where it does not know
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self._networks)

    def _find(self, name: str) -> str | None:
        key = name.lower()
        return self._map.get(key) or self._map.get(f"@{key.rpartition('@')[2]}" if "@" in key else "")

    def _refresh(self) -> None:
        if self._path is None or self._monotonic() < self._due or not self._lock.acquire(blocking=False):
            return
        try:
            self._due = self._monotonic() + LOOK
            stamp = _stamp(self._path)
            if stamp == self._stamp:
                return
            self._stamp = stamp
            self._map = load(self._path)
            logs.note(logging.INFO, "policyd_map_read", entries=len(self._map))
        except ConfigurationError as error:
            logs.note(logging.ERROR, "policyd_map_kept", file=error.where, line=error.key, reason=error.reason)
        finally:
            self._lock.release()


def is_user_id(name: str) -> bool:
    """Whether an account can have this name at all (1 to 128 of ``A-Za-z0-9_.:@-``, as the HTTP contract says)."""
    return _USER_ID.match(name) is not None


def load(path: Path) -> dict[str, str]:
    """Read a map: a login, address or ``@domain``, white space, the user id; ``#`` begins a comment.

    Raises ``ConfigurationError`` with file, line and reason; the reason repeats nothing that stands in the file.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(_content(path).splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        where = f"line {number}"
        if len(words) != 2:
            raise ConfigurationError(str(path), where, "expected a login, address or @domain, and a user id")
        name, user_id = words
        if not is_user_id(user_id):
            raise ConfigurationError(str(path), where, "the user id must be 1 to 128 of A-Z a-z 0-9 _ . : @ -")
        if name == "@":
            raise ConfigurationError(str(path), where, "@ must be followed by a domain")
        if found.setdefault(name.lower(), user_id) != user_id:
            raise ConfigurationError(str(path), where, "is mapped to another user id further up, in whatever capitals")
    return found


def _content(path: Path) -> str:
    try:
        with path.open("rb") as source:
            content = source.read(LARGEST + 1)
    except OSError as error:
        raise ConfigurationError(str(path), "file", f"cannot be read: {error.strerror}") from None
    if len(content) > LARGEST:
        raise ConfigurationError(str(path), "file", f"is larger than {LARGEST} bytes")
    if b"\0" in content:
        raise ConfigurationError(str(path), "file", "is not text")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(str(path), f"line {line}", "is not UTF-8 text") from None


def _stamp(path: Path) -> _Stamp | None:
    """What changes when the file does; None when it cannot be looked at."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
