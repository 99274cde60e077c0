"""AS numbers of organisations that are not a home or mobile access provider, by what people use them for.

Public numbers from the regional registries' whois; addresses are drawn from the AS database at run time.
"""

from __future__ import annotations

from training.simulator.countries import COUNTRIES

#: Clouds and server hosters: DigitalOcean, Hetzner, OVH, Akamai/Linode, Vultr, Contabo, AWS, Google, Azure, Scaleway,
#: Leaseweb, FranTech, HostPapa, Hivelocity, WorldStream, Oracle, Alibaba, Tencent, Selectel, Aeza.
HOSTING = (
    14061, 24940, 16276, 63949, 20473, 51167, 16509, 14618, 396982, 8075, 12876, 60781, 28753, 53667, 36352, 29802,
    49981, 31898, 45102, 132203, 50340, 210644,
)  # fmt: skip

#: Networks that carry commercial VPN exits: M247, DataCamp, 31173 (Mullvad), Proton, PacketHub, Clouvider, G-Core.
VPN = (9009, 212238, 60068, 39351, 209103, 136787, 207137, 62240, 199524)

#: Apple iCloud Private Relay egress partners: Akamai, Cloudflare, Fastly (apple.com, "Prepare your network for iCloud
#: Private Relay", with the published egress list).
PRIVATE_RELAY = (36183, 13335, 54113)

#: Company web gateways: Zscaler. Staff of many companies share these addresses, often in another country.
GATEWAY = (22616, 53813, 62044)

#: Cloud desktops and corporate egress of ordinary companies: AWS, Azure, Google.
CLOUD_DESKTOP = (16509, 14618, 8075, 396982)

#: An association that runs Tor exits on its own network: Stiftung Erneuerbare Freiheit.
TOR = (60729,)


def wanted() -> frozenset[int]:
    """Every AS number the simulator may draw an address from."""
    named = {*HOSTING, *VPN, *PRIVATE_RELAY, *GATEWAY, *CLOUD_DESKTOP, *TOR}
    for country in COUNTRIES:
        named.update(country.consumer, country.mobile, country.education)
    return frozenset(named)
