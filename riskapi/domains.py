"""What is known of mail domains: disposable, relay and free ones, and where the registrable part begins.

The lists are those that ``data update`` fetched, or come inside pinned PyPI packages; nothing is fetched here. An
operator's own files in ``<data directory>/domains/`` add to them or take away from them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Literal, NamedTuple

from publicsuffixlist import PublicSuffixList

from riskapi.errors import ConfigurationError
from riskapi.feeds import domain_lines, manifest
from riskapi.feeds.declared import FEEDS
from riskapi.feeds.formats import suffix_list
from riskapi.feeds.manifest import Manifest
from signals.data.mailbox_providers import FREE, NOT_DISPOSABLE, PROVIDER_OF, RELAYS

#: The lists an operator may add to, one file each: ``disposable.txt``, ``relay.txt``, ``free.txt``.
KINDS: tuple[Literal["disposable", "relay", "free"], ...] = ("disposable", "relay", "free")


class Standing(NamedTuple):
    """What the lists say of one domain. At most one of the three flags is true: relay before disposable before free.

    ``suffix`` is the public suffix, private ones like ``github.io`` included; ``registrable`` the domain one label
    below it, ``None`` when the domain is itself a public suffix.
    """

    registrable: str | None
    suffix: str
    disposable: bool
    relay: bool
    free: bool


@dataclass(frozen=True, slots=True)
class DomainLists:
    """The domain lists of one process: read-only, and shared by every thread.

    ``version`` names what was loaded: the disposable list's release, the public suffix snapshot's date, what was
    fetched of the others and, where the operator has files of their own, eight hexadecimal digits of their hash.
    """

    disposable: frozenset[str]
    relay: frozenset[str]
    free: frozenset[str]
    suffixes: PublicSuffixList
    version: str

    @classmethod
    def load(cls, data_dir: Path | None = None, current: Manifest | None = None) -> DomainLists:
        """Read the lists in use, then the operator's files below ``data_dir``; about 0.1 s.

        In use is what ``current`` names, by default the manifest below ``data_dir``; for the rest the packaged lists.
        A file of the operator holds one domain a line; ``#`` starts a comment, ``!`` before a domain takes it off the
        list. A line that is no domain raises :class:`ConfigurationError` with the file, the line and the reason, and so
        does a fetched file that is not what it was.
        """
        if current is None:
            current = manifest.read(data_dir) if data_dir is not None else Manifest()
        found = {kind: _listed(kind, data_dir, current) for kind in KINDS}
        found["disposable"] -= NOT_DISPOSABLE
        found["relay"] |= RELAYS
        found["free"] |= FREE | set(PROVIDER_OF)
        digest = hashlib.sha256()
        for kind in KINDS if data_dir is not None else ():
            path = Path(data_dir or "", "domains", f"{kind}.txt")
            if path.is_file():
                content = path.read_bytes()
                digest.update(kind.encode() + b"\0" + content)
                own = _parse(content, path)
                found[kind] = (found[kind] | own.added) - own.removed
        own_mark = "" if digest.digest() == hashlib.sha256().digest() else f"+{digest.hexdigest()[:8]}"
        return cls(
            disposable=frozenset(found["disposable"]),
            relay=frozenset(found["relay"]),
            free=frozenset(found["free"]),
            suffixes=_suffixes(data_dir, current),
            version=_version(current) + own_mark,
        )

    def standing(self, domain: str) -> Standing:
        """What the lists say of ``domain`` (lower-case A-labels).

        A domain below a listed one counts as listed, up to its registrable domain and no further: what is above that
        belongs to somebody else.
        """
        suffix = self.suffixes.publicsuffix(domain) or domain
        registrable = self.suffixes.privatesuffix(domain)
        names = [domain]
        while names[-1] != registrable and registrable is not None:
            names.append(names[-1].partition(".")[2])
        relay = not self.relay.isdisjoint(names)
        disposable = not relay and not self.disposable.isdisjoint(names)
        free = not relay and not disposable and not self.free.isdisjoint(names)
        return Standing(registrable, suffix, disposable, relay, free)


def _listed(kind: Literal["disposable", "relay", "free"], data_dir: Path | None, current: Manifest) -> set[str]:
    """The list in use, before what we and the operator know better."""
    entry = current.entry(kind)
    if entry is None or data_dir is None:
        return set(domain_lines.parse(FEEDS[kind].packaged.installed()).added)
    path = manifest.verified(data_dir, kind, entry)
    return set(_parse(path.read_bytes(), path).added)


def _suffixes(data_dir: Path | None, current: Manifest) -> PublicSuffixList:
    entry = current.entry("suffix")
    if entry is None or data_dir is None:
        return _installed_suffixes()
    path = manifest.verified(data_dir, "suffix", entry)
    try:
        return suffix_list(path.read_bytes())
    except ValueError as error:
        raise ConfigurationError(str(path), "suffix", str(error)) from None


@lru_cache(maxsize=1)
def _installed_suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def _version(current: Manifest) -> str:
    disposable, suffix = current.entry("disposable"), current.entry("suffix")
    parts = [
        f"disposable {disposable.label if disposable else version('disposable-email-domains')}",
        f"suffix {suffix.label if suffix else _snapshot()}",
    ]
    for kind in ("relay", "free"):
        entry = current.entry(kind)
        if entry is not None:
            parts.append(f"{kind} {entry.label}")
    return ", ".join(parts)


def _snapshot() -> str:
    """Date of the public suffix snapshot, ``YYYY-MM-DD``: the last part of the package's version is ``YYYYMMDD``."""
    date = version("publicsuffixlist").rpartition(".")[2]
    return f"{date[:4]}-{date[4:6]}-{date[6:]}"


def _parse(content: bytes, path: Path) -> domain_lines.Domains:
    try:
        return domain_lines.parse(content)
    except domain_lines.LineError as error:
        raise ConfigurationError(str(path), f"line {error.number}", error.reason) from error
