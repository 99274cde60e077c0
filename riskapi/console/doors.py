"""What the console is handed by ``riskapi.app`` besides the parts of the API: who may come in, and who is told of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from riskapi.access.once import Once
from riskapi.access.sessions import Sessions
from riskapi.access.throttle import Throttle
from riskapi.access.users import Users
from riskapi.settings import Settings
from riskapi.store.connections import Store

#: Tells the audit log who did what to whom, and when: ``note(actor, action, subject, at, **details)``.
Note = Callable[..., None]


def unheard(actor: str, action: str, subject: str, at: float, **details: Any) -> None:
    """Takes a note and keeps nothing: what stands here until an audit log is handed in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """Who may come in, and how.

    ``note`` is where the audit log connects. ``attack_until`` gives the Unix time until which a stricter policy holds,
    or None. ``settings`` are read for addresses, times and the OpenID provider.
    """

    settings: Settings
    store: Store
    users: Users
    sessions: Sessions
    once: Once
    throttle: Throttle
    note: Note = unheard
    attack_until: Callable[[], float | None] = lambda: None

    @property
    def address(self) -> str:
        """Where people reach the service: scheme, host and port."""
        return self.settings.console_address

    @property
    def host(self) -> str:
        """The host of that address."""
        return urlsplit(self.address).hostname or ""

    @property
    def is_secure(self) -> bool:
        """Whether people come by HTTPS."""
        return self.address.startswith("https://")


def open_doors(settings: Settings, store: Store, **more: Any) -> Doors:
    """The doors over a store. ``more`` are other fields of :class:`Doors`."""
    idle, longest = settings.console_idle_minutes * 60.0, settings.console_session_hours * 3600.0
    return Doors(
        settings=settings,
        store=store,
        users=Users(store),
        sessions=Sessions(store, idle, longest),
        once=Once(store),
        throttle=Throttle(store),
        **more,
    )
