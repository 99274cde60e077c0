"""What the registry of an IP address says of its network: who has it, since when, and who hears complaints.

Fetched by ourselves, because ``ipwhois`` has no limit on the whole answer, and read by ``ipwhois``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_address
from typing import Any, Final

from ipwhois.exceptions import HTTPLookupError
from ipwhois.net import Net
from ipwhois.rdap import RDAP

from riskapi.datasets.network_kinds import kind_of_name
from riskapi.enrichment import rdap
from riskapi.enrichment.blocklists import TellOfList, count_listings
from riskapi.enrichment.rdap_servers import Servers
from riskapi.enrichment.registry_client import RegistryClient
from riskapi.enrichment.resolver import Resolver
from riskapi.enrichment.upstream import UpstreamError
from riskapi.settings.environment import Blocklist
from signals.facts import Registrant

#: Names of who may change an object in the databases of RIPE, APNIC and AFRINIC, which tell them as registrants, too
#: (RIPE Database Documentation, "Description of the mntner object"; APNIC writes ``MAINT-`` in front).
_MAINTAINER: Final = re.compile(r"MAINT-.*|MNT-.*|.*-MNT|.*-MAINT", re.IGNORECASE)
_MAIL: Final = re.compile(r"[^\s@<>:]{1,64}@[^\s@<>:]{1,190}")


class _Asked(Net):  # type: ignore[misc]
    """The address as ``ipwhois`` wants to have it, without a resolver and without any way to the network."""

    def __init__(self, ip: str) -> None:
        self.address_str = ip

    def get_http_json(self, *_: object, **__: object) -> Any:
        raise HTTPLookupError("everything was fetched before")


async def look_up_registrant(
    ip: str,
    client: RegistryClient,
    servers: Servers,
    resolver: Resolver,
    blocklists: Sequence[Blocklist],
    now: float,
    tell: TellOfList | None = None,
) -> Registrant:
    """Ask about an address (IPv4-mapped ones unwrapped). ``now`` is Unix time; ``tell`` hears of blocklists. Without a
    responsible server only the blocklists are known.

    Raises :class:`UpstreamError` when the registry did not answer, or about something else: without it the rest is not
    worth to be kept for as long as a registry's answer is.
    """
    listed = await count_listings("ip", ip, resolver, blocklists, tell)
    url = await servers.ip_url(ip)
    found = None if url is None else await client.json(url)
    made = Registrant(checked_at=now) if url is None else Registrant(checked_at=now, found=False)
    if found is not None:
        made = _read(ip, found, now)
    return replace(made, listed=listed)


def _read(ip: str, document: Any, now: float) -> Registrant:
    if not isinstance(document, dict) or document.get("objectClassName") != "ip network":
        raise UpstreamError("the registry answered with something else than a network")
    try:
        parsed = RDAP(_Asked(ip)).lookup(
            response=_shaped(document), asn_data={"asn_registry": "arin"}, root_ent_check=False
        )
        network, holders = parsed["network"], list(parsed["objects"].values())
        first, last = ip_address(network["start_address"]), ip_address(network["end_address"])
    except Exception as error:  # it was not written for answers made to break it
        raise UpstreamError(f"the registry's answer cannot be read: {type(error).__name__}") from None
    asked = ip_address(ip)
    if not first.version == last.version == asked.version or not int(first) <= int(asked) <= int(last):
        raise UpstreamError("the registry answered about another network")
    name = rdap.text(network["name"])
    organization = _organization(holders) or name or _remark(network["remarks"])
    return Registrant(
        checked_at=now,
        found=True,
        organization=organization,
        kind=kind_of_name(organization) or kind_of_name(name),
        abuse_contact=_abuse_contact(holders),
        allocated_at=rdap.happened_at(document, "registration", now),
        first=str(first),
        last=str(last),
    )


def _shaped(document: dict[str, Any]) -> dict[str, Any]:
    """The answer as ``ipwhois`` reads it without asking again or giving up.

    Every entity that stands anywhere in it is put at the top. Each gets a handle, which is optional (RFC 9083, 5.1),
    and keeps only those properties of its card that are texts.
    """
    people = [
        {"handle": str(number), "roles": rdap.roles(entity), "vcardArray": ["vcard", rdap.card(entity)]}
        for number, entity in enumerate(rdap.entities(document))
    ]
    first = document.get("startAddress")
    return {
        "handle": "-",
        "parentHandle": "",
        "startAddress": first,
        "endAddress": document.get("endAddress"),
        "ipVersion": "v6" if isinstance(first, str) and ":" in first else "v4",
        "name": rdap.text(document.get("name")) or "",
        "remarks": document.get("remarks"),
        "entities": people,
    }


def _organization(holders: list[dict[str, Any]]) -> str | None:
    """Name of the registrant: an organisation before what does not say what it is; never a person, nor a maintainer."""
    found = []
    for holder in holders:
        name, kind = rdap.text(holder["contact"]["name"]), (holder["contact"]["kind"] or "").lower()
        if "registrant" in holder["roles"] and name is not None and not _MAINTAINER.fullmatch(name):
            found += [(kind != "org", name)] if kind != "individual" else []
    return min(found, key=lambda one: one[0])[1] if found else None


def _remark(remarks: list[dict[str, Any]] | None) -> str | None:
    """The first line of the first remark; in some registries it is all that says who has the network."""
    lines = (rdap.text((remark["description"] or "").split("\n")[0]) for remark in remarks or [])
    return next((line for line in lines if line is not None), None)


def _abuse_contact(holders: list[dict[str, Any]]) -> str | None:
    """The first mail address of the first who hears of abuse."""
    for holder in holders:
        for mail in (holder["contact"]["email"] or []) if "abuse" in holder["roles"] else []:
            found = str(mail["value"]).strip().removeprefix("mailto:")
            if _MAIL.fullmatch(found):
                return found.lower()
    return None
