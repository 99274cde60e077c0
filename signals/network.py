"""Signals from the IP address: who runs the network, where it is, and whether it hides where people are."""

from __future__ import annotations

from signals.facts import Facts, Network
from signals.registry import signal

NEEDS = ("/device/ip_address",)
_KNOWN = ("/device/ip_address", "network")
_ASN, _COUNTRY = ("/device/ip_address", "asn"), ("/device/ip_address", "country")
_KIND = ("/device/ip_address", "registrant", "kind")


def _public(facts: Facts) -> Network | None:
    """The network of a public address; ``None`` when there is no address, or a special-purpose one.

    What a registry knows is public: an operator's own registry may know of addresses that are reserved elsewhere.
    """
    network = facts.network
    if network is None or network.ip is None:
        return None
    registered = facts.registrant is not None and facts.registrant.found
    return network if network.reserved is None or registered else None


def _kind(facts: Facts) -> str | None:
    return facts.network_kind if _public(facts) else None


@signal(reason="the IP address {value:can|cannot} be read", risk=-1)
def network_is_valid(facts: Facts) -> bool | None:
    """Whether the address given is an IPv4 or IPv6 address. False means a faulty integration or a forged header."""
    return None if facts.network is None else facts.network.ip is not None


@signal(reason="the IP address is {value:from a range that is not used on the public Internet|a public one}", risk=0)
def network_is_reserved(facts: Facts) -> bool | None:
    """Whether no customer on the Internet can have the address: private, loopback, carrier-grade NAT, documentation.

    Usually a proxy in front of the caller whose address was sent instead of the customer's, so no evidence by
    itself. Source: IANA special-purpose address registries (RFC 6890).
    """
    network = facts.network
    return None if network is None or network.ip is None else network.reserved is not None


@signal(reason="the range of the IP address is {value}", risk=None)
def network_reserved_range(facts: Facts) -> str | None:
    """Name of the special-purpose range, such as ``private_use``, or ``public``. For people and rules."""
    network = facts.network
    return None if network is None or network.ip is None else network.reserved or "public"


@signal(reason="the IP address is {value:IPv6|IPv4}", risk=0)
def network_is_ipv6(facts: Facts) -> bool | None:
    """Whether the address is IPv6. Typical: nearly half of the users (Google's IPv6 statistics, 2025)."""
    network = facts.network
    return None if network is None or network.version is None else network.version == 6


@signal(of=_public, reason="the network of the IP address is {value:known|not known}", risk=-1, needs=_KNOWN)
def network_is_known(network: Network) -> bool:
    """Whether the database knows the autonomous system of the address. Typical: true for nearly all visitors.

    False for space nobody announced when the database was built: newly leased, or hijacked.
    """
    return network.asn is not None


@signal(of=_public, reason="the network is AS{value}", risk=None, needs=_ASN)
def network_asn(network: Network) -> int | None:
    """Number of the autonomous system that announces the address, 1 to 4294967295. For people and rules."""
    return network.asn


@signal(of=_public, reason="the network is run by {value}", risk=None, needs=_ASN)
def network_organization(network: Network) -> str | None:
    """Registered name of the autonomous system's holder. For people and rules."""
    return network.organization


@signal(of=_public, reason="the IP address is used in {value}", risk=None, needs=_COUNTRY)
def network_country(network: Network) -> str | None:
    """Country of the address's user, ISO 3166 alpha-2. For people and rules; never evidence by itself."""
    return network.country


@signal(of=_kind, reason="the network is of the kind {value}", risk=None, needs=_KIND)
def network_kind(kind: str) -> str:
    """Kind of organisation that runs the network: hosting, consumer, mobile, education or cdn. For people and rules."""
    return kind


@signal(of=_public, reason="the provider of the IP address is {value}", risk=None, needs=_KNOWN)
def network_provider(network: Network) -> str | None:
    """Cloud, CDN, VPN or relay whose published ranges hold the address. For people and rules."""
    return network.provider


