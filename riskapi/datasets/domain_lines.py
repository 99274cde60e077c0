"""Lists of domains as text: a domain a line, ``#`` starts a comment, ``!`` before a domain takes it off."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

import idna

#: What most lines are: a lower-case name as DNS has it, A-labels of whatever IDNA makes of them included.
_PLAIN = re.compile(r"(?=.{3,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")


class Domains(NamedTuple):
    """Domains to add to a list and to take off it, as lower-case A-labels (RFC 5890)."""

    added: frozenset[str]
    removed: frozenset[str]


class LineError(ValueError):
    """A line that is not a domain: its number from 1, and why."""

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(f"line {number}: {reason}")
        self.number, self.reason = number, reason


def parse(content: bytes) -> Domains:
    """Read a list. Raises :class:`LineError`."""
    added: set[str] = set()
    removed: set[str] = set()
    for number, raw in enumerate(content.splitlines(), start=1):
        try:
            line = raw.decode().partition("#")[0].strip()
            if line:
                (removed if line.startswith("!") else added).add(_normal(line.removeprefix("!").strip()))
        except ValueError as error:
            raise LineError(number, f"not a domain: {error}") from error
    return Domains(frozenset(added), frozenset(removed))


def text(domains: Iterable[str]) -> bytes:
    """The list as text, sorted."""
    return "".join(f"{domain}\n" for domain in sorted(domains)).encode()


def is_plain(domain: str) -> bool:
    """Whether a text is a domain of two labels or more, in small letters as DNS has it."""
    return _PLAIN.fullmatch(domain) is not None


def _normal(domain: str) -> str:
    if is_plain(domain):
        return domain
    if "." not in domain:
        raise ValueError("it has no dot")
    return idna.encode(domain, uts46=True).decode("ascii").lower()
