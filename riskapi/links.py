"""What accounts share: the entities a signup touches, who else touched them, and what that is worth.

Every entity (a mailbox, a phone, a network …) is one sorted set of accounts under a keyed HMAC, so the
store holds no address. Touching is atomic for each entity and safe to repeat: an account is in a set or it
is not, so a retry counts nothing twice. The layout is described in ``store/lua/entity_touch.lua``.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from riskapi import devices, entities
from riskapi.entities import COUNTED, KINDS, Said, Touch
from riskapi.instants import rfc3339
from riskapi.policy import Policy
from riskapi.shelf import Shelf
from riskapi.store.connections import Store
from riskapi.store.scripts import Script
from signals.facts import Entity, Facts, Reputation

#: One byte a kind keeps keys short: they are the larger part of what the store holds.
_LETTERS = dict(zip(KINDS + COUNTED, "mptdoifbxnrlcast", strict=True))
_KINDS = {letter: kind for kind, letter in _LETTERS.items()}
_COUNTED_KEYS = tuple(f"risk:e:{_LETTERS[kind]}:" for kind in COUNTED)
#: Most accounts an entity remembers. 2,000 give an abuse rate a standard error of at most 1.1 points.
KEEP = 2000
_DAY = 86400
#: What stands before a user_id in the members that say something of an account; see ``store/lua/entity_touch.lua``.
_SIGNS = ("~", "!", "$", "^", "%", "&", "#")
#: Kinds whose values recur from signup to signup, so that their HMACs are worth remembering.
_COMMON = frozenset({"asn", "tld", "service", "mail_domain", "network", "link_domain"})
#: Longest fingerprint of a content: what is longer is the content itself, and none.
_FINGERPRINT = 256


class Links:
    """Reads and writes the entities. ``key`` is the secret of the HMAC (16 bytes or more).

    What mail links to is read with what stands on the ``shelf``.
    """

    def __init__(self, store: Store, key: bytes, shelf: Shelf) -> None:
        self._store = store
        self._key = key
        self._shelf = shelf
        self._touch = store.script("entity_touch")
        self._mark = store.script("entity_mark")
        self._prove = store.script("entity_prove")
        self._spend = store.script("entity_spend")
        self._bind = store.script("entity_bind")
        self._common = lru_cache(maxsize=16384)(self._mac)

    def mac(self, kind: str, value: str) -> str:
        """Keyed HMAC-SHA256 of a value, cut to 96 bits, as 16 URL-safe characters."""
        return self._common(kind, value) if kind in _COMMON else self._mac(kind, value)

    def _mac(self, kind: str, value: str) -> str:
        digest = hmac.digest(self._key, f"{kind}\0{value}".encode("utf-8", "surrogatepass"), "sha256")
        return base64.urlsafe_b64encode(digest[:12]).decode()

    def touched(self, user_id: str, facts: Facts) -> Touch:
        """The entities of a signup. What is missing or invalid touches nothing."""
        values = entities.values(facts)
        keys = {kind: self.entity_key(kind, value) for kind, value in values.items() if value}
        return Touch(
            user_id,
            facts.at,
            keys,
            frozenset(entities.hubs(facts)),
            frozenset(entities.shared(facts)),
            entities.is_desk(facts),
        )

    def entity_key(self, kind: str, value: str) -> str:
        """Key of an entity; ``value`` is in the form :func:`riskapi.entities.values` gives it."""
        return f"risk:e:{_LETTERS[kind]}:{self.mac(kind, value)}"

    def said(self, user_id: str, at: float, link_domains: Iterable[str], fingerprint: str | None) -> Said:
        """The entities of a message sent at Unix time ``at``: the domains it links to and what it says.

        ``fingerprint`` is whatever the caller made of the content, up to 256 characters. What is garbage, and domains
        that everybody links to (:class:`riskapi.link_domains.LinkDomains`), touch nothing.
        """
        domains = self._shelf.readers.links.read(link_domains)
        keys = [("link_domain", self.entity_key("link_domain", domain)) for domain in domains]
        content = devices.identifier(fingerprint)
        if content is not None and len(content) <= _FINGERPRINT:
            keys.append(("content", self.entity_key("content", content)))
        return Said(user_id, at, tuple(keys))

    def sender(self, domain: str) -> str | None:
        """The domain that mail comes from, see :meth:`riskapi.link_domains.LinkDomains.sender`."""
        return self._shelf.readers.links.sender(domain)

    def hosts(self, links: Iterable[str]) -> list[tuple[str, ...]]:
        """The names of each different host of links, see :meth:`riskapi.link_domains.LinkDomains.names`."""
        read = self._shelf.readers.links.names
        return list(dict.fromkeys(names for link in links if (names := read(link))))

    @staticmethod
    def kind_of(key: str) -> str:
        """The kind of the entity with this key; ``risk:e:`` before it may be left out."""
        return _KINDS[key.removeprefix("risk:e:").partition(":")[0]]

    def queue(self, pipe: Any, touch: Touch, policy: Policy, *, add: bool = True) -> None:
        """Add the touch (or, without ``add``, only the look) to a pipeline; :meth:`entities` reads the replies.

        The first touch of an account stands, so that a signup posted again counts nothing twice.
        """
        self._queue(pipe, touch.user_id, touch.at, "1" if add else "0", tuple(touch.keys.items()), policy)

    def queue_said(self, pipe: Any, said: Said, policy: Policy, *, add: bool = True) -> None:
        """As :meth:`queue`, for a message; :meth:`said_entities` reads the replies. Nothing is queued for no keys.

        The latest touch of an account stands: what two accounts keep sending links them until both stop.
        """
        if said.keys:
            self._queue(pipe, said.user_id, said.at, "2" if add else "0", said.keys, policy)

    def _queue(
        self, pipe: Any, user_id: str, at: float, mode: str, kinds: Sequence[tuple[str, str]], policy: Policy
    ) -> None:
        head: tuple[str | int | float, ...] = (
            user_id,
            repr(at),
            mode,
            policy.retention.entities_days * _DAY,
            KEEP,
            policy.links.ring_share,
        )
        keys = [key for _, key in kinds]
        limits = [entities.hub_limit(kind, policy) for kind, _ in kinds]
        if not self._store.is_cluster:
            self._touch.queue(pipe, keys, (*head, *limits))
            return
        for key, limit in zip(keys, limits, strict=True):
            self._touch.queue(pipe, [key], (*head, limit))

    def entities(self, touch: Touch, replies: Sequence[Any], policy: Policy) -> dict[str, Entity]:
        """The entities from the replies to :meth:`queue`, linking kinds and counted ones, by kind."""
        rows = dict(zip(touch.keys, _rows(replies), strict=True))

        def read(kind: str, *, family: bool) -> Entity:
            key, crowd = touch.keys[kind], kind in touch.hubs
            return entities.entity(kind, key, touch.at, rows[kind], policy, crowd=crowd, family=family)

        found = {kind: read(kind, family=kind in touch.shared) for kind in touch.keys}
        if touch.desk and "phone" in found and entities.is_in_office(found, touch):
            found["phone"] = read("phone", family=True)
        if "phone_block" in found and "phone" in found:
            found["phone_block"] = entities.neighbours(found["phone_block"], found["phone"])
        return found

    def said_entities(self, said: Said, replies: Sequence[Any], policy: Policy) -> list[Entity]:
        """The entities from the replies to :meth:`queue_said`, in the order of ``said.keys``."""
        rows = zip(said.keys, _rows(replies), strict=True)
        return entities.overlapping([entities.entity(kind, key, said.at, row, policy) for (kind, key), row in rows])

    def mark(
        self, user_id: str, keys: Sequence[str], *, abusive: bool, limited: bool, established: float | None = None
    ) -> None:
        """Let an account's standing be felt by all it shares something with. Safe to repeat.

        ``established``: the Unix time since when it is an established customer, None for one that is not.
        """
        pipe = self._store.pipeline()
        self.queue_mark(pipe, user_id, keys, abusive=abusive, limited=limited, established=established)
        self._store.run(pipe)

    def queue_mark(
        self, pipe: Any, user_id: str, keys: Sequence[str], *, abusive: bool, limited: bool, established: float | None
    ) -> None:
        """As :meth:`mark`, in a pipeline."""
        since = "" if established is None else repr(established)
        self._queue_on_each(pipe, self._mark, keys, (user_id, int(abusive), int(limited), since))

    def prove(self, user_id: str, keys: Sequence[str], at: float, *, proved: bool = True) -> None:
        """Note that an account proved at Unix time ``at`` that these things are its own, or no longer has them.

        Entities the account is not in stay as they are. Safe to repeat.
        """
        self._on_each(self._prove, keys, (user_id, repr(at) if proved else ""))

    def queue_prove(self, pipe: Any, user_id: str, keys: Sequence[str], at: float) -> None:
        """Note a proof, see :meth:`prove`, in a pipeline."""
        self._queue_on_each(pipe, self._prove, keys, (user_id, repr(at)))

    def mark_spent(self, user_id: str, keys: Sequence[str], at: float, *, out: bool, near: bool) -> None:
        """Note on what an account touched that it ran out of a cap, or came near one, at Unix time ``at``.

        The latest time stands. An account that ran out counts as such for a week, not as one that keeps just under its
        caps. Kinds that are only counted and entities the account is not in stay as they are. Safe to repeat.
        """
        linking = [key for key in keys if not key.startswith(_COUNTED_KEYS)]
        self._on_each(self._spend, linking, (user_id, repr(at), int(out), int(near)))

    def bind_mark(self, keys: Sequence[str], on: bool) -> None:
        """Note that entities bind their accounts into a cluster now, or no longer do. Safe to repeat.

        An entity that nobody touched, or that is forgotten, stays unknown.
        """
        self._on_each(self._bind, keys, (int(on),))

    def _on_each(self, script: Script, keys: Sequence[str], args: tuple[str | int, ...]) -> None:
        """Run a script on entities: one call on one node, one a key on a cluster."""
        pipe = self._store.pipeline()
        self._queue_on_each(pipe, script, keys, args)
        self._store.run(pipe)

    def _queue_on_each(self, pipe: Any, script: Script, keys: Sequence[str], args: tuple[str | int, ...]) -> None:
        groups = [[key] for key in keys] if self._store.is_cluster else [list(keys)]
        for group in groups:
            if group:
                script.queue(pipe, group, args)

    def accounts(self, key: str) -> list[str]:
        """Everybody who touched an entity and is remembered for it, newest first, 2,000 at most."""
        pipe = self._store.pipeline()
        self.queue_accounts(pipe, key)
        return self.names(self._store.run(pipe)[0])

    @staticmethod
    def queue_accounts(pipe: Any, key: str) -> None:
        """Ask, in a pipeline, for the accounts of an entity; :meth:`names` reads the reply."""
        pipe.execute_command("ZREVRANGEBYSCORE", key, "(5e11", "-inf", "LIMIT", 0, KEEP)

    @staticmethod
    def names(reply: Sequence[bytes]) -> list[str]:
        """The accounts in a reply to :meth:`queue_accounts`."""
        return [name.decode() for name in reply]

    def leave(self, user_id: str, keys: Sequence[str]) -> None:
        """Take an account out of entities, as if it had never touched them."""
        pipe = self._store.pipeline()
        for key in keys:
            pipe.execute_command("ZREM", key, user_id, *[sign + user_id for sign in _SIGNS])
        self._store.run(pipe)


def _rows(replies: Sequence[Any]) -> list[Any]:
    """One row an entity: they come together from one node, and one a reply from a cluster."""
    return [row for reply in replies for row in reply]


def reputation(entities: Mapping[str, Entity], policy: Policy) -> Reputation:
    """Abuse rates of where a signup came from, shrunk towards the base rate, itself shrunk towards policy's.

    ``(abusive + prior × base) / (accounts + prior)``, the mean of a beta posterior; the account itself is left out.
    """
    rules = policy.reputation

    def rate(kind: str, base: float, prior: float) -> float | None:
        entity = entities.get(kind)
        if entity is None:
            return None
        others = max(entity.accounts - 1, entity.abusive)
        return (entity.abusive + prior * base) / (others + prior)

    base = rate("service", rules.base_rate, rules.base_weight) or rules.base_rate
    prior = rules.prior_accounts
    return Reputation(
        base=base,
        asn=rate("asn", base, prior),
        network=rate("network", base, prior),
        domain=rate("mail_domain", base, prior),
        tld=rate("tld", base, prior),
    )


def linkage(
    entities: Mapping[str, Entity] | None, policy: Policy, cluster: str | None = None, size: int = 1
) -> dict[str, Any]:
    """The ``linkage`` part of an answer: which accounts share what with this one, strongest evidence first.

    ``cluster`` and ``size`` are the cluster the account is in and how many accounts that has. ``abusive`` counts those
    bound directly, by ``links.bind_weight`` or more. Weaker evidence is listed and binds nobody.
    """
    found = [
        entity for kind in KINDS if entities and (entity := entities.get(kind)) is not None and entity.weight > 0.0
    ]
    found.sort(key=lambda entity: -entity.weight)
    binding = [entity for entity in found if entity.weight >= policy.links.bind_weight]
    return {
        "cluster_id": cluster,
        "size": size,
        "abusive": max([0, *(entity.abusive for entity in binding)]),
        "evidence": [
            {
                "kind": entity.kind,
                "strength": entity.strength,
                "accounts": entity.accounts,
                "last_seen": rfc3339(entity.last_seen or 0.0),
                "weight": round(entity.weight, 4),
                "edge": entity.key.removeprefix("risk:e:"),
                "binds": entity.weight >= policy.links.bind_weight,
                "user_ids": list(entity.others),
            }
            for entity in found
        ],
    }
