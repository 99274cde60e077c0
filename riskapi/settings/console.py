"""Settings of the console: where people reach it, how long a session lasts, and whether a password is enough."""

from __future__ import annotations

from dataclasses import dataclass

from riskapi.settings import environment
from riskapi.settings.setting import declare


@dataclass(frozen=True, kw_only=True)
class ConsoleSettings:
    """Part of :class:`riskapi.settings.Settings`."""

    console_url: str | None = declare(
        environment.web_url,
        "Where people reach the service with a browser, such as `https://risk.example`. With `https` the cookies of "
        "the console are for HTTPS only. Links to sign in with are made for this address.",
        default=lambda: None,
        shown="the address it listens on",
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
        "Whether people who use the console need an authenticator besides their password.",
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
    console_notice: str | None = declare(
        environment.line(80),
        "Words that stand on top of every page of the console, such as `Sample data`.",
        default=lambda: None,
        shown="–",
    )
