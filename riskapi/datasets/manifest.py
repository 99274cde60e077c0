"""Which fetched files are in use: ``<data directory>/feeds/current.json``, replaced whole.

A data set that is not named there is the installed package's. Files are written before they are named and never
changed, so whoever reads the manifest finds whole files, whatever is killed when.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from riskapi.datasets.dataset import Name, day
from riskapi.errors import ConfigurationError, reworded

FOLDER, FILE = "feeds", "current.json"
#: What tells one manifest from the next without reading it: number, time of change and size of the file.
Mark = tuple[int, int, int] | None


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ManifestEntry(_Record):
    """A file: its name below the folder of data sets, what it is, and where it came from.

    ``built`` is the Unix time it was made at, where it or its source says so; ``version`` the package's, of a file that
    a release before 2026-12 took from a package. ``etag`` and ``modified`` are what its server said (RFC 9110, 8.8),
    to ask only for a newer one.
    """

    file: Annotated[str, Field(pattern=r"^[a-z]+/[0-9a-f]{16}\.[a-z]+$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    bytes: Annotated[int, Field(gt=0)]
    entries: Annotated[int, Field(gt=0)]
    built: float | None
    source: str
    version: str | None = None
    fetched_at: float
    etag: str | None = None
    modified: str | None = None

    @property
    def label(self) -> str:
        """What answers call it: the package's version, else the day it was made or fetched and eight digits of it."""
        return self.version or f"{day(self.built or self.fetched_at)}.{self.sha256[:8]}"


class Slot(_Record):
    """What is in use for a data set, and what was before; None stands for the installed package's data."""

    current: ManifestEntry | None
    previous: ManifestEntry | None


class _File(_Record):
    """``feeds`` are the data sets: the name of the file and of its folder is that of the first releases."""

    format: Literal[1] = 1
    feeds: dict[Name, Slot] = {}


@dataclass(frozen=True, slots=True)
class Manifest:
    """The manifest as it was read."""

    slots: Mapping[Name, Slot] = field(default_factory=dict)
    mark: Mark = None

    def entry(self, name: Name) -> ManifestEntry | None:
        """The file in use for a data set; None where it is the installed package's data."""
        slot = self.slots.get(name)
        return slot.current if slot else None


def folder(data_dir: Path) -> Path:
    """Where manifest and files are."""
    return data_dir / FOLDER


def mark(data_dir: Path) -> Mark:
    """The mark of the manifest that is there now; None where there is none."""
    try:
        return _mark(os.stat(folder(data_dir) / FILE))
    except OSError:
        return None


def read(data_dir: Path) -> Manifest:
    """The manifest; one that is not there names nothing. Raises :class:`ConfigurationError` for one that is broken."""
    path = folder(data_dir) / FILE
    try:
        with path.open("rb") as file:
            found = _mark(os.fstat(file.fileno()))
            return Manifest(_File.model_validate_json(file.read()).feeds, found)
    except (FileNotFoundError, NotADirectoryError):
        return Manifest()
    except OSError as error:
        raise ConfigurationError(str(path), "feeds", f"cannot be read: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "feeds"
        raise ConfigurationError(str(path), where, f"{reworded(first['msg'])}; {_MENDS}") from None


#: What mends a manifest or file that was damaged from outside.
_MENDS = "remove it: then the installed data is used, and `python -m riskapi data update` fetches anew"


def verified(data_dir: Path, name: Name, entry: ManifestEntry) -> Path:
    """Path of a file, which is found to be what was checked. Raises :class:`ConfigurationError`."""
    path = folder(data_dir) / entry.file
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        reason = f"cannot be read: {error.strerror}; `python -m riskapi data update --only {name}` fetches it anew"
        raise ConfigurationError(str(path), name, reason) from None
    if digest != entry.sha256:
        reason = f"is not what was fetched; `python -m riskapi data update --only {name}` fetches it anew"
        raise ConfigurationError(str(path), name, reason)
    return path


@contextlib.contextmanager
def held(data_dir: Path) -> Iterator[None]:
    """Hold the manifest, so that of two who change it the second sees what the first did. Let go at the end.

    Raises :class:`ConfigurationError` where the folder cannot be written, by what is done meanwhile too.
    """
    try:
        with (folder(data_dir) / ".lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except OSError as error:
        why = f"cannot use {error.filename or folder(data_dir)}: {error.strerror}"
        raise ConfigurationError("environment", "RISKAPI_DATA_DIR", why) from None


def write(data_dir: Path, slots: Mapping[Name, Slot]) -> None:
    """Replace the manifest, held by the caller, and take away files that it does not name."""
    at = folder(data_dir)
    content = _File(feeds=dict(slots)).model_dump_json(indent=1)
    put(at / FILE, content.encode())
    named = {entry.file for slot in slots.values() for entry in (slot.current, slot.previous) if entry}
    for path in at.glob("*/*"):
        if f"{path.parent.name}/{path.name}" not in named and not path.parent.name.startswith("."):
            path.unlink(missing_ok=True)


def put(path: Path, content: bytes) -> None:
    """Write a file that is either complete or not there, whoever else writes it at the same time."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, 0o644)  # who updates need not be who serves
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
        flush(path.parent)
    finally:
        Path(name).unlink(missing_ok=True)


def flush(directory: Path) -> None:
    """See to it that the names in a directory survive the machine."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _mark(found: os.stat_result) -> Mark:
    return found.st_ino, found.st_mtime_ns, found.st_size
