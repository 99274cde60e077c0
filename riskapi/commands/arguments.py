"""What words of the command line mean: times, notes, names, and choices that are known only when a command runs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import typer

Choice = TypeVar("Choice", bound=str)
#: Characters of a name. As for reviewers in the API.
_MOST_NAME = 128
#: Characters of a note, as the API takes them.
_MOST_NOTE = 2000


def instant(text: str) -> float:
    """Unix time of an RFC 3339 time or date; one without an offset is UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a time such as 2026-11-22T10:00:00Z") from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def note(text: str) -> str:
    """Why something is done, for those who come after."""
    if not text.strip() or len(text) > _MOST_NOTE:
        raise typer.BadParameter(f"expected 1 to {_MOST_NOTE} characters")
    return text


def name(text: str) -> str:
    """The name of a person."""
    if not text.strip() or len(text) > _MOST_NAME or not text.isprintable():
        raise typer.BadParameter(f"expected a name of 1 to {_MOST_NAME} characters")
    return text.strip()


def choice(given: str, choices: Iterable[Choice], of: str) -> Choice:
    """The choice that was given; ``of`` is the argument it was given as."""
    known = list(choices)
    for each in known:
        if each == given:
            return each
    raise typer.BadParameter(f"{given!r} is none of {', '.join(known)}", param_hint=of)


#: ``--author`` of commands that change what others rely on; :func:`riskapi.commands.author.name` reads it.
Author = Annotated[
    str | None,
    typer.Option(parser=name, metavar="NAME", help="Who you are, for those who come after.", show_default="your login"),
]
