"""The picture of a cluster: accounts on the left, what they share on the right, a line where one has the other.

Laid out here, without motion or script; beside it stands the same as a table, for those who do not see it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from riskapi.links.evidence import Edge

#: Accounts and things drawn; the table has all. Chosen by us: more are not told apart.
ACCOUNTS, THINGS = 12, 8
#: Units of the drawing: its width, the height of a row, and where names end and begin.
_WIDTH, _ROW, _LEFT, _RIGHT = 480, 28, 170, 310
#: Characters of a name that fit.
_NAME = 20


@dataclass(frozen=True, slots=True)
class Node:
    """An account or a thing: what is written, and where; ``mine`` is the account of the case."""

    text: str
    y: int
    mine: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """From an account to a thing. ``standing`` is how it is drawn: proved solid, claimed dashed, wave dotted."""

    y1: int
    y2: int
    standing: str


@dataclass(frozen=True, slots=True)
class Graph:
    """The drawing. ``left`` are accounts, ``right`` things; ``more`` is what is not drawn."""

    left: Sequence[Node]
    right: Sequence[Node]
    lines: Sequence[Line]
    more: str
    width: int = _WIDTH
    x1: int = _LEFT
    x2: int = _RIGHT

    @property
    def height(self) -> int:
        """Units of height."""
        return _ROW * max(len(self.left), len(self.right), 1)


def drawn(user_id: str, edges: Sequence[Edge], words: dict[str, str]) -> Graph:
    """The drawing of what binds a cluster, the case's account first. ``words`` name the kinds of things."""
    names = list(dict.fromkeys([user_id, *(name for edge in edges for name in edge["user_ids"])]))
    shown, things = names[:ACCOUNTS], edges[:THINGS]
    at = {name: _y(number) for number, name in enumerate(shown)}
    left = [Node(_short(name), at[name], name == user_id) for name in shown]
    right = [
        Node(f"{words.get(edge['kind'], edge['kind'])} ({edge['accounts']})", _y(number))
        for number, edge in enumerate(things)
    ]
    lines = [
        Line(at[name], _y(number), edge["standing"])
        for number, edge in enumerate(things)
        for name in edge["user_ids"]
        if name in at
    ]
    rest = [f"{len(names) - len(shown)} accounts"] if len(names) > len(shown) else []
    rest += [f"{len(edges) - len(things)} things"] if len(edges) > len(things) else []
    return Graph(left, right, lines, " and ".join(rest))


def _y(number: int) -> int:
    return _ROW * number + _ROW // 2


def _short(name: str) -> str:
    return name if len(name) <= _NAME else f"{name[: _NAME - 1]}…"
