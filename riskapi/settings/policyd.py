"""Settings of the policy server that Postfix asks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import SecretStr

from riskapi.settings import environment
from riskapi.settings.setting import declare


@dataclass(frozen=True, kw_only=True)
class PolicydSettings:
    """Part of :class:`riskapi.settings.Settings`."""

    policyd_bind: environment.Bind | Path = declare(
        environment.listened,
        "Where `python -m riskapi policyd` listens for Postfix: `HOST:PORT` or `unix:/path`.",
        default=lambda: environment.Bind("127.0.0.1", 10040),
        shown="127.0.0.1:10040",
    )
    policyd_url: str = declare(
        environment.web_url,
        "The riskapi that policyd asks.",
        default=lambda: "http://127.0.0.1:8000",
        shown="http://127.0.0.1:8000",
    )
    policyd_api_key: SecretStr | None = declare(
        environment.secret(32),
        "API key with the scope `sends` that policyd asks with.",
        default=lambda: None,
        shown="–",
    )
    policyd_map_file: Path | None = declare(
        environment.existing_file,
        "File whose lines have a login, sender address or `@domain`, and its `user_id`; read again when it changes. "
        "Without it the login is the `user_id`.",
        default=lambda: None,
        shown="–",
    )
    policyd_networks: tuple[environment.Network, ...] = declare(
        environment.networks,
        "Addresses and networks of clients whose sender address policyd believes without a login, such as a relay of "
        "your own. Mail without a login from elsewhere counts for nobody.",
        default=lambda: (),
        shown="–",
    )
    policyd_away: Literal["defer", "dunno"] = declare(
        environment.one_of("defer", "dunno"),
        "What policyd tells Postfix when riskapi cannot be asked: `defer` delays mail, `dunno` lets it go uncounted.",
        default=lambda: "defer",
        shown="defer",
    )
    policyd_strangers: Literal["defer", "dunno"] = declare(
        environment.one_of("defer", "dunno"),
        "What policyd tells Postfix about a sender who has no account.",
        default=lambda: "dunno",
        shown="dunno",
    )