@signal(of=_kind, reason="the network is {value:|not }a hosting provider's", risk=1, needs=_KIND)
def network_is_hosting(kind: str) -> bool:
    """Whether the address is a machine's in a cloud or hosting network. Typical: few people, most scripts.

    Company VPNs and remote desktops are here too. Unknown for networks of no known kind. Sources: providers'
    published ranges (iporigin), names of autonomous systems, and where these do not tell, the registry (RDAP).
    """
    return kind == "hosting"


@signal(of=_kind, reason="the network is {value:|not }one that connects homes and businesses", risk=-1, needs=_KIND)
def network_is_consumer(kind: str) -> bool:
    """Whether the network sells access lines to homes and businesses. Typical: true for most people.

    Residential proxies come from here as well, so it clears nobody.
    """
    return kind == "consumer"


@signal(of=_kind, reason="the network is {value:|not }a mobile carrier's", risk=0, needs=_KIND)
def network_is_mobile(kind: str) -> bool:
    """Whether the network is a mobile carrier's, where thousands share an address (RFC 6888).

    Carriers with one network for all their lines count as consumer.
    """
    return kind == "mobile"


@signal(of=_kind, reason="the network is {value:|not }a school's or university's", risk=-1, needs=_KIND)
def network_is_education(kind: str) -> bool:
    """Whether the network is a school's, a university's or a national research network."""
    return kind == "education"


@signal(of=_public, reason="the IP address is {value:|not }a known exit of a consumer VPN", risk=1, needs=_KNOWN)
def network_is_vpn(network: Network) -> bool:
    """Whether the address is a known exit of a consumer VPN. Many people use one; privacy relays are not counted here.

    Source: exit lists of Mullvad and ProtonVPN (iporigin) and operators' own networks; most VPNs are not known.
    """
    return network.anonymizer == "vpn"


@signal(of=_public, reason="the IP address is {value:|not }a known exit of the Tor network", risk=1, needs=_KNOWN)
def network_is_tor(network: Network) -> bool:
    """Whether the address is a Tor exit in the list shipped with iporigin. Exits come and go: the list misses some."""
    return network.anonymizer == "tor"


@signal(of=_public, reason="the IP address is {value:|not }a privacy relay's", risk=0, needs=_KNOWN)
def network_is_private_relay(network: Network) -> bool:
    """Whether the address is an exit of Apple's Private Relay or of Cloudflare's WARP: privacy, no evidence of abuse.

    Sources: Apple's published egress ranges (iporigin); Sattler et al., ACM IMC 2022.
    """
    return network.anonymizer == "private_relay"


@signal(
    reason="the registry says that the network is held by {value}",
    risk=None,
    needs=("/device/ip_address", "registrant"),
)
def network_registrant(facts: Facts) -> str | None:
    """Holder of the network as its registry names it (RDAP, RFC 9083). For people and rules.

    Asked where the local databases know nothing of the network, not its kind, or contradict each other.
    """
    return facts.registrant.organization if facts.registrant else None


@signal(reason="the abuse desk of the network is {value}", risk=None, needs=("/device/ip_address", "registrant"))
def network_abuse_contact(facts: Facts) -> str | None:
    """Where the registry says abuse of the network is to be reported (RFC 9083, role ``abuse``). For people."""
    return facts.registrant.abuse_contact if facts.registrant else None


@signal(
    reason="the network was allocated {value:.0f} {value:day|days} before the signup",
    risk=0,
    needs=("/device/ip_address", "registrant"),
)
def network_age_days(facts: Facts) -> float | None:
    """Days between the allocation of the network, as the registry knows it, and the signup, 0 or more.

    Leased space changes hands often; so does that of a young access provider.
    """
    found = facts.registrant
    if found is None or found.allocated_at is None:
        return None
    return max(facts.signup_at - found.allocated_at, 0.0) / 86_400.0


@signal(
    reason="an address of the network is on {value} {value:blocklist|blocklists}",
    risk=+1,
    needs=("/device/ip_address", "ip_blocklists", "registrant"),
)
def network_blocklists(facts: Facts) -> int | None:
    """DNS blocklists of the operator's choice that have the address by which the network was looked up (RFC 5782).

    Other addresses of the network may not be on any: it is about a place that people share.
    """
    return facts.registrant.listed if facts.registrant else None
