"""Objects of registries (RFC 9083) read with suspicion: any part may be missing, of another type, or huge."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from riskapi.times import DAY, instant

#: Characters of a name that are kept. Longer ones are not names.
LONGEST: Final = 200
#: Unix time of 1985-01-01: domains are registered since then (RFC 920), address space as the registries tell it since
#: 1983 at the earliest, which makes no difference to anybody. Dates before it stand for "not known".
FIRST: Final = 473_385_600.0
#: Seconds that a registry's clock may be ahead of ours.
AHEAD: Final = float(DAY)
#: Entities of one object that are looked at, and how deep they may stand in each other. Large ones have a dozen.
_ENTITIES: Final = 64
_DEPTH: Final = 4


def text(value: object) -> str | None:
    """A text on one line, of at most :data:`LONGEST` characters; ``None`` for everything else and for nothing."""
    if not isinstance(value, str):
        return None
    shown = "".join(sign if sign.isprintable() else " " for sign in value[: LONGEST * 4])
    return " ".join(shown.split())[:LONGEST].rstrip() or None


def time(value: object, now: float) -> float | None:
    """Unix time of a date with its zone, between :data:`FIRST` and a day after ``now``; ``None`` for all else."""
    try:
        found = instant(value).timestamp() if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is not None and FIRST <= found <= now + AHEAD else None


def happened_at(document: dict[str, Any], action: str, now: float) -> float | None:
    """Unix time of the first event of this sort (RFC 9083, 4.5); ``None`` when none has a date that can be read."""
    times = [
        time(event.get("eventDate"), now)
        for event in _list(document.get("events"))
        if isinstance(event, dict) and event.get("eventAction") == action
    ]
    return min((found for found in times if found is not None), default=None)


def entities(document: dict[str, Any], depth: int = _DEPTH) -> Iterator[dict[str, Any]]:
    """The entities of an object and those inside of them, outer ones first, 64 at most.

    A registry may tell a contact of a network inside of the organisation that has it.
    """
    found = [entity for entity in _list(document.get("entities")) if isinstance(entity, dict)]
    seen = 0
    for _ in range(depth):
        inner: list[dict[str, Any]] = []
        for entity in found:
            if seen == _ENTITIES:
                return
            seen += 1
            yield entity
            inner += [below for below in _list(entity.get("entities")) if isinstance(below, dict)]
        found = inner


def roles(entity: dict[str, Any]) -> list[str]:
    """Roles of an entity (RFC 9083, 10.2.4), in lower case."""
    return [role.lower() for role in _list(entity.get("roles")) if isinstance(role, str)]


def card(entity: dict[str, Any]) -> list[list[Any]]:
    """Properties of an entity's jCard (RFC 7095, 3.3) that are texts: name, parameters, type, text."""
    found = _list(entity.get("vcardArray"))
    return [
        entry
        for entry in _list(found[1] if len(found) > 1 else None)
        if isinstance(entry, list) and len(entry) >= 4 and isinstance(entry[0], str) and isinstance(entry[3], str)
    ]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
