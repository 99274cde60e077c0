"""Which accounts an entry of a list names: those that share what it says, tested by what they signed up with.

What accounts share is known as entities (:mod:`riskapi.links.entities`); where an entity is coarser than the entry (a
mailbox for one of its addresses, a /24 for a part of it) its accounts are tested one by one. What is wider than
entities are is looked for among the newest decisions. An entry without its value names the accounts known to have the
entity of its HMAC.
"""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

from riskapi.accounts.accounts import Accounts
from riskapi.accounts.log import Decisions
from riskapi.inputs import device as devices
from riskapi.inputs.readers import ActiveReaders
from riskapi.links.entities import Links
from riskapi.links.keys import key_of
from riskapi.links.kinds import is_inside, line
from riskapi.links.networks import entity_networks
from riskapi.links.touches import KEEP
from riskapi.lists.entries import StoredEntry
from riskapi.lists.matching import KEYED, NO_EMAIL, OF_EMAIL, ListKind, candidates
from riskapi.store import damaged
from riskapi.store.connections import Store
from signals.facts import Account, Device, Facts
from signals.whereabouts import country_of_person

#: Accounts looked at for one entry, and decisions looked through for one that no entity stands for: some 0.3 s.
MOST = 5000
#: Entities and accounts asked for in one trip.
_KEYS, _ACCOUNTS = 16, 500


class NamedAccounts:
    """Finds the accounts of entries."""

    def __init__(
        self,
        store: Store,
        links: Links,
        accounts: Accounts,
        decisions: Decisions,
        active_readers: ActiveReaders,
    ) -> None:
        self._store, self._links, self._accounts, self._decisions = store, links, accounts, decisions
        self._active_readers = active_readers

    def matching(self, entry: StoredEntry, limit: int) -> tuple[list[str], bool]:
        """At most ``limit`` accounts that an entry names, mostly newest first.

        Also whether these are all: not where there are more, or where only a sample could be looked at. What mail of
        accounts linked to is known by registrable domain alone, so an entry below one finds nobody.
        """
        names, complete = self._hashed(entry) if entry.hashed else self._near(entry.kind, entry.normal)
        found: list[str] = []
        for start in range(0, len(names), _ACCOUNTS):
            part = names[start : start + _ACCOUNTS]
            for name, signup in zip(part, self._accounts.signups(part), strict=True):
                if signup is None or not self._is_named(entry, name, signup):
                    continue
                if len(found) == limit:
                    return found, False
                found.append(name)
        return found, complete

    def _hashed(self, entry: StoredEntry) -> tuple[list[str], bool]:
        """The accounts of the entity with the HMAC of an entry, and whether nobody else can be."""
        kind = next(entity for entity, listed in KEYED.items() if listed == entry.kind)
        return self._of_keys([key_of(kind, entry.normal)])

    def _near(self, kind: ListKind, normal: str) -> tuple[list[str], bool]:
        """The accounts that may be meant, and whether nobody else can be."""
        if kind == "user":
            return [normal], True
        if kind == "phone_prefix":
            return self._decisions.newest(MOST)
        if kind in ("ip", "cidr"):
            return self._in_network(normal)
        if kind == "link_domain" and self._active_readers.readers.links.read([normal]) != (normal,):
            return [], False
        if kind in OF_EMAIL:
            email = self._active_readers.readers.mail.read(normal if "@" in normal else f"a@{normal}")
            domain = kind == "email_domain"
            entity = ("mail_domain", email.registrable) if domain else ("mailbox", email.canonical)
            return self._sharing([(entity[0], entity[1] or normal)])
        if kind == "phone":  # those behind a switchboard share its block, not its line
            return self._sharing([(kind, normal), ("phone_block", normal.partition(";")[0][:-2])])
        return self._sharing([(kind, normal)])

    def _in_network(self, normal: str) -> tuple[list[str], bool]:
        network = ip_network(normal)
        if is_inside(self._active_readers.readers.networks.read(str(network.network_address))):
            return self._decisions.newest(MOST)  # what everybody shares is not an entity
        if "/" not in normal:
            return self._sharing([("ip", line(normal))])
        parts = entity_networks(network)
        if parts is None:
            return self._decisions.newest(MOST)
        prefixes = (self._active_readers.readers.networks.read(str(part.network_address)).prefix for part in parts)
        return self._sharing([("network", prefix) for prefix in prefixes if prefix is not None])

    def _sharing(self, entities: list[tuple[str, str]]) -> tuple[list[str], bool]:
        """The accounts of some entities, given by kind and value, and whether these are all."""
        return self._of_keys([self._links.entity_key(kind, value) for kind, value in entities])

    def _of_keys(self, keys: list[str]) -> tuple[list[str], bool]:
        found: dict[str, None] = {}
        complete = True
        for start in range(0, len(keys), _KEYS):
            pipe = self._store.pipeline()
            asked = [self._links.queue_accounts(pipe, key) for key in keys[start : start + _KEYS]]
            self._store.run(pipe)
            for names in (reply() for reply in asked):
                complete = complete and len(names) < KEEP
                found.update(dict.fromkeys(names))
            if len(found) > MOST:
                return list(found)[:MOST], False
        return list(found), complete

    def _is_named(self, entry: StoredEntry, user_id: str, signup: bytes) -> bool:
        """Whether the entry names an account that signed up so, as it would name the signup posted now."""
        if entry.hashed or entry.kind == "link_domain":
            return True

        def facts() -> Facts:
            return self._facts(entry.kind, damaged.whole(signup))

        found = damaged.read("account", user_id, facts, None)
        return found is not None and entry.field in candidates(user_id, found, {})

    def _facts(self, kind: ListKind, signup: dict[str, Any]) -> Facts:
        """What the kind needs to know of a signup, and nothing else: there may be thousands to read."""
        email, phone, network, device = NO_EMAIL, None, None, signup.get("device") or {}
        if kind in OF_EMAIL:
            email = self._active_readers.readers.mail.read(signup["email"]["address"])
        if kind in ("ip", "cidr", "asn", "phone", "phone_prefix") and device.get("ip_address"):
            network = self._active_readers.readers.networks.read(device["ip_address"])
        number = (signup.get("phone") or {}).get("number")
        if kind in ("phone", "phone_prefix") and number:
            phone = self._active_readers.readers.phones.read(number, country_of_person(network))
        return Facts(
            at=0.0,
            account=Account(),
            email=email,
            phone=phone,
            network=network,
            device=Device(id=devices.identifier(device.get("id"))),
            payment_fingerprint=devices.identifier((signup.get("payment") or {}).get("fingerprint")),
        )
