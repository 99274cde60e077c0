"""Settings of the data that inputs are looked up in: own databases, and where ``data update`` takes newer data from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from riskapi.settings import environment
from riskapi.settings.environment import Source
from riskapi.settings.setting import declare


def _from(what: str) -> Source:
    meaning = f"Where `data update` takes {what} from: `installed`, a URL or a file."
    return declare(environment.source, meaning, default=lambda: Source("installed"), shown="installed")


@dataclass(frozen=True, kw_only=True)
class DataSettings:
    """Part of :class:`riskapi.settings.Settings`. A ``data_…`` field is named after its data set."""

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
    data_networks: Source = _from(
        "kinds of networks by AS number and name (CSV, as `riskapi/datasets/tables/networks.csv`)"
    )
    data_numbering: Source = _from("other spellings of phone numbers (CSV, as `riskapi/datasets/tables/numbering.csv`)")
    data_disposable: Source = _from("throw-away mail domains (a domain a line)")
    data_free: Source = _from("free mail providers (a domain a line)")
    data_relay: Source = _from("relay services, which are not throw-away (a domain a line)")
    data_providers: Source = _from("mailbox providers and their rules (TOML, as `signals/data/mailbox_providers.toml`)")
    data_aliases: Source = _from("alias services and their rules (TOML, as `signals/data/alias_services.toml`)")
    data_access: Source = _from("mail of access providers (TOML, as `signals/data/access_providers.toml`)")
    data_registries: Source = _from("shared registries of names (TOML, as `signals/data/shared_registries.toml`)")
    data_suffix: Source = _from("the Public Suffix List")
