"""IP addresses and what the local databases know of them; opened once, never raising, never asking the network."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from socket import AF_INET6, inet_ntop
from typing import Any, Final, Literal

import iporigin
import maxminddb

from riskapi.errors import ConfigurationError
from riskapi.network_kinds import APPLE_RELAY, CLOUDFLARE, VPN_OPERATORS, kind_of
from riskapi.network_ranges import special_purpose
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


class _Public:
    """An address known to be public, for iporigin: asked again, ``ipaddress`` takes 10 to 40 µs for these two."""

    @property
    def is_global(self) -> bool:
        return True

    def __str__(self) -> str:
        return ""


class _Public4(_Public, IPv4Address):
    pass


class _Public6(_Public, IPv6Address):
    pass


class NetworkReader:
    """Reads addresses with two MMDB files: origin AS, and country of the user.

    Takes the field names of GeoLite2 and DB-IP (``autonomous_system_number``, ``country.iso_code``), of the
    databases made from iptoasn and RIR data (``country_code``) and of IPinfo (``asn``, ``as_name``, ``country``).
    A file that is missing or no MMDB raises :class:`riskapi.errors.ConfigurationError`.
    """

    def __init__(self, asn_path: Path, country_path: Path) -> None:
        self._asn = _open(asn_path)
        self._country = _open(country_path)
        self.version = datetime.fromtimestamp(self._asn.metadata().build_epoch, UTC).date().isoformat()
        iporigin.dataset_info()  # type: ignore[no-untyped-call]  # loads its ranges now, not in the first request
        self._remembered = lru_cache(REMEMBERED)(self._read)

    def read(self, ip: str) -> Network:
        """What is known of the address ``ip``; an address that cannot be parsed has ``ip=None``.

        IPv4-mapped IPv6 is unwrapped (RFC 4291, 2.5.5.2); a scope (RFC 4007), brackets and white space are
        removed; an address with a port or a prefix length is not an address.
        """
        if len(ip) > MAX_LENGTH:
            return Network(ip[:MAX_LENGTH])
        return self._remembered(ip)

    def close(self) -> None:
        """Close both databases."""
        self._asn.close()
        self._country.close()

    def _read(self, given: str) -> Network:
        address = parse(given)
        if address is None:
            return Network(given)
        version, text, prefix = _texts(address)
        reserved = special_purpose(address)
        if reserved is not None:
            return Network(given, text, version, prefix, reserved)
        asn, organization = _origin(self._asn.get(address))
        kind, anonymizer, provider = _character(address, asn, organization)
        return Network(
            given,
            text,
            version,
            prefix,
            None,
            asn,
            organization,
            _country(self._country.get(address)),
            kind,
            anonymizer,
            provider,
        )


def parse(text: str) -> IPv4Address | IPv6Address | None:
    """The address written in ``text``, or ``None``."""
    text = text.strip()
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    head, scope, _ = text.partition("%")
    try:
        address = ip_address(head)
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return None if scope else address
    return address.ipv4_mapped or address


def _open(path: Path) -> maxminddb.Reader:
    try:
        return maxminddb.open_database(path)
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        raise ConfigurationError(str(path), "MMDB", f"cannot be opened: {error}") from error


def _texts(address: IPv4Address | IPv6Address) -> tuple[Literal[4, 6], str, str]:
    """Version, canonical text (RFC 5952) and prefix. ``inet_ntop`` is ten times as fast as ``ipaddress``."""
    if isinstance(address, IPv4Address):
        text = str(address)
        return 4, text, f"{text.rpartition('.')[0]}.0/24"
    packed = address.packed
    network = packed[:_SITE_BYTES] + bytes(16 - _SITE_BYTES)
    return 6, inet_ntop(AF_INET6, packed), f"{inet_ntop(AF_INET6, network)}/48"


def _origin(record: Any) -> tuple[int | None, str | None]:
    if not isinstance(record, dict):
        return None, None
    number = record.get("autonomous_system_number", record.get("asn"))
    if isinstance(number, str):
        digits = number.upper().removeprefix("AS")
        number = int(digits) if digits.isascii() and digits.isdigit() else None
    name = record.get("autonomous_system_organization") or record.get("as_name") or record.get("name")
    return number if isinstance(number, int) and number > 0 else None, name if isinstance(name, str) else None


def _country(record: Any) -> str | None:
    if not isinstance(record, dict):
        return None
    found = record.get("country_code") or record.get("country") or record.get("registered_country")
    if isinstance(found, dict):
        found = found.get("iso_code")
    if not isinstance(found, str) or len(found) != 2 or not found.isascii() or not found.isalpha():
        return None
    code = found.upper()
    return None if code == "ZZ" else code


def _character(
    address: IPv4Address | IPv6Address, asn: int | None, organization: str | None
) -> tuple[NetworkKind | None, Anonymizer | None, str | None]:
    """Kind, anonymizer and provider: the prefix lists of iporigin first, then the AS that announces the address.

    An access, mobile or education network stays one even inside a prefix that a hosting list claims: prefixes
    are leased and lists grow stale, while the announcement is of now.
    """
    kind = kind_of(asn, organization)
    public = _Public4(int(address)) if address.version == 4 else _Public6(int(address))
    origin = iporigin.classify(public)  # type: ignore[no-untyped-call]
    provider = origin.provider or None
    if origin.kind == iporigin.TOR:
        return kind, "tor", provider
    if asn == APPLE_RELAY or provider == "Apple Private Relay":
        return "cdn", "private_relay", "Apple Private Relay"
    if origin.kind == iporigin.VPN:
        return kind or "hosting", "vpn", provider
    if asn in VPN_OPERATORS:
        return "hosting", "vpn", organization
    if asn in CLOUDFLARE and origin.kind == iporigin.UNKNOWN:
        return "cdn", "private_relay", "Cloudflare"
    if provider in _TRANSIT or kind in ("consumer", "mobile", "education"):
        return kind, None, None
    if origin.kind == iporigin.CDN:
        return "cdn", None, provider
    if origin.kind in (iporigin.HOSTING, iporigin.BOT):
        return "hosting", None, provider
    return kind, None, None
