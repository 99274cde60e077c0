"""What inputs are looked up in now: readers of mail domains, networks and links, and which of them are in use."""

from __future__ import annotations

from dataclasses import dataclass

from riskapi.inputs.domains import DomainLists
from riskapi.inputs.email import MailReader
from riskapi.inputs.network import NetworkReader
from riskapi.inputs.phone import PhoneReader
from riskapi.inputs.urls import LinkDomains


@dataclass(frozen=True, slots=True)
class Readers:
    """Readers that belong together. ``networks_version`` and ``lists.version`` are what answers name."""

    mail: MailReader
    networks: NetworkReader
    phones: PhoneReader
    links: LinkDomains
    networks_version: str

    @classmethod
    def of(cls, lists: DomainLists, networks: NetworkReader, networks_version: str | None = None) -> Readers:
        """Readers of some lists and databases; the version is by default the day the AS database was built."""
        return cls(MailReader(lists), networks, PhoneReader(), LinkDomains(lists), networks_version or networks.version)

    @property
    def lists(self) -> DomainLists:
        """The domain lists."""
        return self.mail.lists

    @property
    def versions(self) -> dict[str, str]:
        """The versions that answers name."""
        return {"asn": self.networks_version, "lists": self.lists.version}


class ActiveReaders:
    """The readers in use now, for every part of a worker. A request takes them once and keeps them to its end.

    Those that were replaced are not closed: they go when the last request that took them lets go of them.
    """

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    @property
    def readers(self) -> Readers:
        """The readers in use now."""
        return self._readers

    def put(self, readers: Readers) -> None:
        """Use other readers from the next request on."""
        self._readers = readers
