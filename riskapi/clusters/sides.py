"""Who is bound to whom within a cluster, by what still binds. Pure.

A cluster can have several sides: what bound some of it may have ended, and who merely claims a thing is bound to others
otherwise than those whom something seen or proved binds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from signals.records import record


@record
class Thing:
    """One thing that binds accounts, until the Unix time ``ends``. ``claims``: it is somebody else's."""

    edge: str
    ends: float
    user_ids: list[str]
    claims: bool = False


@record
class Near:
    """The accounts that something binds one to, and whether that was seen or proved. ``ends`` is the Unix time at which
    the first of what binds them to each other ends, None where nothing does.
    """

    accounts: Mapping[str, bool]
    ends: float | None


def sides(names: Sequence[str], things: Sequence[Thing], user_ids: Iterable[str]) -> list[Near]:
    """Whom each of some accounts of a cluster is near, where ``names`` are the accounts of that and ``things`` bind
    them: once for all whom the same binds to the same accounts. For two whom nothing seen or proved binds that is the
    same but for themselves.
    """
    seen = [thing for thing in things if standing_of(thing.edge, claims=thing.claims) == "proved"]
    bound_by, proved_by = dict[str, frozenset[str]](), dict[str, frozenset[str]]()
    found: dict[tuple[frozenset[str], frozenset[str]], Near] = {}
    for user_id in user_ids:
        bound, proved = _with(user_id, things, bound_by), _with(user_id, seen, proved_by)
        side = bound, frozenset[str]() if len(proved) == 1 else proved
        if side not in found:
            ends = min((thing.ends for thing in things if not bound.isdisjoint(thing.user_ids)), default=None)
            found[side] = Near({name: name in proved for name in names if name in bound}, ends)
    return list(found.values())


def _with(user_id: str, things: Sequence[Thing], known: dict[str, frozenset[str]]) -> frozenset[str]:
    """The accounts that these things bind to one; ``known`` has them of some, and of all of these from now on."""
    if user_id not in known:
        users = frozenset(reached(user_id, things))
        known.update(dict.fromkeys(users, users))
    return known[user_id]


def reached(user_id: str, things: Sequence[Thing]) -> set[str]:
    """The accounts that these things bind to one, directly or through others, itself included."""
    left = [set(thing.user_ids) for thing in things]
    found, grown = {user_id}, True
    while grown:
        near = [users for users in left if users & found]
        left = [users for users in left if not users & found]
        found, grown = found.union(*near), bool(near)
    return found


def standing_of(edge: str, *, claims: bool) -> Literal["proved", "claimed", "wave"]:
    """How the accounts that an edge binds stand to the thing: what is seen is as good as proved."""
    if edge.startswith("w:"):
        return "wave"
    return "proved" if not claims and (edge[0].isupper() or edge[0] in "dt") else "claimed"
