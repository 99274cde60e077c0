"""Settings of raw mail: who is believed by signature, and the mailbox that a mail server delivers to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from riskapi.settings import environment
from riskapi.settings.setting import declare


def reporters(text: str) -> tuple[str, ...]:
    """Domains and addresses in ASCII with commas between them."""
    found = tuple(word.lower() for word in environment.words(text))
    for word in found:
        local, at, domain = word.rpartition("@")
        if (at and not local) or "@" in local or not local.isascii() or not environment.domains(domain):
            raise ValueError("expected domains and addresses with commas between them, such as arf.mail.yahoo.com")
    return found


def loopback(text: str) -> environment.Bind | Path:
    """A socket's path after ``unix:``, or ``HOST:PORT`` of this machine alone."""
    found = environment.listened(text)
    if isinstance(found, environment.Bind) and found.host not in ("127.0.0.1", "::1", "localhost"):
        raise ValueError("expected unix:/path, or a port of 127.0.0.1: whoever reaches it is believed")
    return found


@dataclass(frozen=True, kw_only=True)
class MailboxSettings:
    """Part of :class:`riskapi.settings.Settings`."""

    feedback_reporters: tuple[str, ...] = declare(
        reporters,
        "Who is believed without an API key when DKIM shows that the report is theirs: domains that only machines "
        "write from, and single addresses, with commas between them. They replace the shipped ones.",
        default=lambda: (),
        shown="shipped",
    )
    mailbox_bind: environment.Bind | Path = declare(
        loopback,
        "Where `python -m riskapi mailbox` takes mail by LMTP: `unix:/path`, or a port of loopback.",
        default=lambda: environment.Bind("127.0.0.1", 10024),
        shown="127.0.0.1:10024",
    )
    mailbox_url: str = declare(
        environment.web_url,
        "The riskapi that the mailbox hands mail to.",
        default=lambda: "http://127.0.0.1:8000",
        shown="http://127.0.0.1:8000",
    )
    mailbox_api_key: SecretStr | None = declare(
        environment.secret(32),
        "API key with the scope `feedback` that the mailbox hands mail in with.",
        default=lambda: None,
        shown="–",
    )
