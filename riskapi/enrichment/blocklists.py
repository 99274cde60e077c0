"""DNS blocklists of the operator's choice (RFC 5782)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, ip_address
from typing import Final, Literal

from riskapi.enrichment.resolver import Resolver
from riskapi.enrichment.upstream import UpstreamClosed, UpstreamError
from riskapi.environment import Blocklist

#: What a list answers for what it has (RFC 5782, 2.1), and what some answer instead to those they do not serve:
#: Spamhaus "typing error", "open resolver" and "too many questions" (spamhaus.org, "DNSBL usage FAQ", return codes);
#: URIBL and SURBL "refused" (uribl.com/refused.shtml; surbl.org, "Implementation guidelines").
_LISTED: Final = IPv4Network("127.0.0.0/8")
_REFUSED: Final = (IPv4Network("127.255.255.0/24"), IPv4Network("127.0.0.1/32"))


async def count_listings(
    kind: Literal["domain", "ip"], asked: str, resolver: Resolver, blocklists: Sequence[Blocklist]
) -> int | None:
    """How many lists of a kind have a domain (in A-labels) or an address; ``None`` when none is configured or answered.

    A list that fails, refuses or answers something that no list answers is left out. Raises :class:`UpstreamClosed`
    when nobody could be asked just now.
    """
    name = asked if kind == "domain" else _reversed(asked)
    zones = [one.zone for one in blocklists if one.kind == kind]
    answers = [one for one in await asyncio.gather(*(_has(name, zone, resolver) for zone in zones)) if one is not None]
    return sum(answers) if answers else None


async def _has(name: str, zone: str, resolver: Resolver) -> bool | None:
    try:
        found = (await resolver.ask(f"{name}.{zone}", "A")).addresses()
    except UpstreamClosed:
        raise
    except UpstreamError:
        return None
    answers = [one for one in found if isinstance(one, IPv4Address) and one in _LISTED]
    if (found and not answers) or any(one in network for one in answers for network in _REFUSED):
        return None
    return bool(answers)


def _reversed(ip: str) -> str:
    """Octets (RFC 5782, 2.1) or nibbles (2.4) of an address from the last to the first."""
    address = ip_address(ip)
    parts = str(address).split(".") if address.version == 4 else [*f"{int(address):032x}"]
    return ".".join(reversed(parts))
