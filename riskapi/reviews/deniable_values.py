"""What of accounts can be denied with a decision: their mailboxes, numbers, devices, cards, mail domains and addresses.

A ban must not meet others. What an established customer has too, or somebody who proved it to be theirs, is left out,
and so is what stands for a crowd: a decided account may only have claimed it. Values are known by their HMACs alone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Literal, get_args

from typing_extensions import TypedDict

from riskapi.contract import Count
from riskapi.inputs.readers import ActiveReaders
from riskapi.links.entities import Links
from riskapi.links.keys import key_of, mac_of
from riskapi.links.kinds import Touch
from riskapi.lists import lists
from riskapi.lists.entries import held_on, short
from riskapi.lists.matching import KEYED, hashed_field
from riskapi.policy.active import ActiveBasis
from riskapi.reviews.decided_accounts import Candidate
from riskapi.store.connections import Store
from riskapi.store.streams import account_key
from signals.records import record

#: What can be denied with a decision.
DeniableKind = Literal["mailbox", "phone", "device", "payment", "domain", "ip"]
DENIABLE: tuple[DeniableKind, ...] = get_args(DeniableKind)
#: Why a value is not denied. ``not_given``: no account that is decided has one; ``shared_domain``: strangers have their
#: mail there; ``hub``: it stands for a crowd; ``held_by_another``: see above; ``too_many``: past :data:`MOST`.
Skipped = Literal["not_given", "shared_domain", "hub", "held_by_another", "too_many"]
#: Values that one decision denies at most, those first that the account under review or most of the others have.
#: Twenty accounts that share nothing. What a larger cluster shares is among them.
MOST = 100
#: Accounts that an answer names for one value.
_NAMED = 100


class Denied(TypedDict):
    """A value of the accounts decided that goes on the deny list, or why not.

    ``skipped``: `not_given`, none of them has one; `shared_domain`, strangers have their mail there; `hub`, it stands
    for a crowd; `held_by_another`, an established customer has it too, or somebody who proved that it is theirs;
    `too_many`, a decision denies 100 values. ``user_ids`` are those decided who have it, a hundred at most; ``already``
    says that it was on the list before; ``would_match_count`` are the accounts known to have it, 2,000 at most.
    """

    kind: DeniableKind
    normalized: str | None
    user_ids: list[str]
    skipped: Skipped | None
    already: bool
    entry_id: str | None
    would_match_count: Count


@record
class Deniable:
    """A value that can be denied, or why it is not.

    ``entity`` is its kind in :mod:`riskapi.links.kinds`, ``user_ids`` the decided accounts that have it, ``entry_id``
    the entry that denies it already, if there is one. ``accounts`` are those known to have it, of those seen within
    ``retention.entities_days`` the newest 2,000 to 2,100.
    """

    kind: DeniableKind
    entity: str
    mac: str = ""
    user_ids: tuple[str, ...] = ()
    skipped: Skipped | None = None
    entry_id: str | None = None
    accounts: int = 0

    @property
    def key(self) -> str:
        """Key of the entity."""
        return key_of(self.entity, self.mac)

    @property
    def field(self) -> str:
        """Where it stands in the table of lists."""
        return hashed_field(KEYED[self.entity], self.mac)

    def view(self, made: str | None = None) -> Denied:
        """The value as callers get it; ``made`` is the entry that denies it now, where there is one."""
        return {
            "kind": self.kind,
            "normalized": short(self.mac) if self.mac else None,
            "user_ids": list(self.user_ids[:_NAMED]),
            "skipped": self.skipped,
            "already": self.entry_id is not None,
            "entry_id": made or self.entry_id,
            "would_match_count": self.accounts,
        }


def entity_of(kind: DeniableKind) -> str:
    """The kind of entity that stands for what is denied."""
    return "mail_domain" if kind == "domain" else kind


class DeniableValues:
    """Finds what can be denied. Reads only; raises :class:`StoreUnavailable` while the store is away."""

    def __init__(self, store: Store, links: Links, active_readers: ActiveReaders, active: ActiveBasis) -> None:
        self._store, self._links, self._active_readers, self._active = store, links, active_readers, active

    def of(self, kinds: Collection[DeniableKind], accounts: Sequence[Candidate], now: float) -> list[Deniable]:
        """The values of these kinds that ``accounts`` have at Unix time ``now``. The first account is the one under
        review.

        A kind that none of them has is there once, as skipped.
        """
        found: list[Deniable] = []
        for kind in DENIABLE:
            if kind in kinds:
                values = self._values(kind, accounts)
                found += values or [Deniable(kind, entity_of(kind), skipped="not_given")]
        first = accounts[0].user_id if accounts else ""
        wanted = [value for value in found if value.skipped is None]
        wanted.sort(key=lambda value: (first not in value.user_ids, -len(value.user_ids)))
        looked = self._looked_at(wanted[:MOST], accounts, now)
        late = [replace(value, skipped="too_many") for value in wanted[MOST:]]
        return [*looked, *late, *(value for value in found if value.skipped is not None)]

    def _values(self, kind: DeniableKind, accounts: Sequence[Candidate]) -> list[Deniable]:
        having: dict[tuple[str, Skipped | None], list[str]] = {}
        for account in accounts:
            key = account.entities.get(entity_of(kind))
            if key is not None:
                mac = mac_of(key)
                skipped = self._shared(account, mac) if kind == "domain" else None
                having.setdefault((mac, skipped), []).append(account.user_id)
        return [Deniable(kind, entity_of(kind), mac, tuple(names), skipped) for (mac, skipped), names in having.items()]

    def _shared(self, account: Candidate, mac: str) -> Skipped | None:
        """``shared_domain`` where the account's mail domain is not one of its own, or cannot be known to be."""
        email = self._active_readers.readers.mail.read(account.address)
        own = email.private and email.registrable is not None
        return None if own and self._links.mac("mail_domain", email.registrable or "") == mac else "shared_domain"

    def _looked_at(self, values: Sequence[Deniable], accounts: Sequence[Candidate], now: float) -> list[Deniable]:
        """The same values with what the store knows of them."""
        if not values:
            return []
        policy = self._active.policy
        touches = [Touch("", now, {value.entity: value.key}, frozenset()) for value in values]
        pipe = self._store.pipeline()
        rows = lists.queue(pipe, [value.field for value in values])
        asked = [
            (self._links.queue_holders(pipe, value.key), self._links.queue(pipe, touch, policy, add=False))
            for value, touch in zip(values, touches, strict=True)
        ]
        self._store.run(pipe)
        holders = [self._links.holders(held(), now) for held, _ in asked]
        others = self._innocent({name for names in holders for name in names} - {each.user_id for each in accounts})
        found = []
        for value, touch, names, (_, looked), row in zip(values, touches, holders, asked, rows(), strict=True):
            entity = self._links.entities(touch, looked(), policy)[value.entity]
            skipped: Skipped | None = "hub" if entity.hub else None
            if not others.isdisjoint(names):
                skipped = "held_by_another"
            entry_id = held_on("deny", row) or None
            found.append(replace(value, skipped=skipped, entry_id=entry_id, accounts=entity.accounts))
        return found

    def _innocent(self, names: Collection[str]) -> set[str]:
        """Those of some accounts that are not labelled abusive."""
        pipe = self._store.pipeline()
        order = sorted(names)
        for name in order:
            pipe.execute_command("HGET", account_key(name), "label")
        return {name for name, label in zip(order, self._store.run(pipe), strict=True) if label != b"abuse"}
