"""A file of a data set, brought from where the settings say into a folder, unpacked and not yet checked."""

from __future__ import annotations

import gzip
import shutil
import zlib
from pathlib import Path
from typing import NamedTuple

from riskapi.datasets.dataset import DataSet
from riskapi.datasets.download import Progress, Validators, download
from riskapi.datasets.manifest import ManifestEntry
from riskapi.errors import ConfigurationError
from riskapi.settings.environment import Source

_GZIP = b"\x1f\x8b"  # RFC 1952, 2.3.1
_PART = 1 << 20


class Fetched(NamedTuple):
    """A file, and what was learned where it came from: see :class:`riskapi.datasets.manifest.ManifestEntry`."""

    path: Path
    source: str
    built: float | None = None
    validators: Validators = Validators()


def fetch(
    data_set: DataSet, source: Source, folder: Path, current: ManifestEntry | None, progress: Progress
) -> Fetched | None:
    """Bring a file of a data set from a URL or a path; None where the server says that ``current`` is still the newest.

    Raises :class:`ConfigurationError` with where it was to come from, the data set and the reason.
    """
    where = source.shown
    to = folder / f"{data_set.name}.{data_set.ending}"
    try:
        raw = to.with_suffix(".raw")
        if source.kind == "url":
            same = current is not None and current.source == where
            known = Validators(current.etag, current.modified) if current is not None and same else Validators()
            said = download(source.where.get_secret_value(), raw, data_set.most_bytes, known, progress)
            if said is None:
                return None
            _unpack(raw, to, data_set.most_bytes)
            return Fetched(to, where, said.at, said)
        _copy(Path(where), raw, data_set.most_bytes)
        _unpack(raw, to, data_set.most_bytes)
        return Fetched(to, where)
    except ValueError as error:
        raise data_set.refused(where, str(error)) from None
    except OSError as error:
        reason = f"{error.filename or to}: {error.strerror}"
        raise ConfigurationError(where, data_set.name, f"cannot be had: {reason}") from None


def _copy(path: Path, to: Path, most: int) -> None:
    """Copy a file, which another program may be writing just now, so that what is checked is what is used."""
    if not path.is_file():
        raise ValueError("there is no such file")
    if path.stat().st_size > most:
        raise ValueError(f"it has {path.stat().st_size:,} bytes; {most:,} at most are expected")
    shutil.copyfile(path, to)


def _unpack(path: Path, to: Path, most: int) -> None:
    """Undo gzip where the file is packed with it, up to ``most`` bytes; what is not stays as it is."""
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP
    if not packed:
        path.replace(to)
        return
    come = 0
    try:
        with gzip.open(path) as unpacked, to.open("wb") as out:
            while part := unpacked.read(_PART):
                come += len(part)
                if come > most:
                    raise ValueError(f"it unpacks to more than {most:,} bytes")
                out.write(part)
    except EOFError:
        raise ValueError("it is packed with gzip and cut short") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"it is packed with gzip and broken: {error}") from None
    path.unlink()
