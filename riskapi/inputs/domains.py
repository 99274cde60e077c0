"""What is known of mail domains: disposable, relay and free ones, and where the registrable part begins.

The lists are those that ``data update`` fetched, or come inside pinned PyPI packages; nothing is fetched here. An
operator's own files in ``<data directory>/domains/`` add to them or take away from them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar

from publicsuffixlist import PublicSuffixList

from riskapi.datasets import domain_lines, mail_tables, manifest
from riskapi.datasets.dataset import Name
from riskapi.datasets.declared import DATA_SETS
from riskapi.datasets.formats import suffix_list
from riskapi.datasets.mail_tables import AccessTable, MailboxProvider, ProviderTable, RegistryTable
from riskapi.datasets.manifest import Manifest
from riskapi.errors import ConfigurationError

#: The lists an operator may add to, one file each: ``disposable.txt``, ``relay.txt``, ``free.txt``.
KINDS: tuple[Literal["disposable", "relay", "free"], ...] = ("disposable", "relay", "free")
#: Labels of the longest domain that can be listed: of deeper ones the last ten are looked up. It keeps a name of
#: 127 labels from costing 126 look-ups.
MOST_LABELS = 10


class DomainStanding(NamedTuple):
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

    ``providers`` and ``aliases`` are the rules of mailbox providers and of alias services. ``version`` names what was
    loaded: the disposable list's release, the public suffix snapshot's date, what was fetched of the others and, where
    the operator has files of their own, eight hexadecimal digits of their hash.
    """

    disposable: frozenset[str]
    relay: frozenset[str]
    free: frozenset[str]
    suffixes: PublicSuffixList
    providers: ProviderTable
    aliases: ProviderTable
    version: str

    @classmethod
    def load(cls, data_dir: Path | None = None, current: Manifest | None = None) -> DomainLists:
        """Read the lists in use, then the operator's files below ``data_dir``; about 0.3 s.

        The files that ``current`` names are used, by default those of the manifest below ``data_dir``; for the rest,
        the packaged lists. A file of the operator holds one domain a line; ``#`` starts a comment, ``!`` before a
        domain takes it off the list. A line that is not a domain raises :class:`ConfigurationError` with the file, the
        line and the reason, and so does a fetched file that is not what it was. What our own tables name is not a
        throw-away domain, whatever the list says: they know of customers there.
        """
        if current is None:
            current = manifest.read(data_dir) if data_dir is not None else Manifest()
        found = {kind: _listed(kind, data_dir, current) for kind in KINDS}
        providers = _table(ProviderTable, "providers", data_dir, current)
        aliases = _table(ProviderTable, "aliases", data_dir, current)
        access = _table(AccessTable, "access", data_dir, current)
        registries = _table(RegistryTable, "registries", data_dir, current)
        found["relay"].update(aliases.domains())
        found["free"].update(providers.domains(), access.domains())
        for table in (providers, aliases, access, registries):
            found["disposable"].difference_update(table.domains())
        digest = hashlib.sha256()
        for kind in KINDS if data_dir is not None else ():
            path = Path(data_dir or "", "domains", f"{kind}.txt")
            if path.is_file():
                content = path.read_bytes()
                digest.update(kind.encode() + b"\0" + content)
                own = _parse(content, str(path))
                found[kind] = (found[kind] | own.added) - own.removed
        own_mark = "" if digest.digest() == hashlib.sha256().digest() else f"+{digest.hexdigest()[:8]}"
        return cls(
            disposable=frozenset(found["disposable"]),
            relay=frozenset(found["relay"]),
            free=frozenset(found["free"]),
            suffixes=_suffixes(data_dir, current, registries.domains()),
            providers=providers,
            aliases=aliases,
            version=_version(current) + own_mark,
        )

    @property
    def provider_names(self) -> frozenset[str]:
        """Names of the mailbox providers."""
        return self.providers.names

    def provider(self, domain: str) -> MailboxProvider | None:
        """The mailbox provider or alias service that names ``domain`` as its own."""
        return self.providers.provider_of.get(domain) or self.aliases.provider_of.get(domain)

    def standing(self, domain: str) -> DomainStanding:
        """What the lists say of ``domain`` (lower-case A-labels).

        A domain below a listed one counts as listed, up to its registrable domain and no further: what is above that
        belongs to somebody else.
        """
        registrable = self.suffixes.privatesuffix(domain)
        if registrable is not None:
            suffix = registrable.partition(".")[2]
        else:
            suffix = self.suffixes.publicsuffix(domain) or domain
        names = [domain]
        while names[-1] != registrable and registrable is not None:
            names.append(names[-1].partition(".")[2])
        relay = not self.relay.isdisjoint(names)
        disposable = not relay and not self.disposable.isdisjoint(names)
        free = not relay and not disposable and not self.free.isdisjoint(names)
        return DomainStanding(registrable, suffix, disposable, relay, free)


def _listed(kind: Literal["disposable", "relay", "free"], data_dir: Path | None, current: Manifest) -> set[str]:
    """The list in use, before what we and the operator know better."""
    content, where = _content(kind, data_dir, current)
    return set(_parse(content, where).added)


def _content(name: Name, data_dir: Path | None, current: Manifest) -> tuple[bytes, str]:
    """What is in use for a data set, and where it is."""
    entry = current.entry(name)
    if entry is None or data_dir is None:
        return DATA_SETS[name].packaged.installed(), DATA_SETS[name].packaged.label()
    path = manifest.verified(data_dir, name, entry)
    return path.read_bytes(), str(path)


_Table = TypeVar("_Table", AccessTable, ProviderTable, RegistryTable)


def _table(kind: type[_Table], name: Name, data_dir: Path | None, current: Manifest) -> _Table:
    content, where = _content(name, data_dir, current)
    try:
        return mail_tables.parse(kind, content)
    except ValueError as error:
        raise ConfigurationError(where, name, str(error)) from None


def _suffixes(data_dir: Path | None, current: Manifest, shared: Iterable[str]) -> PublicSuffixList:
    """The Public Suffix List, and the domains that registries share out."""
    content, where = _content("suffix", data_dir, current)
    try:
        return suffix_list(b"\n".join([content, *(domain.encode() for domain in shared)]))
    except ValueError as error:
        raise ConfigurationError(where, "suffix", str(error)) from None


def _version(current: Manifest) -> str:
    disposable, suffix = current.entry("disposable"), current.entry("suffix")
    parts = [
        f"disposable {disposable.label if disposable else version('disposable-email-domains')}",
        f"suffix {suffix.label if suffix else _snapshot()}",
    ]
    for kind in ("relay", "free", "providers", "aliases", "access", "registries"):
        entry = current.entry(kind)
        if entry is not None:
            parts.append(f"{kind} {entry.label}")
    return ", ".join(parts)


def _snapshot() -> str:
    """Date of the public suffix snapshot, ``YYYY-MM-DD``: the last part of the package's version is ``YYYYMMDD``."""
    date = version("publicsuffixlist").rpartition(".")[2]
    return f"{date[:4]}-{date[4:6]}-{date[6:]}"


def _parse(content: bytes, where: str) -> domain_lines.Domains:
    try:
        return domain_lines.parse(content)
    except domain_lines.LineError as error:
        raise ConfigurationError(where, f"line {error.number}", error.reason) from error


def parents(domain: str, registrable: str) -> Iterator[str]:
    """The domain and those above it down to its registrable one, longest first; longer than can be listed left out."""
    labels, least = domain.split("."), registrable.count(".") + 1
    for count in range(min(len(labels), MOST_LABELS), least - 1, -1):
        yield ".".join(labels[-count:])
