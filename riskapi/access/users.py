"""People who use the console: their names, roles, and what they prove themselves with.

A row is read whole, changed, and put back only if nobody changed it meanwhile (``user_put.lua``), so two changes at
once never lose one.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, get_args

import orjson

from riskapi.store import damaged

if TYPE_CHECKING:
    from riskapi.store.connections import Store

Role = Literal["viewer", "reviewer", "growth", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)

#: What each role may do, in the names of roles: a page asks for one of them.
MAY: dict[Role, frozenset[Role]] = {
    "viewer": frozenset({"viewer"}),
    "reviewer": frozenset({"viewer", "reviewer"}),
    "growth": frozenset({"viewer", "growth"}),
    "admin": frozenset(ROLES),
}

#: Every user: id → JSON; and name → id. In one slot, because one script changes both. No TTL: until they are removed.
USERS, _NAMES = "risk:users:{u}", "risk:usernames:{u}"
#: What a name may be: a mail address or a word.
_NAME = re.compile(r"[^\s\x00-\x1f\x7f<>\"'`&]{1,128}")
#: How often a change is tried again when others change the same row.
_TRIES = 20


class NameTaken(Exception):
    """Somebody else has this name."""


class NotFirst(Exception):
    """There is a user already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey:
    """A key pair on a device of a user (WebAuthn). ``id`` and ``key``, the public one, are base64url.

    ``count`` is how often it was used, as the device last said; 0 where it does not count. ``name`` is the user's own
    for it, ``made`` when it was added, Unix time.
    """

    id: str
    key: str
    count: int
    name: str
    made: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A user. ``id`` is random and names nobody, so it may be logged; ``name`` is what they sign in with.

    ``password`` is an Argon2 hash; ``passkeys`` what proves them by itself; ``totp`` the secret of an authenticator,
    ``totp_step`` the last time step it was used for; ``recovery`` hashes of the codes that are left. ``provider`` is
    who an OpenID Connect provider says they are: its issuer and its name for them. ``epoch`` grows whenever every
    session has to end. ``revision`` is another with each change, so that of two who make the same change one comes
    second.
    """

    id: str
    name: str
    role: Role
    made: float
    password: str | None = None
    passkeys: tuple[Passkey, ...] = ()
    totp: str | None = None
    totp_step: int = 0
    recovery: tuple[str, ...] = ()
    provider: str | None = None
    disabled: bool = False
    epoch: int = 0
    revision: str = ""

    def may(self, role: Role) -> bool:
        """Whether they may do what ``role`` stands for."""
        return role in MAY[self.role]

    @property
    def has_second_factor(self) -> bool:
        """Whether more than a password is needed to be them."""
        return self.totp is not None or bool(self.passkeys)

    def shut_out(self) -> Person:
        """As somebody who may come in no more; every session ends."""
        return replace(self, disabled=True, epoch=self.epoch + 1)

    def anew(self) -> Person:
        """As somebody who begins anew, with a link: nothing they had opens the console any more."""
        return replace(
            self,
            disabled=False,
            password=None,
            passkeys=(),
            provider=None,
            totp=None,
            recovery=(),
            epoch=self.epoch + 1,
        )


def name_of(text: str) -> str:
    """A name as it is kept: without blanks around it, in small letters. Raises ``ValueError`` for anything else."""
    found = text.strip().casefold()
    if not _NAME.fullmatch(found):
        raise ValueError("expected a mail address or a word of 1 to 128 characters, without blanks and quotes")
    return found


class Users:
    """Makes, finds and changes users."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._put = store.script("user_put")

    def create(self, name: str, role: Role, now: float, *, password: str | None = None, first: bool = False) -> Person:
        """Make a user; ``password`` is a hash, ``first`` asks that there is no other.

        Raises ``ValueError`` for a bad name, :class:`NameTaken`, :class:`NotFirst` and ``StoreUnavailable``.
        """
        person = Person(id=secrets.token_hex(8), name=name_of(name), role=role, made=now, password=password)
        self._write(None, person, first=first)
        return person

    def list(self) -> list[Person]:
        """Everybody, by name. Raises ``StoreUnavailable``."""
        rows = self._store.execute("HGETALL", USERS).items()
        found = [person for key, raw in rows if (person := read(key.decode(), raw)) is not None]
        return sorted(found, key=lambda person: person.name)

    def any(self) -> bool:
        """Whether there is a user at all. Raises ``StoreUnavailable``."""
        return bool(self._store.execute("HLEN", USERS))

    def get(self, user_id: str) -> Person | None:
        """The user with this id. Raises ``StoreUnavailable``."""
        raw = self._store.execute("HGET", USERS, user_id)
        return None if raw is None else read(user_id, raw)

    def find(self, name: str) -> Person | None:
        """The user with this name, in any case. Raises ``StoreUnavailable``."""
        try:
            user_id = self._store.execute("HGET", _NAMES, name_of(name))
        except ValueError:
            return None
        return None if user_id is None else self.get(user_id.decode())

    def change(self, user_id: str, change: Callable[[Person], Person | None]) -> Person | None:
        """Change a user by a function of what is kept now; it may be called more than once.

        ``None`` where there is no such user, or the function gives None: nothing is changed then.

        Raises :class:`NameTaken` and ``StoreUnavailable``.
        """
        for _ in range(_TRIES):
            raw = self._store.execute("HGET", USERS, user_id)
            person = None if raw is None else read(user_id, raw)
            changed = None if person is None else change(person)
            if changed is None:
                return None
            changed = replace(changed, revision=secrets.token_hex(8))
            if self._write(raw, changed):
                return changed
        raise RuntimeError("a row of users changes faster than it can be written")

    def end_sessions(self, user_id: str) -> Person | None:
        """Have every session of a user end. Raises ``StoreUnavailable``."""
        return self.change(user_id, lambda person: replace(person, epoch=person.epoch + 1))

    def _write(self, before: bytes | None, person: Person, *, first: bool = False) -> bool:
        answer = self._put.call(
            [USERS, _NAMES], [person.id, before or b"", orjson.dumps(person), person.name, "1" if first else "0"]
        )
        if answer == b"taken":
            raise NameTaken
        if answer == b"not_first":
            raise NotFirst
        return bool(answer == b"put")


def read(user_id: str, raw: bytes) -> Person | None:
    """A row; one that cannot be read is nobody."""
    return damaged.read("user", user_id, partial(_person, raw), None)


def _person(raw: bytes) -> Person:
    row: dict[str, Any] = damaged.known(Person, orjson.loads(raw))
    if row["role"] not in ROLES:
        raise ValueError("not a role")
    passkeys = tuple(Passkey(**damaged.known(Passkey, each)) for each in row.get("passkeys", ()))
    return Person(**{**row, "recovery": tuple(row.get("recovery", ())), "passkeys": passkeys})
