"""What the registry of an ending says of a domain: since when it is registered, and through whom."""

from __future__ import annotations

from riskapi.enrichment import rdap
from riskapi.enrichment.rdap_servers import Servers
from riskapi.enrichment.registry_client import RegistryClient, server_of
from riskapi.enrichment.registry_trust import RegistryTrust
from riskapi.enrichment.upstream import UpstreamError
from signals.facts import Registration


async def look_up_registration(
    domain: str, client: RegistryClient, servers: Servers, now: float, trust: RegistryTrust | None = None
) -> Registration:
    """Ask about a registrable domain in A-labels. Nothing is known where its ending has no RDAP server, as with many
    endings of countries, nor where the server says that there is no such domain and ``trust`` does not believe it.
    ``now`` is Unix time.

    Raises :class:`UpstreamError` when the registry did not answer, or about something else.
    """
    url = await servers.domain_url(domain)
    if url is None:
        return Registration(checked_at=now)
    found = await client.json(url)
    if found is None:
        believed = trust is None or await trust.knows_any(server_of(url), domain)
        return Registration(checked_at=now, found=False if believed else None)
    if not isinstance(found, dict) or found.get("objectClassName") != "domain":
        raise UpstreamError("the registry answered with something else than a domain")
    name = found.get("ldhName")
    if not isinstance(name, str) or name.rstrip(".").lower() != domain.rstrip(".").lower():
        raise UpstreamError("the registry answered about another domain")
    if trust is not None:
        trust.knew(server_of(url))
    registrars = [entity for entity in rdap.entities(found, depth=1) if "registrar" in rdap.roles(entity)]
    names = (rdap.text(entry[3]) for entity in registrars for entry in rdap.card(entity) if entry[0].lower() == "fn")
    return Registration(
        checked_at=now,
        found=True,
        registered_at=rdap.happened_at(found, "registration", now),
        registrar=next((found for found in names if found is not None), None),
    )
