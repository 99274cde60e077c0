"""Which entries of the lists match a value: the same ones that a signup or a link with that value would be named by."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from riskapi.errors import Problem
from riskapi.inputs import device as devices
from riskapi.inputs.readers import ActiveReaders
from riskapi.links.entities import Links
from riskapi.links.kinds import line
from riskapi.lists import entries
from riskapi.lists import matching as listed
from riskapi.lists.entries import TABLE, StoredEntry
from riskapi.lists.list_names import ListName
from riskapi.lists.matching import KEYED, KINDS, NO_EMAIL, OF_EMAIL, ListKind, candidates
from riskapi.lists.prefixes import networks
from riskapi.lists.values import Values
from riskapi.store.connections import Store
from signals.facts import Account, Device, Facts


class EntrySearch:
    """Finds entries. Every method raises :class:`StoreUnavailable` while the store is away."""

    def __init__(self, store: Store, values: Values, links: Links, active_readers: ActiveReaders) -> None:
        self._store, self._values, self._links, self._active_readers = store, values, links, active_readers

    def matching(self, name: ListName | None, kind: ListKind | None, value: str, now: float) -> list[StoredEntry]:
        """The entries, of one list or all, that match a value at Unix time ``now``, the most specific first.

        A value of one kind finds wider kinds too: an address the networks it lies in, a mail address its mailbox and
        the domains above it, a number its prefixes. An address given for the kind ``cidr``, or a mail address for
        ``email_domain``, finds those of that kind alone. Without ``kind`` it is read as every kind it can be. Raises
        ``invalid`` for what cannot be a value of the kind.
        """
        fields = self._fields(kind, value.strip()) if kind else self._any(value.strip())
        if not fields:
            return []
        rows = self._store.execute("HMGET", TABLE, *fields)
        ids = [each.id for each in listed.found(fields, rows, now) if name in (None, each.list)]
        return list(entries.read(self._store, ids))

    def naming(self, user_id: str, facts: Facts, now: float) -> list[StoredEntry]:
        """The entries that name a signup at Unix time ``now``, of whichever list, the most specific first."""
        fields = candidates(user_id, facts, self._links.touched(user_id, facts).keys)
        rows = self._store.execute("HMGET", TABLE, *fields)
        return list(entries.read(self._store, [each.id for each in listed.found(fields, rows, now)]))

    def _any(self, value: str) -> list[str]:
        found: dict[str, None] = {}
        for kind in KINDS:
            with suppress(Problem):
                found |= dict.fromkeys(self._fields(kind, value))
        return list(found)

    def _fields(self, kind: ListKind, value: str) -> list[str]:
        """Where in the table entries stand that match a value of a kind."""
        if kind == "cidr" and "/" not in value:
            self._values.normal("watch", "ip", value)
            return [name for name in self._named("ip", value) if name.startswith("cidr:")]
        if kind == "email_domain" and "@" in value:
            self._values.normal("watch", "email", value)
            return [name for name in self._named("email", value) if name.startswith("email_domain:")]
        normal = self._values.normal("watch", kind, value)
        if kind == "link_domain":
            return [listed.field(kind, name) for name in self._active_readers.readers.links.names(normal)]
        if kind == "cidr":
            head, _, length = normal.partition("/")
            return [name for name in networks(head) if int(name.rpartition("/")[2]) <= int(length)]
        if kind == "phone_prefix":
            return [listed.field(kind, normal[:count]) for count in range(listed.LEAST_DIGITS + 1, len(normal) + 1)]
        if kind in ("asn", "user"):
            return [listed.field(kind, normal)]
        return list(dict.fromkeys(self._named(kind, normal)))

    def _named(self, kind: ListKind, value: str) -> Iterator[str]:
        """What a signup with just this value is looked up under; of a mere domain, not what stands for its address."""
        readers = self._active_readers.readers
        email = readers.mail.read(value if "@" in value else f"a@{value}") if kind in OF_EMAIL else NO_EMAIL
        facts = Facts(
            at=0.0,
            account=Account(),
            email=email,
            phone=readers.phones.read(value) if kind == "phone" else None,
            network=readers.networks.read(value) if kind == "ip" else None,
            device=Device(id=devices.identifier(value) if kind == "device" else None),
            payment_fingerprint=devices.identifier(value) if kind == "payment" else None,
        )
        keys = {}
        for entity, of in KEYED.items():
            wholes = {"mailbox": email.canonical, "email_domain": email.registrable, "ip": _line(facts)}
            whole = wholes.get(of, value if of == kind else None)
            if whole is not None:
                keys[entity] = self._links.entity_key(entity, whole)
        for name in candidates("", facts, keys):
            if kind == "email_domain" and not name.startswith("email_domain:"):
                continue
            if kind == "mailbox" and name.startswith("email:"):
                continue
            if name != "user:":
                yield name


def _line(facts: Facts) -> str | None:
    return line(facts.network.ip) if facts.network is not None and facts.network.ip is not None else None
