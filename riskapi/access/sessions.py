"""Sessions of the console: kept in the store, so they can be listed and ended, and the same for every process.

The browser keeps a random token; the store its SHA-256, so what is read from the store opens nothing.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from riskapi.access.users import USERS, Person, read

if TYPE_CHECKING:
    from riskapi.store.connections import Store

#: Characters of a browser's name that are kept.
_AGENT = 200
#: Seconds between two notes that a session was used: each costs a write to the disk.
_NOTED = 60


@dataclass(frozen=True, slots=True)
class Session:
    """A session as it is listed. ``id`` names it, and opens nothing. Times are Unix times.

    ``how`` is what the user showed: ``password``, ``totp``, ``recovery``, ``link``, ``passkey`` or ``oidc``.
    """

    id: str
    begun: float
    seen: float
    how: str
    agent: str
    address: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who holds a session, and what they showed for it.

    ``refused`` is the code by which the store refuses writes now (``OOM``), empty where it takes them.
    """

    person: Person
    session: str
    how: str
    refused: str = ""


class Sessions:
    """Begins, checks, lists and ends sessions."""

    def __init__(self, store: Store, idle: float, longest: float) -> None:
        """``idle`` and ``longest`` are the seconds a session may rest and last."""
        self._store, self.idle, self.longest = store, idle, longest
        self._begin, self._visit = store.script("session_begin"), store.script("session_visit")

    def begin(self, person: Person, how: str, now: float, *, agent: str = "", address: str = "") -> str:
        """Begin a session and return its token. Raises ``StoreUnavailable``."""
        token = secrets.token_urlsafe(32)
        name = digest(token)
        given: list[str | float] = [
            person.id,
            person.epoch,
            now,
            round(self.longest),
            how,
            agent[:_AGENT],
            address,
            name,
        ]
        self._begin.call([_key(name), _of(person.id)], given)
        return token

    def visit(self, token: str, now: float) -> SignedIn | None:
        """Who holds the session, if it still holds; also while writes are refused. Raises ``StoreUnavailable``."""
        name = digest(token)
        found = self._visit.call([_key(name), USERS], [now, self.idle, self.longest, _NOTED])
        if not found:
            return None
        row, epoch, how, refused = found
        person = read(name, row)
        if person is None or person.disabled or person.epoch != int(epoch):
            return None
        return SignedIn(person, name, how.decode(), refused.decode("utf-8", "replace").partition(" ")[0])

    def list(self, person: Person, now: float) -> list[Session]:
        """The sessions of a user that hold, the latest first. Raises ``StoreUnavailable``."""
        names = [name.decode() for name in self._store.execute("ZREVRANGE", _of(person.id), 0, -1)]
        pipe = self._store.pipeline()
        asked = [
            (name, pipe.ask("HMGET", _key(name), "epoch", "begun", "seen", "how", "agent", "address", read=list))
            for name in names
        ]
        self._store.run(pipe)
        found = []
        for name, reply in asked:
            epoch, *rest = (None if value is None else value.decode("utf-8", "replace") for value in reply())
            if epoch is None or int(epoch) != person.epoch:
                continue
            begun, seen, how, agent, address = (value or "" for value in rest)
            session = Session(name, float(begun), float(seen), how, agent, address)
            if now - session.seen <= self.idle and now - session.begun <= self.longest:
                found.append(session)
        return found

    def end(self, person_id: str, session: str) -> None:
        """End one session, by its id. Only the user it belongs to can end it. Raises ``StoreUnavailable``."""
        if self._store.execute("ZREM", _of(person_id), session):
            self._store.execute("DEL", _key(session))


def digest(token: str) -> str:
    """What a token is kept as."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def _key(name: str) -> str:
    return f"risk:session:{{u}}:{name}"


def _of(user_id: str) -> str:
    return f"risk:sessions:{{u}}:{user_id}"
