"""Everything that can be set from the environment, declared once.

A field of :class:`Settings` is the whole declaration: its name gives the environment variable, the
rest gives default, meaning and parser. The table in README is written from it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from pydantic import SecretStr

from riskapi import environment
from riskapi.errors import ConfigurationError

T = TypeVar("T")

_ARTIFACT = Path(__file__).resolve().parent.parent / "model" / "artifact"


def cores() -> int:
    """Processor cores this process may run on; at least 1."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _declare(
    parse: Callable[[str], object],
    meaning: str,
    *,
    default: Callable[[], T],
    shown: str,
    name: str | None = None,
) -> T:
    """A field of :class:`Settings`. ``shown`` is the default as the table in README prints it."""
    metadata = {"parse": parse, "meaning": meaning, "shown": shown, "name": name}
    made: T = field(default_factory=default, metadata=metadata)
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the environment says, checked. Every field is also read from the file named by ``…_FILE``."""

    bind: environment.Bind = _declare(
        environment.bind,
        "Address of the HTTP server.",
        default=lambda: environment.Bind("127.0.0.1", 8000),
        shown="127.0.0.1:8000",
    )
    data_dir: Path = _declare(
        environment.path,
        "Directory of the embedded store, unpacked data, journal and generated keys.",
        default=lambda: Path("var").absolute(),
        shown="var/",
    )
    workers: int = _declare(environment.whole(1, 256), "HTTP worker processes.", default=cores, shown="cores")
    threads: int = _declare(
        environment.whole(1, 64),
        "Threads of one worker that run Python, each with a connection to the store of its own. While one waits "
        "for the disk others go on, and the store writes what several brought in one go.",
        default=lambda: 4,
        shown="4",
    )
    redis_url: SecretStr | None = _declare(
        environment.store_url,
        "The store: `redis://`, `rediss://`, `unix://`, `redis+sentinel://HOST:PORT,…/DB?service=NAME`, "
        "`redis+cluster://HOST:PORT,…`. Without it the embedded store is used.",
        default=lambda: None,
        shown="–",
        name="REDIS_URL",
    )
    bootstrap_key: SecretStr | None = _declare(
        environment.secret(32),
        "API key of 32 characters or more that has every scope and is never rate limited.",
        default=lambda: None,
        shown="–",
    )
    api_rate_limit: float | None = _declare(
        environment.rate,
        "Requests a second for a key, unless the key says otherwise.",
        default=lambda: None,
        shown="none",
    )
    replay: bool = _declare(
        environment.switch,
        "Honour `X-Replay-Time` (RFC 3339) on any request as its clock. Refused together with "
        "`RISKAPI_STORE_PRODUCTION`.",
        default=lambda: False,
        shown="off",
    )
    store_production: bool = _declare(
        environment.switch,
        "Says that the store holds production data, so that nothing may rewrite its clock.",
        default=lambda: False,
        shown="off",
    )
    store_fsync: Literal["always", "everysec"] = _declare(
        environment.one_of("always", "everysec"),
        "When the embedded store writes to the disk: `always` loses nothing that was answered, "
        "`everysec` loses up to a second when the machine (not the process) dies.",
        default=lambda: "always",
        shown="always",
    )
    store_timeout_ms: int = _declare(
        environment.whole(10, 60_000),
        "Milliseconds an answer of the store is waited for; connecting is given half of it.",
        default=lambda: 1000,
        shown="1000",
    )
    link_key: SecretStr | None = _declare(
        environment.secret(32),
        "Secret the link keys are hashed with, the same on every host that shares a store. Made at the "
        "first start in `link.key` of the data directory.",
        default=lambda: None,
        shown="made",
    )
    policy_file: Path | None = _declare(
        environment.existing_file,
        "Policy to use instead of the one shipped as `riskapi/policy.toml`, while none was published.",
        default=lambda: None,
        shown="shipped",
    )
    model_dir: Path = _declare(
        environment.path,
        "Directory of the model artifact (`model.txt` and `card.json`).",
        default=lambda: _ARTIFACT,
        shown="model/artifact",
    )
    model_mode: Literal["off", "shadow", "live"] | None = _declare(
        environment.one_of("off", "shadow", "live"),
        "Overrides the policy's `model.mode`; `off` decides by rules only, as training data is recorded.",
        default=lambda: None,
        shown="policy's",
    )
    asn_database: Path | None = _declare(
        environment.existing_file,
        "MMDB with AS number and organisation (GeoLite2-ASN, DB-IP, iptoasn) instead of the packaged one.",
        default=lambda: None,
        shown="packaged",
    )
    country_database: Path | None = _declare(
        environment.existing_file,
        "MMDB with the country (GeoLite2-Country or -City, DB-IP, iptoasn) instead of the packaged one.",
        default=lambda: None,
        shown="packaged",
    )
    log_level: Literal["debug", "info", "warning", "error"] = _declare(
        environment.one_of("debug", "info", "warning", "error"),
        "Least severe log line written.",
        default=lambda: "info",
        shown="info",
    )
    metrics_token: SecretStr | None = _declare(
        environment.secret(16),
        "Bearer token for `/metrics` from elsewhere than loopback, 16 characters or more.",
        default=lambda: None,
        shown="–",
    )
    policyd_bind: environment.Bind | Path = _declare(
        environment.listened,
        "Where `python -m riskapi policyd` listens for Postfix: `HOST:PORT` or `unix:/path`.",
        default=lambda: environment.Bind("127.0.0.1", 10040),
        shown="127.0.0.1:10040",
    )
    policyd_url: str = _declare(
        environment.web_url,
        "The riskapi that policyd asks.",
        default=lambda: "http://127.0.0.1:8000",
        shown="http://127.0.0.1:8000",
    )
    policyd_api_key: SecretStr | None = _declare(
        environment.secret(32),
        "API key with the scope `sends` that policyd asks with.",
        default=lambda: None,
        shown="–",
    )
    policyd_map_file: Path | None = _declare(
        environment.existing_file,
        "Lines of a login, sender address or `@domain` and the `user_id` it stands for; read again when it changes. "
        "Without it the login is the `user_id`.",
        default=lambda: None,
        shown="–",
    )
    policyd_away: Literal["defer", "dunno"] = _declare(
        environment.one_of("defer", "dunno"),
        "What policyd tells Postfix when riskapi cannot be asked: `defer` has mail wait, `dunno` lets it go uncounted.",
        default=lambda: "defer",
        shown="defer",
    )
    policyd_strangers: Literal["defer", "dunno"] = _declare(
        environment.one_of("defer", "dunno"),
        "What policyd tells Postfix of a sender who has no account.",
        default=lambda: "dunno",
        shown="dunno",
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
        return settings


def settings_table() -> list[tuple[str, str, str]]:
    """Name, default and meaning of every setting, in the order of declaration; the table of README."""
    return [(_variable(declared), declared.metadata["shown"], declared.metadata["meaning"]) for declared in _declared()]


def _declared() -> list[Field[Any]]:
    return [declared for declared in fields(Settings) if "parse" in declared.metadata]


def _variable(declared: Field[Any]) -> str:
    return declared.metadata["name"] or environment.PREFIX + declared.name.upper()
