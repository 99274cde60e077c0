"""Which RDAP server is responsible: the operator's, or the one that IANA's lists name (RFC 9224)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any, Final
from urllib.parse import quote

from riskapi.enrichment.registry_client import RegistryClient
from riskapi.enrichment.upstream import UpstreamError
from riskapi.times import DAY

#: Where IANA publishes the lists: RFC 9224, 13.
IANA: Final = "https://data.iana.org/rdap"
#: Seconds a list is good for. Endings and blocks get a server, or another one, a few times a month.
REMEMBERED: Final = float(DAY)
#: Seconds after which a list that could not be fetched anew is tried again while the old one serves.
RETRIED: Final = 300.0


@dataclass(slots=True)
class _List:
    """One of the lists as it was read: entry (an ending; a network as its length and bits) → base URL."""

    entries: dict[Any, str] = field(default_factory=dict)
    until: float = 0.0
    read: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Servers:
    """Gives the URL to ask. ``base`` is the operator's server, which then answers for everything; ``iana`` is where the
    lists stand. ``clock`` gives seconds that never run backwards.
    """

    def __init__(
        self, client: RegistryClient, clock: Callable[[], float], base: str | None = None, iana: str = IANA
    ) -> None:
        self._client, self._clock, self._base, self._iana = client, clock, base, iana
        self._lists = {name: _List() for name in ("dns", "ipv4", "ipv6")}

    async def domain_url(self, name: str) -> str | None:
        """URL of a domain (RFC 9082, 3.1.3), in A-labels; ``None`` when no server is responsible.

        Raises :class:`UpstreamError` when the list has never been read and cannot be had.
        """
        name = name.rstrip(".").lower()
        return self._url(await self._domain_base(name), "domain", name)

    async def ip_url(self, ip: str) -> str | None:
        """URL of an address (RFC 9082, 3.1.1); ``None`` when no server is responsible.

        Raises :class:`UpstreamError` when the list has never been read and cannot be had.
        """
        address = ip_address(ip)
        return self._url(await self._ip_base(address.version, int(address), address.max_prefixlen), "ip", str(address))

    async def _domain_base(self, name: str) -> str | None:
        if self._base is not None:
            return self._base
        entries = await self._entries("dns")
        labels = name.split(".")
        # Longest match, label by label (RFC 9224, 4). The last is the whole of DNS, should it ever get one.
        endings = [".".join(labels[start:]) for start in range(len(labels) + 1)]
        return next((entries[ending] for ending in endings if ending in entries), None)

    async def _ip_base(self, version: int, value: int, bits: int) -> str | None:
        if self._base is not None:
            return self._base
        entries = await self._entries(f"ipv{version}")
        keys = ((length, value >> (bits - length)) for length in range(bits, -1, -1))  # longest match (RFC 9224, 5)
        return next((entries[key] for key in keys if key in entries), None)

    @staticmethod
    def _url(base: str | None, kind: str, asked: str) -> str | None:
        return None if base is None else f"{base.rstrip('/')}/{kind}/{quote(asked, safe=':')}"

    async def _entries(self, name: str) -> dict[Any, str]:
        """The list, fetched when it is old, by one caller at a time. An old one serves while no new one can be had."""
        found = self._lists[name]
        async with found.lock:
            if self._clock() < found.until:
                return found.entries
            try:
                document = await self._client.json(f"{self._iana}/{name}.json")
                entries = _read(document, _ending if name == "dns" else _network)
                if not entries:
                    raise UpstreamError("the list of registries is empty")
            except UpstreamError:
                if not found.read:
                    raise
                found.until = self._clock() + RETRIED
            else:
                found.entries, found.until, found.read = entries, self._clock() + REMEMBERED, True
            return found.entries


def _read(document: Any, key: Callable[[str], Any]) -> dict[Any, str]:
    """Entries of a list (RFC 9224, 3). What is broken in it is left out."""
    found: dict[Any, str] = {}
    services = document.get("services") if isinstance(document, dict) else None
    for service in services if isinstance(services, list) else []:
        if not isinstance(service, list) or len(service) < 2:
            continue
        names, urls = service[0], service[1]
        base = _preferred(urls if isinstance(urls, list) else [])
        for name in names if base is not None and isinstance(names, list) else []:
            made = key(name) if isinstance(name, str) else None
            if made is not None and base is not None:
                found.setdefault(made, base)
    return found


def _preferred(urls: list[Any]) -> str | None:
    """The first URL with HTTPS, else the first with HTTP."""
    texts = [url for url in urls if isinstance(url, str)]
    return next((url for scheme in ("https://", "http://") for url in texts if url.startswith(scheme)), None)


def _ending(text: str) -> str | None:
    return text.strip(".").lower()


def _network(text: str) -> tuple[int, int] | None:
    try:
        network = ip_network(text)
    except ValueError:
        return None
    return network.prefixlen, int(network.network_address) >> (network.max_prefixlen - network.prefixlen)
