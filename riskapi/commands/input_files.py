"""Files that commands read, or standard input in their place."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Iterator
from typing import IO

from riskapi.errors import ConfigurationError


@contextlib.contextmanager
def opened(name: str) -> Iterator[IO[bytes]]:
    """The file, or standard input for ``-``. Raises ``ConfigurationError`` for one that cannot be read."""
    if name == "-":
        yield sys.stdin.buffer
        return
    try:
        source = open(name, "rb")  # noqa: SIM115 - closed below, where errors are not of the opening
    except OSError as error:
        raise ConfigurationError(name, "file", f"cannot be read: {error.strerror}") from None
    with source:
        yield source


def size(source: IO[bytes]) -> int | None:
    """Bytes of a file; None for a pipe or a terminal."""
    found = os.fstat(source.fileno())
    return found.st_size if stat.S_ISREG(found.st_mode) else None
