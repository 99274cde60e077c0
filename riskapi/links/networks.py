"""The networks that entities stand for: what a wider or narrower one has to do with."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network

#: Bits of the networks that entities stand for.
BITS = {4: 24, 6: 48}
#: Most of them that are asked for one network that spans several: a /16 or a /40.
_MOST = 256


def entity_networks(network: IPv4Network | IPv6Network) -> list[IPv4Network | IPv6Network] | None:
    """The networks with entities that a network lies in, or is made of; None where these are too many."""
    bits = BITS[network.version]
    if network.prefixlen >= bits:
        return [network.supernet(new_prefix=bits)]
    return list(network.subnets(new_prefix=bits)) if 2 ** (bits - network.prefixlen) <= _MOST else None
