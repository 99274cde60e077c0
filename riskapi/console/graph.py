"""The picture of a cluster: accounts in columns, what they share between them, a line where one has the other.

Two columns of names stay readable where a circle of forty does not. Laid out here, without motion or script; beside it
stands the same as tables, for those who do not see it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from riskapi.console.sentences import many
from riskapi.links.linkage import Edge, Evidence
from riskapi.reviews.rings import Member

#: Accounts and things drawn; the tables have all. More could not be told apart.
ACCOUNTS, THINGS = 60, 10
#: From so many accounts on there are two columns.
_TWO = 9
#: Units of the drawing: its width, the height of a row, half the width of a thing's box, where columns of names end and
#: begin, and where the things stand with one column and with two.
_WIDTH, _ROW, BOX, _LEFT, _RIGHT, _APART, _BETWEEN = 760, 24, 92, 240, 520, 520, 380
#: Characters of a name that fit, and of a thing.
_NAME, _WORD = 16, 27


@dataclass(frozen=True, slots=True)
class Node:
    """An account: its name, where it is written and on which side of the line it stands, its tier and label.
    ``mine`` is the account of the case, ``outside`` one that holds what is claimed and is in no cluster with it.
    """

    text: str
    x: int
    y: int
    side: str
    tier: str
    label: str = ""
    established: bool = False
    mine: bool = False
    outside: bool = False


@dataclass(frozen=True, slots=True)
class Thing:
    """What is shared. ``hub``: so many share it that it says nothing, and no line leads to it."""

    text: str
    x: int
    y: int
    standing: str
    hub: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """From an account to a thing. ``standing`` is how it is drawn: proved solid, claimed dashed, wave dotted. With an
    ``arrow`` it goes from the thing to the account that holds what others claim.
    """

    x1: int
    y1: int
    x2: int
    y2: int
    standing: str
    arrow: bool = False


@dataclass(frozen=True, slots=True)
class Graph:
    """The drawing; ``more`` is what is not drawn."""

    nodes: Sequence[Node]
    things: Sequence[Thing]
    lines: Sequence[Line]
    more: str
    height: int
    width: int = _WIDTH
    box: int = BOX


def drawn(
    user_id: str,
    edges: Sequence[Edge],
    evidence: Sequence[Evidence],
    hubs: Sequence[str],
    members: Mapping[str, Member],
    words: Mapping[str, str],
    shown: Callable[[str], str],
) -> Graph:
    """The drawing of what binds a cluster, the case's account first.

    ``evidence`` of the case's account says who holds what is claimed, ``hubs`` are kinds of things it has that are
    hubs. ``members`` say the tier of accounts, ``words`` name the kinds of things, ``shown`` masks a name.
    """
    holders = {row["edge"]: row["holders"] or [] for row in evidence if row["edge"] and row["holders"]}
    bound = list(dict.fromkeys([user_id, *(name for edge in edges for name in edge["user_ids"])]))
    outside = [name for names in holders.values() for name in names if name not in bound]
    names = [*bound, *dict.fromkeys(outside)]
    placed = _placed(names[:ACCOUNTS])
    nodes = [
        _node(name, *placed[name], members, shown, mine=name == user_id, outside=name in outside) for name in placed
    ]
    rows = (max((y for _, y, _ in placed.values()), default=0) + _ROW // 2) // _ROW
    drawn_edges = edges[:THINGS]
    height = _ROW * max(rows, 2 * (len(drawn_edges) + len(hubs)), 1)
    step = height / max(len(drawn_edges) + len(hubs), 1)
    x = _APART if len(placed) < _TWO else _BETWEEN
    things, lines = [], []
    for number, edge in enumerate(drawn_edges):
        y = round(step * (number + 0.5))
        word = words.get(edge["kind"], edge["kind"])
        things.append(Thing(_short(f"{word} ({edge['accounts']})", _WORD), x, y, edge["standing"]))
        lines += [_line(placed[name], x, y, edge["standing"]) for name in edge["user_ids"] if name in placed]
        held = [name for name in holders.get(edge["edge"], ()) if name in placed]
        lines += [_line(placed[name], x, y, "proved", arrow=True) for name in held]
    for number, kind in enumerate(hubs, len(drawn_edges)):
        word = _short(f"{words.get(kind, kind)}: a hub", _WORD)
        things.append(Thing(word, x, round(step * (number + 0.5)), "hub", hub=True))
    left = [many(len(names) - len(placed), "account")] if len(names) > len(placed) else []
    left += [many(len(edges) - len(drawn_edges), "thing")] if len(edges) > len(drawn_edges) else []
    return Graph(nodes, things, lines, " and ".join(left), height)


def _placed(names: Sequence[str]) -> dict[str, tuple[int, int, str]]:
    """Where each name stands: one column, or two that are filled row by row."""
    if len(names) < _TWO:
        return {name: (_LEFT, _ROW * row + _ROW // 2, "left") for row, name in enumerate(names)}
    found = {}
    for number, name in enumerate(names):
        row, right = divmod(number, 2)
        found[name] = (_RIGHT if right else _LEFT, _ROW * row + _ROW // 2, "right" if right else "left")
    return found


def _node(
    name: str,
    x: int,
    y: int,
    side: str,
    members: Mapping[str, Member],
    shown: Callable[[str], str],
    *,
    mine: bool,
    outside: bool,
) -> Node:
    found, text = members.get(name), _short(shown(name), _NAME)
    if found is None:
        return Node(text, x, y, side, "", mine=mine, outside=outside)
    return Node(text, x, y, side, found.tier, found.label, found.established, mine, outside)


def _line(place: tuple[int, int, str], x: int, y: int, standing: str, *, arrow: bool = False) -> Line:
    """From a name to the near side of the thing's box."""
    at, row, side = place
    start, end = (at + 8, x - BOX) if side == "left" else (at - 8, x + BOX)
    return Line(end, y, start, row, standing, arrow=True) if arrow else Line(start, row, end, y, standing)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
