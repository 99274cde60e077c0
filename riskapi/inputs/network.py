"""IP addresses and what the local databases know of them; opened once, never raising, never asking the network."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache, partial
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from typing import Final, Literal, NamedTuple

import maxminddb

from riskapi.datasets import address_ranges, network_kinds
from riskapi.datasets.address_ranges import HostingRanges
from riskapi.datasets.ip_records import country_of, origin_of
from riskapi.datasets.network_kinds import APPLE_RELAY, CLOUDFLARE, NetworkKinds
from riskapi.errors import ConfigurationError
from riskapi.outgoing.special_ranges import special_purpose, unwrapped
from signals.facts import Anonymizer, Network, NetworkKind

#: The longest text of an IPv6 address is 45 characters; the rest is room for a scope, brackets and white space.
MAX_LENGTH: Final = 100

#: Networks remembered by address; about 0.5 kB each.
REMEMBERED: Final = 16_384

#: Bytes of a /48, what an IPv6 site is assigned at most (RFC 6177).
_SITE_BYTES: Final = 6

#: iporigin's label for the space of a transit carrier, in which whole access providers and towns live:
#: no evidence of hosting (2,859,520 of its addresses are announced by a Hong Kong telephone company, for one).
_TRANSIT: Final = frozenset({"Cogent"})


class NetworkReader:
    """Reads addresses with two MMDB files, origin AS and country of the user, and a table of hosting ranges.

    Takes the field names of GeoLite2 and DB-IP (``autonomous_system_number``, ``country.iso_code``), of the
    databases made from iptoasn and RIR data (``country_code``) and of IPinfo (``asn``, ``as_name``, ``country``).
    A file that is missing or of another format raises :class:`riskapi.errors.ConfigurationError`.
    """

    def __init__(
        self,
        asn_path: Path,
        country_path: Path,
        hosting_path: Path | None = None,
        networks_path: Path | None = None,
    ) -> None:
        """Without ``hosting_path`` the hosting ranges are those of the installed iporigin, without ``networks_path``
        the kinds of networks those of this release.
        """
        databases = _Databases(_open(asn_path), _open(country_path), _ranges(hosting_path), _kinds(networks_path))
        self.version = datetime.fromtimestamp(databases.asn.metadata().build_epoch, UTC).date().isoformat()
        self._databases = databases
        # Not a method of this object: what would remember itself could go only when garbage is collected.
        self._remembered = lru_cache(REMEMBERED)(partial(_read, databases))

    def read(self, ip: str) -> Network:
        """What is known of the address ``ip``; an address that cannot be parsed has ``ip=None``.

        An IPv6 address that carries an IPv4 one is that address (:func:`riskapi.outgoing.special_ranges.unwrapped`); a
        scope (RFC 4007), brackets and white space are removed; an address with a port or a prefix length is not an
        address.
        """
        if len(ip) > MAX_LENGTH:
            return Network(ip[:MAX_LENGTH])
        return self._remembered(ip)

    def close(self) -> None:
        """Close both databases; nothing may read any more."""
        self._databases.asn.close()
        self._databases.country.close()


class _Databases(NamedTuple):
    asn: maxminddb.Reader
    country: maxminddb.Reader
    hosting: HostingRanges
    kinds: NetworkKinds


def _read(databases: _Databases, given: str) -> Network:
    address = parse(given)
    if address is None:
        return Network(given)
    version, text, prefix = _texts(address)
    reserved = special_purpose(address)
    if reserved is not None:
        return Network(given, text, version, prefix, reserved)
    asn, organization = origin_of(databases.asn.get(address))
    kind, anonymizer, provider, disputed = _character(databases, address, asn, organization)
    return Network(
        given,
        text,
        version,
        prefix,
        None,
        asn,
        organization,
        country_of(databases.country.get(address)),
        kind,
        anonymizer,
        provider,
        disputed,
    )


def parse(text: str) -> IPv4Address | IPv6Address | None:
    """The address written in ``text``, or ``None``; of one that carries another (NAT64, 6to4, …) the one inside.

    ``inet_pton`` takes the same texts as ``ipaddress`` (a property test holds the two together), at a quarter of its
    cost.
    """
    text = text.strip()
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    head, scope, _ = text.partition("%")
    try:
        if ":" in head:
            return unwrapped(IPv6Address(inet_pton(AF_INET6, head)))
        return None if scope else IPv4Address(inet_pton(AF_INET, head))
    except (OSError, ValueError):  # ValueError: a null character, or half of a surrogate pair
        return None


def _open(path: Path) -> maxminddb.Reader:
    try:
        return maxminddb.open_database(path)
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        raise ConfigurationError(str(path), "MMDB", f"cannot be opened: {error}") from error


def _ranges(path: Path | None) -> HostingRanges:
    path = path or address_ranges.installed()
    try:
        return HostingRanges(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigurationError(str(path), "hosting", f"cannot be used: {error}") from error


def _kinds(path: Path | None) -> NetworkKinds:
    path = path or network_kinds.INSTALLED
    try:
        return NetworkKinds(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigurationError(str(path), "networks", f"cannot be used: {error}") from error


def _texts(address: IPv4Address | IPv6Address) -> tuple[Literal[4, 6], str, str]:
    """Version, canonical text (RFC 5952) and prefix. ``inet_ntop`` is ten times as fast as ``ipaddress``."""
    if isinstance(address, IPv4Address):
        text = inet_ntop(AF_INET, address.packed)
        return 4, text, f"{text.rpartition('.')[0]}.0/24"
    packed = address.packed
    network = packed[:_SITE_BYTES] + bytes(16 - _SITE_BYTES)
    return 6, inet_ntop(AF_INET6, packed), f"{inet_ntop(AF_INET6, network)}/48"


def _character(
    databases: _Databases, address: IPv4Address | IPv6Address, asn: int | None, organization: str | None
) -> tuple[NetworkKind | None, Anonymizer | None, str | None, bool]:
    """Kind, anonymizer and provider: the prefix lists of iporigin first, then the AS that announces the address.

    An access, mobile or education network stays one even inside a prefix that a hosting list claims: prefixes
    are leased and lists grow stale, while the announcement is of now. Last, whether the two disagree.
    """
    kind = databases.kinds.kind_of(asn, organization)
    found = databases.hosting.find(int(address), address.version)
    provider, use = (found.provider or None, found.kind) if found else (None, None)
    if use == "tor":
        return kind, "tor", provider, False
    if asn == APPLE_RELAY or provider == "Apple Private Relay":
        return "cdn", "private_relay", "Apple Private Relay", False
    if use == "vpn":
        return kind or "hosting", "vpn", provider, False
    if asn in databases.kinds.vpn:
        return "hosting", "vpn", organization, False
    if asn in CLOUDFLARE and use is None:
        return "cdn", "private_relay", "Cloudflare", False
    hosted = use in ("hosting", "bot")
    if provider in _TRANSIT or kind in ("consumer", "mobile", "education"):
        return kind, None, None, hosted and provider not in _TRANSIT
    if use == "cdn":
        return "cdn", None, provider, False
    if hosted:
        return "hosting", None, provider, False
    return kind, None, None, False
