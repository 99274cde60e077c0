"""Attack mode: the stricter policy that somebody switches on, with an end. It is kept beside the policy in force."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

import orjson
from typing_extensions import TypedDict

from riskapi.contract import Instant
from riskapi.errors import invalid
from riskapi.policy.told_changes import ToldChange
from riskapi.policy.versions import ATTACK, TABLE
from riskapi.store import damaged
from riskapi.times import DAY, rfc3339

if TYPE_CHECKING:
    from riskapi.store.connections import Store

#: Who switched it on and off (JSON, newest first), beside the versions in their hash slot. No TTL: the newest are kept.
NOTES = "risk:attacks:{risk:policies}"
_MOST_NOTES = 500
#: The longest that attack mode lasts unless it is switched on again, seconds. What is stricter for a
#: month is not attack mode but a policy.
LONGEST = 30 * DAY


class AttackView(TypedDict):
    """Attack mode as answers show it: since when and until when, who switched it on, and why."""

    at: Instant
    until: Instant
    author: str
    note: str


class AttackSwitch(TypedDict):
    """Somebody switched attack mode ``on`` ``until`` a time, or off."""

    on: bool
    at: Instant
    until: Instant | None
    author: str
    note: str | None


class AttackAnswer(TypedDict):
    """Attack mode, null while it is off; what it changes, by the policy in force; and who switched it, newest first.

    Besides ``changes``, accounts that signed up less than ``days`` ago get ``factor`` times their caps.
    """

    attack: AttackView | None
    changes: list[ToldChange]
    factor: float
    days: int
    switched: list[AttackSwitch]


@dataclass(frozen=True, slots=True)
class AttackMode:
    """Attack mode once it was switched on, at Unix time ``at``, to last until ``until``."""

    id: str
    at: float
    until: float
    author: str
    note: str

    def view(self) -> AttackView:
        """As answers show it."""
        return {"at": rfc3339(self.at), "until": rfc3339(self.until), "author": self.author, "note": self.note}


def attack_of(stored: bytes | None) -> AttackMode | None:
    """What the store keeps of attack mode; None where it was not switched on, or cannot be read."""
    if stored is None:
        return None
    return damaged.read("attack", "policy", partial(_read, stored), None)


def _read(stored: bytes) -> AttackMode:
    found = AttackMode(**damaged.known(AttackMode, orjson.loads(stored)))
    if not isinstance(found.until, float | int) or not isinstance(found.at, float | int):
        raise TypeError("not a time")
    return found


class Attacks:
    """Switches attack mode on and off. Every method raises :class:`StoreUnavailable` while the store is away."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._switch = store.script("attack_switch")

    def read(self, now: float) -> AttackMode | None:
        """Attack mode as it is at Unix time ``now``; None where it is off or over."""
        found = attack_of(self._store.execute("HGET", TABLE, ATTACK))
        return None if found is None or found.until <= now else found

    def begin(self, until: float, note: str, author: str, now: float) -> AttackMode:
        """Switch it on at Unix time ``now``, or let it end at another time. Raises ``invalid``."""
        if not now < until <= now + LONGEST:
            raise invalid("/until", f"must lie ahead, by at most {LONGEST // DAY} days")
        made = AttackMode(secrets.token_hex(8), now, until, author, note)
        self._write(orjson.dumps(asdict(made)), {"on": True, **made.view()})
        return made

    def end(self, note: str | None, author: str, now: float) -> None:
        """Switch it off, if it is on."""
        self._write(b"", {"on": False, "at": rfc3339(now), "until": None, "author": author, "note": note})

    def switched(self) -> list[AttackSwitch]:
        """Who switched it on and off, the newest first."""
        rows = damaged.rows("attack", "policy", self._store.execute("LRANGE", NOTES, 0, -1), ("on", "at", "author"))
        names = ("on", "at", "until", "author", "note")
        return [cast("AttackSwitch", {name: row.get(name) for name in names}) for row in rows]

    def _write(self, mode: bytes, note: AttackSwitch) -> None:
        row = orjson.dumps({**note, "id": secrets.token_hex(8)})
        self._switch.call([TABLE, NOTES], [mode, row, _MOST_NOTES])
