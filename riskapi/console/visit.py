"""One visit to a page, and what a page answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from riskapi.access.users import Person, Role
from riskapi.api.parts import Parts
from riskapi.console.access_parts import AccessParts
from riskapi.console.queue_rows import QueueRows
from riskapi.reviews.cases import Cases
from riskapi.reviews.selections import SelectionDecisions


def number(text: str) -> int | None:
    """A whole number of at most nine digits; None for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


class Fields(Mapping[str, str]):
    """What a form or an address carries. A name that was not sent is the empty text; of several values the first."""

    def __init__(self, values: Mapping[str, Sequence[str]]) -> None:
        self._values = {name: tuple(found) for name, found in values.items()}

    def __getitem__(self, name: str) -> str:
        return self._values.get(name, ("",))[0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def number(self, name: str) -> int | None:
        """The whole number of a name, as :func:`number` reads it."""
        return number(self[name])

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a name."""
        return self._values.get(name, ())


#: Who visits before they signed in: nobody. May do nothing.
NOBODY = Person(id="", name="", role="viewer", made=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request, checked: who sent it, at what time, and what was sent.

    ``now`` is Unix time. ``query`` is what the address carries after ``?``, ``form`` what was posted. ``path`` has the
    values of ``{name}`` in the page's path. ``address`` and ``agent`` are the caller's, ``host`` is what they call us;
    ``session`` names their session. ``kept`` is what the browser keeps for pages, see :class:`Moved`, and ``known``
    are the ids of users who signed in from it before.
    """

    parts: Parts
    access_parts: AccessParts
    cases: Cases
    rows: QueueRows
    selections: SelectionDecisions
    person: Person
    now: float
    path: Mapping[str, str]
    query: Fields
    form: Fields
    address: str = ""
    host: str = ""
    agent: str = ""
    session: str = ""
    kept: Mapping[str, Any] = field(default_factory=dict)
    known: frozenset[str] = frozenset()

    def may(self, role: Role) -> bool:
        """Whether the person may do what ``role`` stands for."""
        return self.person is not NOBODY and self.person.may(role)

    def note(self, action: str, subject: str, **details: Any) -> None:
        """Tell the audit log what the person does, before it is done. Raises ``StoreUnavailable``."""
        self.access_parts.audit.note(self.person.name or "nobody", action, subject, self.now, **details)


@dataclass(frozen=True, slots=True)
class View:
    """A page to show: a template of ``riskapi/console/templates``, and what it is filled with."""

    template: str
    data: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class File:
    """A file to keep: its name, its bytes and its media type."""

    name: str
    content: bytes
    media: str


@dataclass(frozen=True, slots=True)
class Moved:
    """Go to another page (303). ``to`` is a path of the console; ``said`` is shown there once.

    ``keep`` is kept by the browser, signed, until the person signs out: short lists of ids, nothing personal.
    """

    to: str
    said: str = ""
    keep: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entered:
    """Sign this person in, and go to a page. ``how`` is what they showed, as in sessions."""

    person: Person
    how: str
    to: str = "/console/"


@dataclass(frozen=True, slots=True)
class Left:
    """Sign the person out, and go to a page."""

    to: str = "/console/sign-in"
    said: str = ""


Answer = View | File | Moved | Entered | Left
