"""Accounts by the name of a person or an organization, without an index of names.

An index would be one more row of every signup, of what says nothing about risk. So a name is looked for where people
write it, in mail addresses at large providers, and among the accounts decided last; a name is not a key to anybody.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from riskapi.accounts.accounts import Accounts
from riskapi.accounts.log import Decisions
from riskapi.links.census import Censuses
from riskapi.links.entities import Links
from riskapi.store import damaged
from riskapi.store.connections import Store

#: The mail providers at which names are looked for: those with most personal mailboxes. General knowledge of ours.
PROVIDERS = ("gmail.com", "outlook.com", "hotmail.com", "yahoo.com", "icloud.com", "gmx.de", "web.de", "proton.me")
#: Accounts looked at of those decided last, and of those one spelling of the name finds. A look at 500 signups
#: takes some 25 ms.
NEWEST, _EACH = 500, 10
#: Letters that do not come apart into a letter and a mark (Unicode, decomposition mappings).
_APART = str.maketrans({"ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ı": "i"})


class Names:
    """Looks for names. Every method raises :class:`StoreUnavailable` while the store is away."""

    def __init__(self, store: Store, links: Links, accounts: Accounts, decisions: Decisions) -> None:
        self._store, self._links, self._accounts, self._decisions = store, links, accounts, decisions
        self._censuses = Censuses(store)

    def found(self, name: str) -> list[str]:
        """The accounts whose name or organization has every word of ``name``, those decided last first.

        Older accounts are found only where their mail address is made of the name; four trips.
        """
        newest, _ = self._decisions.newest(NEWEST)
        names = list(dict.fromkeys([*newest[:NEWEST], *self._by_mail(name)]))
        words = set(_words(name))
        signups = zip(names, self._accounts.signups(names), strict=True)
        return [user for user, signup in signups if signup is not None and words <= _named(user, signup)]

    def _by_mail(self, name: str) -> Iterator[str]:
        keys = [
            self._links.entity_key(kind, f"{local}@{provider}")
            for local in _spellings(_words(name))
            for provider in PROVIDERS
            for kind in ("stem", "mailbox")
        ]
        pipe = self._store.pipeline()
        asked = [self._censuses.queue_newest(pipe, key, _EACH) for key in keys]
        if asked:
            self._store.run(pipe)
        for found in asked:
            yield from (user for user, _ in found())


def _named(user_id: str, signup: bytes) -> frozenset[str]:
    """The words of the names that an account gave."""

    def read() -> frozenset[str]:
        told: Mapping[str, object] = damaged.whole(signup)["account"]
        return frozenset(_words(f"{told.get('name') or ''} {told.get('organization') or ''}"))

    return damaged.read("account", user_id, read, frozenset[str]())


def _words(text: str) -> list[str]:
    """The words of a name, in small letters without accents: ``Müller`` is found by ``muller``."""
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_APART))
    kept = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return re.findall(r"[^\W_]+", kept)


def _spellings(words: Sequence[str]) -> list[str]:
    """How a first and a last name are written in mail addresses: the five commonest ways."""
    if len(words) < 2:
        return list(words)
    first, last = words[0], words[-1]
    return [f"{first}.{last}", f"{first}{last}", f"{last}.{first}", f"{first}_{last}", f"{first[0]}{last}"]
