"""Whether a registry is believed that it does not know a domain: only where it knows some other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from riskapi.enrichment.rdap_servers import Servers
from riskapi.enrichment.registry_client import RegistryClient, server_of
from riskapi.enrichment.sources import RegistryDoubt

#: Seconds for which it counts that a server knew a domain, and that it knew none.
_KNEW, _KNEW_NONE = 60.0, 300.0
#: Names that are registered nearly everywhere: of a firm that registers its own below every ending, and of the registry
#: itself, which new endings must have (ICANN, "Base Registry Agreement", specification 5, section 4).
_FIRM, _REGISTRY = "google", "nic"
#: Servers that are remembered: there are some hundred registries.
_SERVERS: Final = 512


class RegistryTrust:
    """Remembers which servers know domains. ``suffix`` gives the public suffix of a domain, ``clock`` seconds that
    never run backwards; ``tell`` hears when the first server is doubted, and when none is any more.
    """

    def __init__(
        self,
        client: RegistryClient,
        servers: Servers,
        suffix: Callable[[str], str],
        clock: Callable[[], float],
        tell: Callable[[RegistryDoubt | None], None],
    ) -> None:
        self._client, self._servers, self._suffix = client, servers, suffix
        self._clock, self._tell = clock, tell
        self._known: dict[str, tuple[bool, float]] = {}

    def knew(self, server: str) -> None:
        """Note that a server (``host:port``) knew a domain."""
        self._note(server, True)

    async def knows_any(self, server: str, domain: str) -> bool:
        """Whether a server knows any domain with the ending of this one. It is asked about up to three, unless that is
        known lately. Raises :class:`~riskapi.enrichment.upstream.UpstreamError` where it does not answer.
        """
        known, at = self._known.get(server, (False, float("-inf")))
        if self._clock() - at < (_KNEW if known else _KNEW_NONE):
            return known
        suffix, ending = self._suffix(domain), domain.rpartition(".")[2]
        for name in dict.fromkeys((f"{_FIRM}.{suffix}", f"{_REGISTRY}.{ending}", f"{_FIRM}.{ending}")):
            url = await self._servers.domain_url(name)
            if url is None or server_of(url) != server:
                continue
            found = await self._client.json(url)
            if isinstance(found, dict) and found.get("objectClassName") == "domain":
                self._note(server, True)
                return True
        self._note(server, False)
        return False

    def _note(self, server: str, known: bool) -> None:
        before = self._is_doubted()
        self._known.pop(server, None)
        self._known[server] = (known, self._clock())
        if len(self._known) > _SERVERS:
            self._known.pop(next(iter(self._known)))
        if self._is_doubted() != before:
            self._tell("knows_nothing" if not before else None)

    def _is_doubted(self) -> bool:
        return any(not known for known, _ in self._known.values())
