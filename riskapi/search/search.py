"""One search for anything: what a text means, who has that, what became of them, what lists say, what else they share.

Its cost is bounded whatever is found: a page of accounts is read, crowds are only counted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from riskapi.accounts.accounts import Accounts
from riskapi.accounts.log import Decisions
from riskapi.budgets.budgets import Budgets
from riskapi.clusters.clusters import Clusters
from riskapi.decisions.gather import Gatherer
from riskapi.errors import Problem
from riskapi.inputs.readers import ActiveReaders
from riskapi.links.entities import Links
from riskapi.lists.entries import ListEntry
from riskapi.lists.lists import Lists
from riskapi.lists.matching import ListKind
from riskapi.search.found_accounts import FoundAccount, SearchedAccount, read_accounts
from riskapi.search.meanings import Meaning, Meanings, SearchKind
from riskapi.search.members import Members, MembersReader
from riskapi.search.names import Names
from riskapi.search.results import SearchAnswer, answer, meaning
from riskapi.search.shared import Shared
from riskapi.store.connections import Store
from riskapi.store.pages import position
from signals.records import changed

#: Accounts of a page, and of a file. The largest crowd that a thing remembers fits in one file.
MOST, MOST_ROWS = 50, 2000
#: Accounts read in one trip.
_TRIP = 500
_PLACE = re.compile(r"[0-9]{1,6}")
#: What each kind is on the lists; others cannot be listed.
LISTED: dict[SearchKind, ListKind] = {
    "mailbox": "mailbox",
    "phone": "phone",
    "payment": "payment",
    "device": "device",
    "mail_domain": "email_domain",
    "ip": "ip",
    "network": "cidr",
    "link_domain": "link_domain",
    "asn": "asn",
    "user": "user",
}


class Search:
    """Searches. Every method raises :class:`StoreUnavailable` while the store is away."""

    def __init__(
        self,
        store: Store,
        links: Links,
        accounts: Accounts,
        clusters: Clusters,
        budgets: Budgets,
        gatherer: Gatherer,
        decisions: Decisions,
        lists: Lists,
        active_readers: ActiveReaders,
    ) -> None:
        self._store, self._budgets, self._lists = store, budgets, lists
        self._meanings, self._shared = Meanings(links, active_readers), Shared(store, links, gatherer)
        self._members = MembersReader(store, accounts, clusters, Names(store, links, accounts, decisions))

    def find(
        self, text: str, kind: SearchKind | None, now: float, *, cursor: str | None = None, most: int = MOST
    ) -> SearchAnswer:
        """What a text finds at Unix time ``now``, ``most`` accounts a page.

        It is read as ``kind`` where it can be, else as what somebody has and is likeliest. ``cursor`` is the
        ``next_cursor`` of the page before; one that cannot be read raises ``invalid``.
        """
        first = int(position(cursor, _PLACE)) if cursor else 0
        meanings = self._members.counted(self._meanings.read(text))
        chosen = _chosen(meanings, kind)
        others = [meaning(each, count) for each, count in meanings if chosen is None or each.kind != chosen.kind]
        if chosen is None:
            return answer(None, others, Members((), 0), [], [], [], None)
        members = self._members.page(chosen, now, first, most)
        rows = read_accounts(self._store, self._budgets, members.names, now)
        chosen = self._valued(chosen, rows)
        shared, entries = self._shared.of(rows, chosen.keys), self._entries(chosen, now)
        after = first + most if first + most < members.total else None
        return answer(chosen, others, members, [row.shown for row in rows], shared, entries, after)

    def accounts(self, text: str, kind: SearchKind | None, now: float) -> list[SearchedAccount]:
        """The accounts that :meth:`find` finds on all its pages, 2,000 at most."""
        chosen = _chosen(self._members.counted(self._meanings.read(text)), kind)
        names = [] if chosen is None else self._members.page(chosen, now, 0, MOST_ROWS).names
        parts = (names[start : start + _TRIP] for start in range(0, len(names), _TRIP))
        return [row.shown for part in parts for row in read_accounts(self._store, self._budgets, part, now)]

    def of(self, user_ids: Sequence[str], now: float) -> list[SearchedAccount]:
        """Accounts by their ids; those that are not there are left out."""
        return [row.shown for row in read_accounts(self._store, self._budgets, user_ids, now)]

    def _valued(self, chosen: Meaning, rows: Sequence[FoundAccount]) -> Meaning:
        """What was searched for by its HMAC, with its value where somebody who has it tells it."""
        if chosen.value is not None or not chosen.keys:
            return chosen
        return changed(chosen, value=self._shared.values(rows, chosen.keys).get(chosen.keys[0]))

    def _entries(self, chosen: Meaning, now: float) -> list[ListEntry]:
        """What lists say of it."""
        kind = LISTED.get(chosen.kind)
        if kind is None or chosen.value is None:
            return []
        try:
            return self._lists.of_value(None, kind, chosen.value, now)["entries"]
        except Problem:
            return []  # what no list takes, such as a network wider than any


def _chosen(meanings: Sequence[tuple[Meaning, int | None]], kind: SearchKind | None) -> Meaning | None:
    """The meaning that was asked for; else the first that somebody has, else a name, else the likeliest."""
    asked = next((each for each, _ in meanings if each.kind == kind), None)
    known = next((each for each, count in meanings if count), None)
    named = next((each for each, count in meanings if count is None), None)
    return asked or known or named or next((each for each, _ in meanings), None)
