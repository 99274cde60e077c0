"""The results of a search, as answers and pages show them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from riskapi.contract import Count, Instant
from riskapi.lists.entries import ListEntry
from riskapi.search.found_accounts import SearchedAccount
from riskapi.search.meanings import Meaning, SearchKind
from riskapi.search.members import Members
from riskapi.search.shared import SharedThing, thing_of
from riskapi.store.pages import cursor_of
from riskapi.times import rfc3339

_Some = Annotated[int, Field(ge=0)] | None


class SearchMeaning(TypedDict):
    """One way to read what was searched for. ``value`` is null where only its HMAC is known, ``accounts`` where
    counting them means looking for them; ``note`` says what to know of this way.
    """

    kind: SearchKind
    value: str | None
    accounts: _Some
    note: str | None


class SearchAnswer(TypedDict):
    """What a search found. ``read_as`` is how the text was read, null where it means nothing; ``others`` how else it
    can be. ``thing`` finds the same without the value.

    ``accounts`` is a page, newest first, of ``total``; not ``complete`` where only so many are remembered or looked at.
    ``limited``, ``abusive`` and ``established`` count among all of them; null where that was not counted. ``hub``: so
    many share it that sharing says nothing. ``shared`` is what accounts of this page have and others too.
    """

    object: Literal["search"]
    read_as: SearchMeaning | None
    others: list[SearchMeaning]
    thing: str | None
    total: Count
    complete: bool
    limited: _Some
    abusive: _Some
    established: _Some
    first_seen: Instant | None
    last_seen: Instant | None
    hub: bool
    lists: list[ListEntry]
    accounts: list[SearchedAccount]
    shared: list[SharedThing]
    next_cursor: str | None


def answer(
    chosen: Meaning | None,
    others: Sequence[SearchMeaning],
    members: Members,
    accounts: Sequence[SearchedAccount],
    shared: Sequence[SharedThing],
    entries: Sequence[ListEntry],
    after: int | None,
) -> SearchAnswer:
    """The answer; ``after`` is the place of the next page's first account."""
    census, counted = members.census, members.census is not None and chosen is not None and bool(chosen.keys)
    return {
        "object": "search",
        "read_as": None if chosen is None else meaning(chosen, members.total),
        "others": list(others),
        "thing": thing_of(chosen.keys[0]) if chosen is not None and len(chosen.keys) == 1 else None,
        "total": members.total,
        "complete": members.complete,
        "limited": census.limited if census is not None and counted else None,
        "abusive": None if census is None else census.abusive,
        "established": census.established if census is not None and counted else None,
        "first_seen": None if census is None or census.first is None else rfc3339(census.first),
        "last_seen": None if census is None or census.last is None else rfc3339(census.last),
        "hub": census is not None and census.hub,
        "lists": list(entries),
        "accounts": list(accounts),
        "shared": list(shared),
        "next_cursor": None if after is None else cursor_of(str(after).encode()),
    }


def meaning(found: Meaning, accounts: int | None) -> SearchMeaning:
    """A way to read the text, as answers show it."""
    return {"kind": found.kind, "value": found.value, "accounts": accounts, "note": found.note}
