"""The lists: what a person wants allowed, denied or watched, whatever model and rules say of it.

How entries are kept is in :mod:`riskapi.lists.entries`; those that decisions of reviews make in
:mod:`riskapi.reviews.denials`.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Literal

from typing_extensions import TypedDict

from riskapi.contract import Count
from riskapi.errors import Problem, invalid
from riskapi.links.entities import Links
from riskapi.lists import entries
from riskapi.lists.entries import (
    AFTERWARDS,
    EXPIRIES,
    INDEX,
    TABLE,
    ListEntry,
    StoredEntry,
    details_key,
    hits_key,
    keys,
)
from riskapi.lists.entry_search import EntrySearch
from riskapi.lists.list_names import ListName
from riskapi.lists.matching import HASHED, ListKind
from riskapi.lists.named_accounts import MOST, NamedAccounts
from riskapi.lists.puts import Put, Puts
from riskapi.lists.values import Values
from riskapi.policy.active import ActiveBasis
from riskapi.store.connections import Store
from riskapi.store.pages import cursor_of, position
from riskapi.store.pipelines import Pipeline, as_it_is
from riskapi.store.streams import oldest
from riskapi.times import DAY
from signals.facts import Facts

_PLACE = re.compile(r"\d{12}\.\d{6}:lst_[0-9a-f]{20}:(?:allow|deny|watch):[a-z_]+")
#: Accounts remembered as named by an entry, the newest. From here on a count says "this many or more".
MOST_HITS = 10_000
#: Seconds that an expired entry is still shown, so that somebody may write it anew.
_SHOWN = 30 * DAY
#: Accounts named in an answer; there may be more.
_NAMED = 100
#: Entries read in one trip, and entries a report holds at most.
_TRIP, _MOST_REPORTED = 500, 1000
#: Days after which an entry that never expires should be looked at again: a year.
_LOOK_AGAIN = 365


Staleness = Literal["expired", "never_hit", "not_hit_lately", "never_expires"]


class ListPage(TypedDict):
    """A page of entries, newest first; ``next_cursor`` is null on the last one."""

    entries: list[ListEntry]
    next_cursor: str | None


class StaleEntry(ListEntry):
    """An entry that somebody should look at again, and why."""

    why: list[Staleness]


class StaleReport(TypedDict):
    """Entries that somebody should look at again, oldest first; not ``complete`` where there are over a thousand."""

    days: int
    entries: list[StaleEntry]
    complete: bool


class WouldMatch(TypedDict):
    """The accounts there are that an entry names: a hundred of them by name, and how many were found.

    ``would_match_complete`` is false where there may be more: only a part of the accounts could be looked at.
    """

    would_match: list[str]
    would_match_count: Count
    would_match_complete: bool


def queue(pipe: Pipeline, fields: Sequence[str]) -> Callable[[], Sequence[bytes | None]]:
    """Ask, in a pipeline, what stands under fields of the table, for :func:`riskapi.lists.matching.found`.

    Nothing is asked for no fields.
    """
    return pipe.ask("HMGET", TABLE, *fields, read=as_it_is) if fields else list


class Lists:
    """Keeps the lists. Every method raises :class:`riskapi.errors.StoreUnavailable` while the store is away."""

    def __init__(
        self,
        store: Store,
        values: Values,
        links: Links,
        matches: NamedAccounts,
        lookups: EntrySearch,
        active: ActiveBasis,
    ) -> None:
        self._store, self._values, self._links, self._matches, self._active = store, values, links, matches, active
        self._lookups = lookups
        self._puts, self._remove = Puts(store, active), store.script("list_remove")
        self._expire, self._hit = store.script("list_expire"), store.script("list_hit")

    def draft(
        self,
        name: ListName,
        kind: ListKind,
        value: str,
        *,
        expires_at: float | None,
        reason: str | None,
        author: str,
        silences_feedback: bool,
        now: float,
        hashed: bool = False,
    ) -> StoredEntry:
        """An entry that is not saved yet; ``hashed``: without its value. Raises ``invalid`` for what cannot be one."""
        normal = self._values.normal(name, kind, value)
        if hashed:
            value, normal = "", self._links.mac(self._values.entity(kind, normal), normal)
        if expires_at is not None and expires_at <= now:
            raise invalid("/expires_at", "lies in the past")
        if silences_feedback and name != "allow":
            raise invalid("/silences_feedback", "only an entry of the allow list can keep feedback from counting")
        return StoredEntry(
            "", name, kind, value, normal, author, reason, now, now, expires_at, silences_feedback, hashed
        )

    def put(self, entry: StoredEntry, now: float, *, replace: bool = False) -> Put:
        """Save a draft. One that this list has for the kind and value already is written anew and keeps its id.

        Returns it with what it was before. Raises ``entry_permanent`` for one that would end where one stands that
        never does, without ``replace``.
        """
        return self._puts.one(entry, now, replace=replace)

    def standing(self, draft: StoredEntry) -> StoredEntry | None:
        """The entry that a draft would write anew; None where it would be new."""
        held = entries.held_on(draft.list, self._store.execute("HGET", TABLE, draft.field))
        return self.load(held) if held else None

    def of(self, name: ListName, kind: ListKind, value: str, now: float) -> StoredEntry:
        """The entry of a list for just this value, kept with it or hashed. Raises ``invalid`` and ``not_found``."""
        terms: dict[str, Any] = {"expires_at": None, "reason": None, "author": "", "silences_feedback": False}
        found = self.standing(self.draft(name, kind, value, now=now, **terms))
        if found is None and kind in HASHED.values():
            with suppress(Problem):  # a domain of which there can be none
                found = self.standing(self.draft(name, kind, value, now=now, hashed=True, **terms))
        if found is None:
            raise _unknown()
        return found

    def remove(self, name: ListName, entry_id: str, actor: str, now: float) -> StoredEntry:
        """Take an entry off its list; returns what it was. Raises ``not_found``."""
        entry, token = self.get(name, entry_id), secrets.token_hex(8)
        args: list[Any] = [entry.field, name[0], entry_id, entry.place, token, AFTERWARDS]
        if not self._remove.call(keys(entry_id), [*args, entry.event("removed", actor, now), self._oldest()]):
            raise _unknown()
        return entry

    def expire(self, now: float) -> int:
        """Tell of entries that have expired, and forget those that did long ago; returns how many were told of.

        They match no more from the moment they expire; this has others learn of it. Safe to run twice, and at once.
        """
        found = self._store.execute("ZRANGEBYSCORE", EXPIRIES, "-inf", repr(now), "LIMIT", 0, _TRIP)
        due, told = [entry_id.decode() for entry_id in found], 0
        known = {entry.id: entry for entry in entries.read(self._store, due)}
        if lost := [entry_id for entry_id in due if entry_id not in known]:  # a store that was restored from a copy
            self._store.execute("ZREM", EXPIRIES, *lost)
        for entry in known.values():
            args: list[Any] = [entry.field, entry.list[0], entry.id, entry.place, repr(now), _SHOWN]
            event = entry.event("expired", None, now)
            told += self._expire.call(keys(entry.id), [*args, event, self._oldest()])
        return told

    def get(self, name: ListName, entry_id: str) -> StoredEntry:
        """One entry of a list. Raises ``not_found``."""
        found = self.load(entry_id)
        if found is None or found.list != name or found.removed:
            raise _unknown()
        return found

    def load(self, entry_id: str) -> StoredEntry | None:
        """One entry, also one that was removed within a week; None for what is not known."""
        return next(entries.read(self._store, [entry_id]), None)

    def page(
        self, name: ListName | None, kind: ListKind | None, limit: int, cursor: str | None, now: float
    ) -> ListPage:
        """Entries, newest first, ``limit`` a page; of one list, one kind, or all.

        ``cursor`` is the ``next_cursor`` of the page before; one that cannot be read raises ``invalid``.
        """
        found: list[bytes] = []
        for place in self._places(f"({position(cursor, _PLACE)}" if cursor else "+"):
            _, _, of, each = place.decode().split(":")
            if name in (None, of) and kind in (None, each):
                found.append(place)
                if len(found) > limit:
                    break
        shown = found[:limit]
        views = [entry.view(now) for entry in entries.read(self._store, [_id_of(place) for place in shown])]
        return {"entries": views, "next_cursor": cursor_of(shown[-1]) if len(found) > limit else None}

    def some(
        self, name: ListName | None, kind: ListKind | None, limit: int, cursor: str | None, now: float
    ) -> tuple[list[ListEntry], str | None]:
        """As :meth:`page`, for any ``limit``, in some trips: the entries, and the cursor of those that follow."""
        found: list[ListEntry] = []
        while True:
            page = self.page(name, kind, min(limit - len(found), _TRIP), cursor, now)
            found += page["entries"]
            cursor = page["next_cursor"]
            if cursor is None or len(found) >= limit:
                return found, cursor

    def of_value(self, name: ListName | None, kind: ListKind | None, value: str, now: float) -> ListPage:
        """The entries that match a value, the most specific first, as a page; see :meth:`EntrySearch.matching`."""
        views = [entry.view(now) for entry in self._lookups.matching(name, kind, value, now)]
        return {"entries": views, "next_cursor": None}

    def naming(self, user_id: str, facts: Facts, now: float) -> list[ListEntry]:
        """The entries that name a signup, the most specific first; see :meth:`EntrySearch.naming`."""
        return [entry.view(now) for entry in self._lookups.naming(user_id, facts, now)]

    def stale(self, now: float, days: int) -> StaleReport:
        """Entries that somebody should look at again, oldest first, with why; 1,000 at most.

        ``expired``; ``never_hit`` and ``not_hit_lately``: it is older than ``days`` and named nobody in that time;
        ``never_expires``: it has no expiry and nobody wrote it anew for a year.
        """
        found: list[StaleEntry] = []
        places = list(self._places("+"))[::-1]
        for start in range(0, len(places), _TRIP):
            for entry in entries.read(self._store, [_id_of(place) for place in places[start : start + _TRIP]]):
                if why := list(_staleness(entry, now, now - days * DAY)):
                    found.append({**entry.view(now), "why": why})
                    if len(found) > _MOST_REPORTED:
                        return {"days": days, "entries": found[:-1], "complete": False}
        return {"days": days, "entries": found, "complete": True}

    def count_hit(self, entry_id: str, user_id: str, at: float) -> int:
        """Count at Unix time ``at`` that an entry named an account, once an account. An entry that is not there names
        nobody. Returns how many accounts it named by now.
        """
        keys = [details_key(entry_id), hits_key(entry_id)]
        return int(self._hit.call(keys, [user_id, repr(at), MOST_HITS]))

    def hit(self, entry_id: str) -> list[str]:
        """The accounts that an entry named, newest first, :data:`MOST_HITS` at most."""
        return [name.decode() for name in self._store.execute("ZREVRANGE", hits_key(entry_id), 0, -1)]

    def forget_hits(self, entry_ids: Sequence[str], user_id: str) -> None:
        """Forget that these entries named an account."""
        pipe = self._store.pipeline()
        for entry_id in entry_ids:
            pipe.execute_command("ZREM", hits_key(entry_id), user_id)
        if entry_ids:
            self._store.run(pipe)

    def matching(self, entry: StoredEntry, limit: int) -> tuple[list[str], bool]:
        """At most ``limit`` accounts that an entry names, or named, and whether these are all of them."""
        return self._matches.matching(entry, limit)

    def would_match(self, entry: StoredEntry) -> WouldMatch:
        """Which accounts that are there already an entry names, for the answer."""
        names, complete = self.matching(entry, MOST)
        return {
            "would_match": names[:_NAMED],
            "would_match_count": len(names),
            "would_match_complete": complete,
        }

    def _places(self, top: str) -> Iterator[bytes]:
        """The index from below ``top`` on, newest first."""
        while found := self._store.execute("ZREVRANGEBYLEX", INDEX, top, "-", "LIMIT", 0, _TRIP):
            yield from found
            top = f"({found[-1].decode()}"

    def _oldest(self) -> str:
        return oldest(self._active.policy.retention.decisions_days)


def _staleness(entry: StoredEntry, now: float, since: float) -> Iterator[Staleness]:
    if entry.expires_at is not None and entry.expires_at <= now:
        yield "expired"
    if entry.last_hit_at is None and entry.updated_at < since:
        yield "never_hit"
    if entry.last_hit_at is not None and max(entry.last_hit_at, entry.updated_at) < since:
        yield "not_hit_lately"
    if entry.expires_at is None and entry.updated_at < now - _LOOK_AGAIN * DAY:
        yield "never_expires"


def _id_of(place: bytes) -> str:
    return place.decode().split(":")[1]


def _unknown() -> Problem:
    return Problem("not_found", "No entry of this list has this id.")
