"""Who is bound to whom within a cluster, by what still binds. Pure.

What bound some of a cluster may have ended, so it can fall into groups. Within one, some are bound to each other by
what was seen or proved, and to the rest by waves or claims only.
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
class Neighbours:
    """The accounts that something binds an account to, and whether that was seen or proved. ``ends`` is the Unix time
    at which the first of what binds them ends, None where nothing binds them.
    """

    accounts: Mapping[str, bool]
    ends: float | None


@record
class Group:
    """Accounts that things bind to each other. ``seen`` has for each account those that something seen or proved binds
    it to, itself included; all of these have the same set.
    """

    seen: Mapping[str, frozenset[str]]


def neighbours(names: Sequence[str], things: Sequence[Thing], user_id: str) -> Neighbours:
    """The neighbours of an account in a cluster of the accounts ``names``, which ``things`` bind."""
    bound, proved = reached(user_id, things), reached(user_id, _proved(things))
    ends = min((thing.ends for thing in things if not bound.isdisjoint(thing.user_ids)), default=None)
    return Neighbours({name: name in proved for name in names if name in bound}, ends)


def groups(things: Sequence[Thing], user_ids: Iterable[str]) -> list[Group]:
    """The groups that some accounts are in, in their order."""
    proved, found, known = _proved(things), list[Group](), set[str]()
    for user_id in user_ids:
        if user_id not in known:
            bound, seen = reached(user_id, things), dict[str, frozenset[str]]()
            for name in sorted(bound):
                if name not in seen:
                    together = frozenset(reached(name, proved))
                    seen.update(dict.fromkeys(together, together))
            found.append(Group(seen))
            known |= bound
    return found


def _proved(things: Sequence[Thing]) -> list[Thing]:
    return [thing for thing in things if standing_of(thing.edge, claims=thing.claims) == "proved"]


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
