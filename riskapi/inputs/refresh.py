"""Keeping the readers up to date: what ``data update`` swapped is read beside requests and used from then on.

:meth:`ReaderRefresh.follow` checks whether the manifest changed, as :class:`riskapi.policy.publisher.Publisher` does
for the policy.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping

from riskapi import logs
from riskapi.datasets import installed, manifest
from riskapi.datasets.dataset import Name
from riskapi.datasets.manifest import Manifest
from riskapi.datasets.numbering import Numbering
from riskapi.errors import ConfigurationError
from riskapi.inputs.domains import DomainLists
from riskapi.inputs.email import MailReader
from riskapi.inputs.network import NetworkReader
from riskapi.inputs.phone import PhoneReader
from riskapi.inputs.readers import ActiveReaders, Readers
from riskapi.inputs.urls import LinkDomains
from riskapi.settings import Settings

_LISTS: tuple[Name, ...] = (
    "disposable", "free", "relay", "suffix", "providers", "aliases", "access", "registries",
)  # fmt: skip
_NETWORKS: tuple[Name, ...] = ("asn", "country", "hosting", "networks")
_PHONES: tuple[Name, ...] = ("numbering",)


def load(settings: Settings, current: Manifest, before: tuple[Readers, Manifest] | None = None) -> Readers:
    """Readers of what ``current`` names. What is the same as ``before`` is not read again, and remembers what it read.

    Raises :class:`ConfigurationError` for data that cannot be used.
    """
    networks, lists, phones = None, None, None
    if before is not None:
        readers, was = before
        if _same(_NETWORKS, was, current):
            networks = readers.networks
        if _same(_PHONES, was, current):
            phones = readers.phones
        if _same(_LISTS, was, current):
            lists = readers
    networks = networks or NetworkReader(*installed.ensure(settings, current))
    phones = phones or _phones(settings, current)
    version = _version(settings, networks, current)
    if lists is not None:
        return Readers(lists.mail, networks, phones, lists.links, version)
    found = DomainLists.load(settings.data_dir, current)
    return Readers(MailReader(found), networks, phones, LinkDomains(found), version)


def _phones(settings: Settings, current: Manifest) -> PhoneReader:
    path = installed.fetched(settings, "numbering", current)
    try:
        return PhoneReader(None if path is None else Numbering(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise ConfigurationError(str(path), "numbering", f"cannot be used: {error}") from error


def _same(names: tuple[Name, ...], was: Manifest, current: Manifest) -> bool:
    return all(was.entry(name) == current.entry(name) for name in names)


def _version(settings: Settings, networks: NetworkReader, current: Manifest) -> str:
    """The day the AS database was built, and what was fetched beside it."""
    parts = [networks.version]
    for name in ("country", "hosting", "networks", "numbering"):
        entry = current.entry(name)
        if entry is not None and installed.own(settings, name) is None:
            parts.append(f"{name} {entry.label}")
    return ", ".join(parts)


class ReaderRefresh:
    """Uses what was swapped. Safe for threads.

    ``name`` is told the new versions, for answers to name. ``current`` is what the readers in use were read from.
    """

    def __init__(
        self,
        settings: Settings,
        active_readers: ActiveReaders,
        current: Manifest,
        name: Callable[[Mapping[str, str]], None],
    ) -> None:
        self._settings, self._active_readers, self._current, self._name = settings, active_readers, current, name
        self._mark = current.mark
        self._lock = threading.Lock()
        self._fault: str | None = None

    @property
    def fault(self) -> str | None:
        """Why this process does not use the data that was swapped; None when it does."""
        return self._fault

    def follow(self) -> None:
        """Use the readers of what the manifest names now, if others are in use.

        Raises :class:`ConfigurationError`, once, for data that cannot be used, and whatever else goes wrong each time;
        the readers in use stay.
        """
        with self._lock:
            mark = manifest.mark(self._settings.data_dir)
            if mark == self._mark:
                return
            try:
                current = manifest.read(self._settings.data_dir)
                readers = load(self._settings, current, (self._active_readers.readers, self._current))
            except ConfigurationError as error:
                self._mark, self._fault = mark, str(error)
                raise
            except Exception as error:  # no room, no file handle: it may be there at the next look
                self._fault = f"it could not be read: {type(error).__name__}"
                raise
            self._active_readers.put(readers)
            self._name(readers.versions)
            self._current, self._mark, self._fault = current, current.mark, None
            logs.note(logging.INFO, "data", versions=readers.versions)
