"""The append-only file of the embedded store, looked at before a server starts on it.

It is a directory of data files and a manifest that says which of them count and in which order
(https://valkey.io/topics/persistence/). A server that finds no manifest starts empty, whatever lies beside it.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

from riskapi.errors import ConfigurationError

_FILE = re.compile(r"appendonly\.aof\.(\d+)\.(base|incr)\.(?:rdb|aof)")
_MANIFEST = "appendonly.aof.manifest"
#: Written beside the directory once it was seen, so that its loss is not taken for a first start.
_SEEN = "appendonly.seen"


def check(store: Path) -> None:
    """Refuse a store's directory whose append-only file has lost what a server needs to find its data.

    Raises:
        ConfigurationError: the manifest or the whole append-only file is gone; it says the way back.
    """
    directory = store / "appendonlydir"
    manifest = directory / _MANIFEST
    if manifest.exists():
        return
    found = sorted(_data_files(directory))
    if found:
        raise ConfigurationError(
            str(manifest),
            "manifest",
            f"is gone, though its data files are there, and the store would start empty. Bring it back from a backup, "
            f"or write it anew with these lines: {'; '.join(_lines(found))}. To start empty, move {directory} away and "
            f"remove {store / _SEEN}",
        )
    if (store / _SEEN).exists():
        raise ConfigurationError(
            str(directory),
            "append-only file",
            f"is gone, though this store had one, and it would start empty. Bring the directory back from a backup. "
            f"To start empty, remove {store / _SEEN}",
        )


def seen(store: Path) -> None:
    """Note that the store has an append-only file. A disk that is full forgets it until the next start."""
    if (store / "appendonlydir" / _MANIFEST).exists():
        with contextlib.suppress(OSError):
            (store / _SEEN).touch()


def _data_files(directory: Path) -> list[tuple[int, str, str]]:
    """Sequence, kind and name of every data file."""
    if not directory.is_dir():
        return []
    names = [(path.name, _FILE.fullmatch(path.name)) for path in directory.iterdir()]
    return [(int(found[1]), found[2], name) for name, found in names if found]


def _lines(found: list[tuple[int, str, str]]) -> list[str]:
    """The manifest that these files had: the newest base, and every increment, oldest first."""
    bases = [each for each in found if each[1] == "base"][-1:]
    return [
        f"file {name} seq {sequence} type {kind[0]}"
        for sequence, kind, name in [*bases, *(each for each in found if each[1] == "incr")]
    ]
