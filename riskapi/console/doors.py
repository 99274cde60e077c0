"""What the console is handed by ``riskapi.app`` besides the parts of the API: who may come in, and who hears of it."""

from __future__ import annotations

from dataclasses import dataclass

from riskapi.access import once
from riskapi.access.audit import Audit
from riskapi.access.once import Once
from riskapi.access.sessions import Sessions
from riskapi.access.throttle import Throttle
from riskapi.access.users import Person, Users
from riskapi.settings import Settings
from riskapi.store.connections import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """Who may come in, and how: users, sessions, tokens that work once, tries, and the audit log.

    ``settings`` are read for addresses and times.
    """

    settings: Settings
    store: Store
    users: Users
    sessions: Sessions
    once: Once
    throttle: Throttle
    audit: Audit

    @property
    def is_secure(self) -> bool:
        """Whether people use HTTPS."""
        return self.settings.console_address.startswith("https://")


def open_doors(settings: Settings, store: Store) -> Doors:
    """The doors over a store."""
    idle, longest = settings.console_idle_minutes * 60.0, settings.console_session_hours * 3600.0
    return Doors(
        settings=settings,
        store=store,
        users=Users(store),
        sessions=Sessions(store, idle, longest),
        once=Once(store),
        throttle=Throttle(store),
        audit=Audit(store),
    )


def first_link(doors: Doors, now: float) -> str | None:
    """A link with which somebody becomes the first admin; None where there is a user. Raises ``StoreUnavailable``."""
    return None if doors.users.any() else _link(doors, doors.once.make(once.FIRST, {}, once.LINK, now))


def password_link(doors: Doors, person: Person, now: float) -> str:
    """A link with which a user chooses a password; it works once. Raises ``StoreUnavailable``."""
    held = {"id": person.id, "epoch": person.epoch}
    return _link(doors, doors.once.make(once.PASSWORD, held, once.LINK, now))


def _link(doors: Doors, token: str) -> str:
    return f"{doors.settings.console_address}/console/welcome/{token}"
