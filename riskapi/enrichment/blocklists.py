"""DNS blocklists of the operator's choice (RFC 5782)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, ip_address
from typing import Final, Literal

from riskapi.enrichment.resolver import Resolver
from riskapi.enrichment.sources import BlocklistDoubt
from riskapi.enrichment.upstream import UpstreamClosed, UpstreamError
from riskapi.settings.environment import Blocklist


def _reversed(ip: str) -> str:
    """Octets (RFC 5782, 2.1) or nibbles (2.4) of an address from the last to the first."""
    address = ip_address(ip)
    parts = str(address).split(".") if address.version == 4 else [*f"{int(address):032x}"]
    return ".".join(reversed(parts))


#: What a list answers for what it has (RFC 5782, 2.1), and what some answer instead to those they do not serve:
#: Spamhaus "typing error", "open resolver" and "too many questions" (spamhaus.org, "DNSBL usage FAQ", return codes);
#: URIBL and SURBL "refused" (uribl.com/refused.shtml; surbl.org, "Implementation guidelines").
_LISTED: Final = IPv4Network("127.0.0.0/8")
_REFUSED: Final = (IPv4Network("127.255.255.0/24"), IPv4Network("127.0.0.1/32"))
#: What no list may have (RFC 5782, 5): one that has it lists everything, as some did when they were given up.
_NEVER: Final = {"domain": "invalid", "ip": "1.0.0.127", "ip6": _reversed("::ffff:7f00:1")}

#: What every list must have (RFC 5782, 5): 127.0.0.2, as IPv6 ::FFFF:7F00:2, and the domain TEST. A list of domains
#: that lacks TEST may have 127.0.0.2 as its test entry, as SURBL's has (surbl.org, "Implementation guidelines").
_ALWAYS: Final[Mapping[str, Sequence[str]]] = {
    "domain": ("test", "2.0.0.127"),
    "ip": ("2.0.0.127",),
    "ip6": (_reversed("::ffff:7f00:2"),),
}

#: Told what a list turned out to be, by its zone, which may hold the operator's key; ``None`` when it is in order.
TellOfList = Callable[[str, BlocklistDoubt | None], None]


async def count_listings(
    kind: Literal["domain", "ip"],
    asked: str,
    resolver: Resolver,
    blocklists: Sequence[Blocklist],
    tell: TellOfList | None = None,
) -> int | None:
    """How many lists of a kind have a domain (in A-labels) or an address; ``None`` when none is configured or answered.

    A list that fails, refuses, lists everything or answers something that no list answers is left out. Raises
    :class:`UpstreamClosed` when nobody could be asked just now.
    """
    name = asked if kind == "domain" else _reversed(asked)
    zones = [one.zone for one in blocklists if one.kind == kind]
    found = await asyncio.gather(*(_answer(name, zone, _NEVER[kind], resolver) for zone in zones))
    for zone, answer in zip(zones, found, strict=True):
        if answer is not None and tell is not None:
            tell(zone, answer if isinstance(answer, str) else None)
    answers = [one for one in found if isinstance(one, bool)]
    return sum(answers) if answers else None


async def listed(
    kind: Literal["domain", "ip"], asked: Sequence[str], zone: str, resolver: Resolver
) -> dict[str, bool | None]:
    """Whether a list has each of some domains (in A-labels) or addresses; ``None`` where that is not known.

    The list's test entries are asked about first: of one that has everything or nothing, refuses or does not answer,
    nothing is believed. Raises :class:`UpstreamClosed` when nobody could be asked just now.
    """
    found: dict[str, bool | None] = dict.fromkeys(asked)
    families: dict[str, list[str]] = {}
    for each in asked:
        families.setdefault("ip6" if kind == "ip" and ":" in each else kind, []).append(each)
    for family, names in families.items():
        if not await _works(family, zone, resolver):
            continue
        for name in names:
            has = await _has(name if kind == "domain" else _reversed(name), zone, resolver)
            found[name] = has if isinstance(has, bool) else None
    return found


async def _works(family: str, zone: str, resolver: Resolver) -> bool:
    """Whether a list has what every list has, and has not what none may have."""
    if await _has(_NEVER[family], zone, resolver) is not False:
        return False
    for name in _ALWAYS[family]:
        has = await _has(name, zone, resolver)
        if has is not False:
            return has is True
    return False


async def _answer(name: str, zone: str, never: str, resolver: Resolver) -> bool | BlocklistDoubt | None:
    """Whether a list has a name, or why it is not believed; ``None`` where it did not answer."""
    has = await _has(name, zone, resolver)
    if has is not True:
        return has
    everything = await _has(never, zone, resolver)
    if everything is True:
        return "lists_everything"
    return True if everything is False else None


async def _has(name: str, zone: str, resolver: Resolver) -> bool | Literal["refuses"] | None:
    try:
        found = (await resolver.ask(f"{name}.{zone}", "A")).addresses()
    except UpstreamClosed:
        raise
    except UpstreamError:
        return None
    answers = [one for one in found if isinstance(one, IPv4Address) and one in _LISTED]
    if any(one in network for one in answers for network in _REFUSED):
        return "refuses"
    return bool(answers) if answers or not found else None
