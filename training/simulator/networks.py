"""Real public addresses of named networks, drawn at random from the AS database given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from random import Random
from typing import Any, cast

import maxminddb
from iporigin import classify

from training.simulator.organisations import PRIVATE_RELAY, TOR, wanted

Prefix = IPv4Network | IPv6Network

#: Tries to find an address of the country asked for before taking one of another country.
_TRIES = 40

#: Draws from which the addresses of a listed provider are collected; a few per cent of them are listed.
_DRAWS = 8000

#: Shared addresses of a carrier that its customers are seen at (our choice; large ones have thousands).
_GATEWAYS = 12


class NetworksError(Exception):
    """The databases given cannot serve: unreadable, or without the networks that are needed."""


class Networks:
    """Prefixes of the wanted AS numbers, and a way to draw addresses from them."""

    def __init__(self, prefixes: dict[int, list[Prefix]], country: maxminddb.Reader | None) -> None:
        self._prefixes = prefixes
        self._country = country
        self._gateways: dict[str, list[str]] = {}
        self._lists: dict[str, list[str]] = {}

    @classmethod
    def load(cls, asn_database: Path, country_database: Path | None) -> Networks:
        """Collect the prefixes of every wanted AS from an MMDB (GeoLite2-ASN layout). Takes a few seconds.

        Without a country database an AS number alone stands for its country. Raises :class:`NetworksError`.
        """
        names = wanted()
        prefixes: dict[int, list[Prefix]] = {}
        try:
            with maxminddb.open_database(asn_database) as reader:
                for prefix, record in reader:
                    number = cast(dict[str, Any], record).get("autonomous_system_number")
                    if number in names:
                        prefixes.setdefault(number, []).append(prefix)
            country = maxminddb.open_database(country_database) if country_database else None
        except (OSError, maxminddb.InvalidDatabaseError) as error:
            raise NetworksError(f"cannot read {asn_database} or {country_database}: {error}") from error
        missing = len(names) - len(prefixes)
        if missing > len(names) // 4:
            raise NetworksError(f"{asn_database} lacks {missing} of the {len(names)} networks the simulator draws on")
        return cls(prefixes, country)

    def numbers(self) -> frozenset[int]:
        """The AS numbers that have at least one prefix."""
        return frozenset(self._prefixes)

    def country(self, ip: str) -> str | None:
        """Country of the user of an address, where a country database was given and knows it."""
        if self._country is None:
            return None
        record = self._country.get(ip)
        found = record.get("country_code") or record.get("country") if isinstance(record, dict) else None
        if isinstance(found, dict):
            found = found.get("iso_code")
        return found if isinstance(found, str) else None

    def address(self, random: Random, asns: Sequence[int], country: str | None = None, six: float = 0.0) -> str:
        """One address in one of these networks, of that country when it can be had.

        ``six`` is the share of IPv6, 0 to 1. Larger IPv4 prefixes are drawn more often.
        """
        known = [asn for asn in asns if asn in self._prefixes]
        if not known:
            raise NetworksError(f"none of the networks {list(asns)} is in the AS database")
        version = 6 if random.random() < six else 4
        drawn = ""
        for _ in range(_TRIES):
            pool = self._prefixes[random.choice(known)]
            pool = [prefix for prefix in random.choices(pool, k=6) if prefix.version == version] or pool
            prefix = max(random.choices(pool, k=2), key=lambda one: -one.prefixlen)
            drawn = _host(random, prefix)
            if country is None or self.country(drawn) in (country, None):
                return drawn
        return drawn

    def gateway(self, random: Random, asns: Sequence[int], country: str) -> str:
        """One of the few addresses behind which a carrier puts very many people (RFC 6888)."""
        if country not in self._gateways:
            finder = Random(f"gateways:{country}")
            self._gateways[country] = [self.address(finder, asns, country) for _ in range(_GATEWAYS * len(asns))]
        return random.choice(self._gateways[country])

    def neighbour(self, random: Random, ip: str) -> str:
        """Another address in the same /24 (IPv4) or the same /48 (IPv6)."""
        address = ip_address(ip)
        if address.version == 4:
            return str(ip_address((int(address) & ~0xFF) | random.randrange(1, 255)))
        return str(ip_address((int(address) >> 80 << 80) | random.getrandbits(16) << 64 | random.getrandbits(64)))

    def relay(self, random: Random) -> str:
        """An egress address of iCloud Private Relay, as the ``iporigin`` package knows them."""
        return random.choice(self._listed(PRIVATE_RELAY, "Apple Private Relay"))

    def tor(self, random: Random) -> str:
        """A Tor exit, as the ``iporigin`` package knows them."""
        return random.choice(self._listed(TOR, "Tor"))

    def _listed(self, asns: Sequence[int], provider: str) -> list[str]:
        """Addresses of these networks that ``iporigin`` attributes to the provider; drawn once, in a fixed order."""
        if provider not in self._lists:
            finder = Random(provider)
            drawn = (self.address(finder, asns, six=0.3) for _ in range(_DRAWS))
            look_up: Callable[[str], Any] = classify
            self._lists[provider] = [ip for ip in drawn if look_up(ip).provider == provider]
            if not self._lists[provider]:
                raise NetworksError(f"no address of {provider} found in the AS database")
        return self._lists[provider]


def _host(random: Random, prefix: Prefix) -> str:
    """A host in a prefix; in IPv6 a random interface in one of its first 4,096 /56 customer networks."""
    base = int(prefix.network_address)
    if prefix.version == 4:
        span = prefix.num_addresses
        return str(ip_address(base + (random.randrange(1, span - 1) if span > 2 else 0)))
    bits = max(0, min(12, 56 - prefix.prefixlen))
    site = random.getrandbits(bits) << 72 if bits else 0
    host = random.getrandbits(min(64, 128 - prefix.prefixlen)) if prefix.prefixlen < 128 else 0
    return str(ip_address(base | site | host))
