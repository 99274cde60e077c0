"""Settings of the console: where people reach it, how long a session lasts, and who else may say who they are."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import SecretStr

from riskapi.settings import environment
from riskapi.settings.setting import declare


@dataclass(frozen=True, kw_only=True)
class ConsoleSettings:
    """Part of :class:`riskapi.settings.Settings`."""

    console_url: str | None = declare(
        environment.web_url,
        "Where people reach the service with a browser, such as `https://risk.example`. With `https` the cookies of "
        "the console are for HTTPS only. Passkeys and sign-in links are made for this address.",
        default=lambda: None,
        shown="http://localhost:8000",
    )
    console_proxies: tuple[environment.Network, ...] = declare(
        environment.networks,
        "Networks of your reverse proxies, with commas between them: from them, and nobody else, the console takes "
        "the caller's address out of `X-Forwarded-For`.",
        default=lambda: (),
        shown="–",
    )
    console_second_factor: bool = declare(
        environment.switch,
        "Whether people who use the console need an authenticator or a passkey besides their password.",
        default=lambda: True,
        shown="on",
    )
    console_idle_minutes: int = declare(
        environment.whole(1, 1440),
        "Minutes after which a session of the console that nobody uses is over.",
        default=lambda: 60,
        shown="60",
    )
    console_session_hours: int = declare(
        environment.whole(1, 168),
        "Hours after which a session of the console is over, used or not.",
        default=lambda: 12,
        shown="12",
    )
    oidc_issuer: str | None = declare(
        environment.web_url,
        "An OpenID Connect provider that people of the console may sign in with, by its issuer URL.",
        default=lambda: None,
        shown="–",
    )
    oidc_client_id: str | None = declare(
        str,
        "The client id that the provider knows the console by.",
        default=lambda: None,
        shown="–",
    )
    oidc_client_secret: SecretStr | None = declare(
        environment.secret(1),
        "The client secret that goes with it.",
        default=lambda: None,
        shown="–",
    )
