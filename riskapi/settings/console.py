"""Settings of the console: where people reach it, how long a session lasts, and whether a password is enough."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from pydantic import SecretStr

from riskapi.settings import environment
from riskapi.settings.setting import declare

_ROLES = ("viewer", "reviewer", "growth", "admin")


def role_map(text: str) -> tuple[tuple[str, str], ...]:
    """``VALUE=ROLE`` with commas between them; a value may have ``=`` and no comma."""
    found = []
    for part in text.split(","):
        value, is_pair, role = part.strip().rpartition("=")
        if not is_pair or not value or role not in _ROLES:
            raise ValueError(f"expected VALUE=ROLE with commas between them, a role being one of {', '.join(_ROLES)}")
        found.append((value, role))
    return tuple(found)


def origin(text: str) -> str:
    """A URL without a path: links of the pages begin at ``/console/`` of the host."""
    found = environment.web_url(text)
    if urlsplit(found).path:
        raise ValueError("expected no path after the host: the console is at /console/ of it")
    return found


def words(text: str) -> str:
    """Printable ASCII without blanks, 1 to 256 characters."""
    if not text.isascii() or not text.isprintable() or " " in text or len(text) > 256:
        raise ValueError("expected 1 to 256 printable ASCII characters without blanks")
    return text


@dataclass(frozen=True, kw_only=True)
class ConsoleSettings:
    """Part of :class:`riskapi.settings.Settings`."""

    console_url: str | None = declare(
        origin,
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
        "Words shown on top of every page of the console, such as `Sample data`.",
        default=lambda: None,
        shown="–",
    )
    console_oidc_issuer: str | None = declare(
        environment.web_url,
        "Issuer of an OpenID Connect provider that people can sign in with, such as `https://login.example`; "
        "`https`, or loopback. What else it takes is `RISKAPI_CONSOLE_OIDC_CLIENT_ID`, `…_CLIENT_SECRET`, and "
        "`…_DOMAINS` or `…_ROLES`.",
        default=lambda: None,
        shown="–",
    )
    console_oidc_client_id: str | None = declare(
        words, "Client id of the console at the provider.", default=lambda: None, shown="–"
    )
    console_oidc_client_secret: SecretStr | None = declare(
        environment.secret(8), "Secret of the console at the provider.", default=lambda: None, shown="–"
    )
    console_oidc_domains: tuple[str, ...] = declare(
        environment.domains,
        "Mail domains whose verified addresses may come in by the provider, with commas between them.",
        default=lambda: (),
        shown="any, with `RISKAPI_CONSOLE_OIDC_ROLES`",
    )
    console_oidc_claim: str = declare(
        words,
        "Claim of the ID token that `RISKAPI_CONSOLE_OIDC_ROLES` looks at: a text or a list of texts.",
        default=lambda: "groups",
        shown="groups",
    )
    console_oidc_roles: tuple[tuple[str, str], ...] = declare(
        role_map,
        "Which role the values of the claim give, as `VALUE=ROLE` with commas between them, the first that fits. "
        "Whoever has one and is not a user yet becomes one; without it only users that exist come in.",
        default=lambda: (),
        shown="–",
    )

    def oidc_fault(self) -> tuple[str, str] | None:
        """Which setting of OpenID Connect is missing or wrong, and why; None where all is well, or none is set."""
        given = (self.console_oidc_issuer, self.console_oidc_client_id, self.console_oidc_client_secret)
        if not any(given) and not self.console_oidc_domains and not self.console_oidc_roles:
            return None
        for name, value in zip(("ISSUER", "CLIENT_ID", "CLIENT_SECRET"), given, strict=True):
            if not value:
                return name, "is missing; sign-in by OpenID Connect needs issuer, client id and secret"
        if not self.console_oidc_domains and not self.console_oidc_roles:
            return "DOMAINS", "is missing, and RISKAPI_CONSOLE_OIDC_ROLES too; say whom the provider may let in"
        found = urlsplit(self.console_oidc_issuer or "")
        if found.scheme != "https" and not _is_loopback(found.hostname or ""):
            return "ISSUER", "expected https: what it says decides who comes in"
        return None


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
