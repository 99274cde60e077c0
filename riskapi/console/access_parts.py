"""What the console is handed by ``riskapi.app`` besides the parts of the API: who may come in, and who hears of it."""

from __future__ import annotations

from dataclasses import dataclass

from riskapi.access import one_time_tokens
from riskapi.access.audit_log import AuditLog
from riskapi.access.one_time_tokens import OneTimeTokens
from riskapi.access.sessions import Sessions
from riskapi.access.throttle import Throttle
from riskapi.access.users import Person, Users
from riskapi.settings import Settings
from riskapi.store.connections import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessParts:
    """Who may come in, and how: users, sessions, tokens that work once, tries, and the audit log.

    ``settings`` are read for addresses and times.
    """

    settings: Settings
    store: Store
    users: Users
    sessions: Sessions
    tokens: OneTimeTokens
    throttle: Throttle
    audit: AuditLog

    @property
    def is_secure(self) -> bool:
        """Whether people use HTTPS."""
        return self.settings.console_address.startswith("https://")


def open_access_parts(settings: Settings, store: Store) -> AccessParts:
    """Who may come in, kept in a store."""
    idle, longest = settings.console_idle_minutes * 60.0, settings.console_session_hours * 3600.0
    return AccessParts(
        settings=settings,
        store=store,
        users=Users(store),
        sessions=Sessions(store, idle, longest),
        tokens=OneTimeTokens(store),
        throttle=Throttle(store),
        audit=AuditLog(store),
    )


def first_link(access_parts: AccessParts, now: float) -> str | None:
    """A link with which somebody becomes the first admin; None where there is a user. Raises ``StoreUnavailable``."""
    return (
        None
        if access_parts.users.any()
        else _link(access_parts, access_parts.tokens.make(one_time_tokens.FIRST, {}, one_time_tokens.LINK, now))
    )


def password_link(access_parts: AccessParts, person: Person, now: float) -> str:
    """A link with which a user chooses a password; it works once. Raises ``StoreUnavailable``."""
    held = {"id": person.id, "epoch": person.epoch}
    return _link(access_parts, access_parts.tokens.make(one_time_tokens.PASSWORD, held, one_time_tokens.LINK, now))


def _link(access_parts: AccessParts, token: str) -> str:
    return f"{access_parts.settings.console_address}/console/welcome/{token}"
