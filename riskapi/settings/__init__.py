"""Everything that can be set from the environment, declared once.

A field of :class:`Settings` is the whole declaration: its name gives the environment variable, the
rest gives default, meaning and parser. docs/settings.md is written from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, dataclass, fields
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import SecretStr

from riskapi.errors import ConfigurationError
from riskapi.settings import environment
from riskapi.settings.attribution import AttributionSettings
from riskapi.settings.console import ConsoleSettings
from riskapi.settings.data import DataSettings
from riskapi.settings.feeds import FeedSettings
from riskapi.settings.http_server import HttpSettings
from riskapi.settings.mailbox import MailboxSettings
from riskapi.settings.policyd import PolicydSettings
from riskapi.settings.setting import declare
from riskapi.settings.store_url import store_url

_ARTIFACT = Path(__file__).resolve().parents[2] / "model" / "artifact"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(
    PolicydSettings, DataSettings, FeedSettings, MailboxSettings, AttributionSettings, ConsoleSettings, HttpSettings
):
    """What the environment says, checked. Every field is also read from the file named by ``…_FILE``."""

    data_dir: Path = declare(
        environment.path,
        "Directory of the embedded store, unpacked data, journal and generated keys.",
        default=lambda: Path("var").absolute(),
        shown="var/",
    )
    redis_url: SecretStr | None = declare(
        store_url,
        "The store: `redis://`, `rediss://`, `unix://`, `redis+sentinel://HOST:PORT,…/DB?service=NAME`, "
        "`redis+cluster://HOST:PORT,…`. Without it the embedded store is used.",
        default=lambda: None,
        shown="–",
        name="REDIS_URL",
    )
    bootstrap_key: SecretStr | None = declare(
        environment.secret(32),
        "API key of 32 characters or more that has every scope and is never rate limited.",
        default=lambda: None,
        shown="–",
    )
    api_rate_limit: float | None = declare(
        environment.rate,
        "Requests a second for a key, unless the key says otherwise.",
        default=lambda: None,
        shown="none",
    )
    replay: bool = declare(
        environment.switch,
        "Honour `X-Replay-Time` (RFC 3339) on any request as its clock. Refused together with "
        "`RISKAPI_STORE_PRODUCTION`.",
        default=lambda: False,
        shown="off",
    )
    store_production: bool = declare(
        environment.switch,
        "Says that the store holds production data, so that nothing may rewrite its clock.",
        default=lambda: False,
        shown="off",
    )
    store_fsync: Literal["always", "everysec"] = declare(
        environment.one_of("always", "everysec"),
        "When the embedded store writes to the disk: `always` loses nothing that was answered, "
        "`everysec` loses up to a second when the machine (not the process) dies.",
        default=lambda: "always",
        shown="always",
    )
    store_timeout_ms: int = declare(
        environment.whole(10, 60_000),
        "Milliseconds to wait for an answer of the store; connecting may take half of that.",
        default=lambda: 1000,
        shown="1000",
    )
    link_key: SecretStr | None = declare(
        environment.secret(32),
        "Secret the link keys are hashed with, the same on every host that shares a store. Made at the "
        "first start in `link.key` of the data directory.",
        default=lambda: None,
        shown="made",
    )
    policy_file: Path | None = declare(
        environment.existing_file,
        "Policy to use instead of the one shipped as `riskapi/policy/policy.toml`, while none was published.",
        default=lambda: None,
        shown="shipped",
    )
    model_dir: Path = declare(
        environment.path,
        "Directory of the model artifact (`model.txt` and `card.json`).",
        default=lambda: _ARTIFACT,
        shown="model/artifact",
    )
    model_mode: Literal["off", "shadow", "live"] | None = declare(
        environment.one_of("off", "shadow", "live"),
        "Overrides the policy's `model.mode`; `off` decides by rules only, as training data is recorded.",
        default=lambda: None,
        shown="policy's",
    )
    log_level: Literal["debug", "info", "warning", "error"] = declare(
        environment.one_of("debug", "info", "warning", "error"),
        "Minimum level of the log lines that are written.",
        default=lambda: "info",
        shown="info",
    )
    metrics_token: SecretStr | None = declare(
        environment.secret(16),
        "Bearer token for `/metrics` from elsewhere than loopback, 16 characters or more.",
        default=lambda: None,
        shown="–",
    )
    serve_worker: bool = declare(
        environment.switch,
        "Whether `serve` runs a worker too. Off where `python -m riskapi worker` runs elsewhere.",
        default=lambda: True,
        shown="on",
    )
    enrichment: bool = declare(
        environment.switch,
        "Whether the worker asks DNS, RDAP and blocklists about domains and networks. Off disables outside look-ups.",
        default=lambda: True,
        shown="on",
    )
    dns_resolver: environment.Bind | None = declare(
        environment.resolver,
        "`HOST:PORT` of the resolver that the worker asks; the port is 53 unless it is given. Without it the system's "
        "resolvers are asked, but not about names that cannot be in DNS.",
        default=lambda: None,
        shown="system",
    )
    dns_rate: float | None = declare(
        environment.rate,
        "DNS questions a second, of all workers together; more where a resolver of your own is named.",
        default=lambda: None,
        shown="100; 500",
    )
    dns_blocklists: tuple[environment.Blocklist, ...] = declare(
        environment.blocklists,
        "DNS blocklists to ask, as `domain:ZONE` or `ip:ZONE` with commas between them; mind their terms of use.",
        default=lambda: (),
        shown="–",
    )
    rdap_base: str | None = declare(
        environment.web_url,
        "Base URL for RDAP (`BASE/domain/…`, `BASE/ip/…`). Without it the registries that IANA names are asked.",
        default=lambda: None,
        shown="registries",
    )
    rdap_rate: float | None = declare(
        environment.rate,
        "Look-ups a second at one RDAP server, of all workers together; more where a base of your own is named.",
        default=lambda: None,
        shown="2; 50",
    )
    sender_spf_includes: tuple[str, ...] = declare(
        environment.domains,
        "Domains your customers include in their SPF record to let you send for them, with commas between them.",
        default=lambda: (),
        shown="–",
    )
    sender_dkim_selectors: tuple[str, ...] = declare(
        environment.selectors,
        "Selectors under which your customers publish your DKIM keys, with commas between them.",
        default=lambda: (),
        shown="–",
    )
    sender_addresses: tuple[str, ...] = declare(
        environment.addresses,
        "Addresses your mail is sent from, with commas between them: looked up on `RISKAPI_DNS_BLOCKLISTS`.",
        default=lambda: (),
        shown="–",
    )
    sender_domains: tuple[str, ...] = declare(
        environment.domains,
        "Domains of your own that are in mail you send, with commas between them: looked up like the addresses.",
        default=lambda: (),
        shown="–",
    )
    webhook_internal: tuple[str, ...] = declare(
        environment.destinations,
        "Hosts and networks (CIDR) on the inside that webhooks may be sent to, by plain HTTP too, with commas between "
        "them. Every other destination must be public and HTTPS.",
        default=lambda: (),
        shown="–",
    )
    unknown: tuple[str, ...] = ()

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> Self:
        """Read and check the environment.

        An empty value counts as not set. ``unknown`` lists the names starting with ``RISKAPI_`` that
        mean nothing here; one that looks like a misspelt setting is refused instead.

        Raises:
            ConfigurationError: with the name of the first wrong value, and why.
        """
        values: dict[str, Any] = {}
        for declared in _declared():
            name = _variable(declared)
            raw = environment.raw(environ, name)
            if raw is None:
                continue
            try:
                values[declared.name] = declared.metadata["parse"](raw)
            except ValueError as error:
                raise ConfigurationError("environment", name, str(error)) from None
        settings = cls(
            **values, unknown=environment.strangers(environ, [_variable(declared) for declared in _declared()])
        )
        if settings.replay and settings.store_production:
            raise ConfigurationError(
                "environment",
                "RISKAPI_REPLAY",
                "is on together with RISKAPI_STORE_PRODUCTION; a store with production data takes no replayed time",
            )
        fault = settings.oidc_fault()
        if fault is not None:
            raise ConfigurationError("environment", f"RISKAPI_CONSOLE_OIDC_{fault[0]}", fault[1])
        return settings

    @property
    def console_address(self) -> str:
        """Where people reach the service. ``console_url``, without it the service's own address."""
        return self.console_url or self.bind.url


def settings_table() -> list[tuple[str, str, str]]:
    """Name, default and meaning of every setting, in the order of declaration; the table of docs/settings.md."""
    return [(_variable(declared), declared.metadata["shown"], declared.metadata["meaning"]) for declared in _declared()]


def _declared() -> list[Field[Any]]:
    """The fields that are settings: those of every process first, then the data's and the policy server's."""
    found = [declared for declared in fields(Settings) if "parse" in declared.metadata]
    return sorted(found, key=lambda declared: declared.name not in Settings.__annotations__)


def _variable(declared: Field[Any]) -> str:
    return declared.metadata["name"] or environment.PREFIX + declared.name.upper()
