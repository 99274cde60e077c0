"""Users of the console as a command adds, lists, shuts out and resets them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from riskapi.access.users import NameTaken, Person, Role
from riskapi.commands import output
from riskapi.commands.audit import COMMAND_LINE
from riskapi.console.access_parts import AccessParts, open_access_parts, password_link
from riskapi.settings import Settings
from riskapi.store.connections import Store


def add(settings: Settings, store: Store, name: str, role: Role) -> int:
    """Make a user and print the link with which they choose a password; 1 where the name is taken, 2 for a bad one."""
    access_parts, now = open_access_parts(settings, store), time.time()
    try:
        person = access_parts.users.create(name, role, now)
    except NameTaken:
        print(f"{name}: somebody has this name", file=sys.stderr)
        return 1
    except ValueError as error:
        print(f"name: {error}", file=sys.stderr)
        return 2
    access_parts.audit.note(COMMAND_LINE, "user added", person.id, now, name=person.name, role=role)
    _say_link(access_parts, person, now)
    return 0


def show(store: Store, settings: Settings) -> int:
    """List the users."""
    rows = []
    for each in open_access_parts(settings, store).users.list():
        state = "shut out" if each.disabled else ("link sent" if each.password is None else "in use")
        made = datetime.fromtimestamp(each.made, UTC).strftime("%Y-%m-%d")
        rows.append((each.name, each.role, made, "yes" if each.has_second_factor else "no", state))
    output.show(("name", "role", "made", "authenticator", "state"), rows)
    return 0


def disable(settings: Settings, store: Store, name: str) -> int:
    """Shut a user out; 1 where there is none."""
    return 0 if _change(settings, store, name, "user disabled", Person.shut_out) is not None else 1


def reset(settings: Settings, store: Store, name: str) -> int:
    """Let a user begin anew and print the link for it; 1 where there is none."""
    person = _change(settings, store, name, "user reset", Person.anew)
    if person is None:
        return 1
    _say_link(open_access_parts(settings, store), person, time.time())
    return 0


def _change(
    settings: Settings, store: Store, name: str, action: str, change: Callable[[Person], Person]
) -> Person | None:
    access_parts = open_access_parts(settings, store)
    person = access_parts.users.find(name)
    if person is None:
        print(f"{name}: no such user", file=sys.stderr)
        return None
    access_parts.audit.note(COMMAND_LINE, action, person.id, time.time())
    found = access_parts.users.change(person.id, change)
    print(f"{person.name}: {action}", file=sys.stderr)
    return found


def _say_link(access_parts: AccessParts, person: Person, now: float) -> None:
    print(f"{person.name} ({person.role}) chooses a password here, once, within 24 hours:", file=sys.stderr)
    print(password_link(access_parts, person, now))
