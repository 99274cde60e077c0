"""Settings of the data that inputs are looked up in: own databases, and where ``data update`` takes newer data from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from riskapi import environment
from riskapi.environment import Source
from riskapi.setting import declare


def _from(what: str) -> Source:
    meaning = f"Where `data update` takes {what} from: `installed`, `package`, a URL or a file."
    return declare(environment.source, meaning, default=lambda: Source("installed"), shown="installed")


def _ours(what: str) -> Source:
    """Of a table that comes with the release: there is no package that has a newer one."""
    meaning = f"Where `data update` takes {what} from: `installed`, a URL or a file."
    return declare(environment.source_without_package, meaning, default=lambda: Source("installed"), shown="installed")


@dataclass(frozen=True, kw_only=True)
class DataSettings:
    """Part of :class:`riskapi.settings.Settings`. A ``data_…`` field is named after its feed (:mod:`riskapi.feeds`)."""

    asn_database: Path | None = declare(
        environment.existing_file,
        "MMDB with AS number and organisation (GeoLite2-ASN, DB-IP, iptoasn) instead of the packaged one.",
        default=lambda: None,
        shown="packaged",
    )
    country_database: Path | None = declare(
        environment.existing_file,
        "MMDB with the country (GeoLite2-Country or -City, DB-IP, iptoasn) instead of the packaged one.",
        default=lambda: None,
        shown="packaged",
    )
    data_asn: Source = _from("AS numbers and operators of addresses (MMDB)")
    data_country: Source = _from("countries of addresses (MMDB)")
    data_hosting: Source = _from("the address ranges of hosting firms, VPNs and Tor (iporigin's table)")
    data_networks: Source = _ours("kinds of networks by AS number and name (`riskapi/feeds/tables/networks.csv`)")
    data_numbering: Source = _ours("other spellings of phone numbers (`riskapi/feeds/tables/numbering.csv`)")
    data_disposable: Source = _from("throw-away mail domains (a domain a line)")
    data_free: Source = _from("free mail providers (a domain a line)")
    data_relay: Source = _from("relay services, which are not throw-away (a domain a line)")
    data_suffix: Source = _from("the Public Suffix List")
