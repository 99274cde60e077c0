"""What accounts share: the entities a signup touches, who else touched them, and what that is worth.

Every entity (a mailbox, a phone, a network …) is one sorted set of accounts under a keyed HMAC, so the
store holds no address. Touching is atomic for each entity and safe to repeat: an account is in a set or it
is not, so a retry counts nothing twice. The layout is described in ``store/lua/entity_touch.lua``.
"""

from __future__ import annotations

import base64
import hmac
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, cast, get_args

from riskapi.instants import rfc3339
from riskapi.policy import Policy
from riskapi.sections import Kind, Linking
from riskapi.store.connections import Store
from signals.facts import Entity, Facts, Reputation
from signals.records import record

#: Kinds that can link accounts, in the order of the answer. Strengths and hub limits are policy.
KINDS: tuple[str, ...] = get_args(Kind)
#: Kinds that are only counted, to learn an abuse rate; they never link anybody.
COUNTED = ("asn", "tld", "service")
#: One byte a kind keeps keys short: they are the larger part of what the store holds.
_LETTERS = dict(zip(KINDS + COUNTED, "mptdoifbxnrlcast", strict=True))
#: Most accounts an entity remembers. 2,000 give an abuse rate a standard error of at most 1.1 points.
_KEEP = 2000
_DAY = 86400
#: Fewer accounts than this are no sample of which a share would say anything.
_FEW = 4
#: Kinds whose values recur from signup to signup, so that their HMACs are worth remembering.
_COMMON = frozenset({"asn", "tld", "service", "mail_domain", "network"})
#: A network of these kinds stands for many unrelated people behind few addresses (RFC 6888 for carriers).
_SHARED_NETWORKS = frozenset({"mobile", "education", "cdn"})


@record
class Touch:
    """The entities of one signup: their ``keys`` in the store by kind, and the kinds that are ``hubs`` by nature."""

    user_id: str
    at: float
    keys: Mapping[str, str]
    hubs: frozenset[str]


def _hubs(facts: Facts) -> Iterator[str]:
    """Kinds that stand for crowds by nature, whatever their count: carrier NAT, campuses, relays, free mail."""
    network = facts.network
    if network is not None and (network.kind in _SHARED_NETWORKS or network.anonymizer is not None):
        yield from ("ip", "network")
    if not facts.email.private:
        yield "mail_domain"
    if facts.email.relay:
        yield "pattern"


class Links:
    """Reads and writes the entities. ``key`` is the secret of the HMAC (16 bytes or more)."""

    def __init__(self, store: Store, key: bytes) -> None:
        self._store = store
        self._key = key
        self._touch = store.script("entity_touch")
        self._mark = store.script("entity_mark")
        self._common = lru_cache(maxsize=16384)(self._mac)

    def mac(self, kind: str, value: str) -> str:
        """Keyed HMAC-SHA256 of a value, cut to 96 bits, as 16 URL-safe characters."""
        return self._common(kind, value) if kind in _COMMON else self._mac(kind, value)

    def _mac(self, kind: str, value: str) -> str:
        digest = hmac.digest(self._key, f"{kind}\0{value}".encode("utf-8", "surrogatepass"), "sha256")
        return base64.urlsafe_b64encode(digest[:12]).decode()

    def touched(self, user_id: str, facts: Facts) -> Touch:
        """The entities of a signup. What is missing or invalid touches nothing."""
        email, network = facts.email, facts.network
        # An address from inside (10.0.0.0/8, 100.64.0.0/10, …) is the caller's proxy or a carrier: everybody's.
        inside = network is not None and network.reserved not in (None, "documentation")
        values = {
            "mailbox": email.canonical,
            "pattern": email.pattern,
            "mail_domain": email.registrable or email.domain,
            "phone": facts.phone.e164 if facts.phone else None,
            "phone_block": facts.phone.block if facts.phone else None,
            "device": facts.device.id,
            "payment": facts.payment_fingerprint,
            "ip": network.ip if network and not inside else None,
            "network": network.prefix if network and not inside else None,
            "fingerprint": facts.device.fingerprint,
            "referrer": facts.account.referrer_id,
            "asn": str(network.asn) if network and network.asn is not None else None,
            "tld": email.suffix,
            "service": "all",
        }
        keys = {kind: f"risk:e:{_LETTERS[kind]}:{self.mac(kind, value)}" for kind, value in values.items() if value}
        return Touch(user_id, facts.at, keys, frozenset(_hubs(facts)))

    def queue(self, pipe: Any, touch: Touch, policy: Policy, *, add: bool = True) -> None:
        """Add the touch (or, without ``add``, only the look) to a pipeline; :meth:`entities` reads the replies."""
        head: tuple[str | int, ...] = (
            touch.user_id,
            repr(touch.at),
            "1" if add else "0",
            policy.retention.entities_days * _DAY,
            _KEEP,
        )
        keys = list(touch.keys.values())
        limits = [_hub_limit(kind, policy) for kind in touch.keys]
        if not self._store.is_cluster:
            self._touch.queue(pipe, keys, (*head, *limits))
            return
        for key, limit in zip(keys, limits, strict=True):
            self._touch.queue(pipe, [key], (*head, limit))

    def entities(self, touch: Touch, replies: Sequence[Any], policy: Policy) -> dict[str, Entity]:
        """The entities from the replies to :meth:`queue`, linking kinds and counted ones, by kind."""
        rows = replies[0] if not self._store.is_cluster else [reply[0] for reply in replies]
        found = {kind: _entity(kind, touch, row, policy) for kind, row in zip(touch.keys, rows, strict=True)}
        if "phone_block" in found and "phone" in found:
            found["phone_block"] = _neighbours(found["phone_block"], found["phone"])
        return found

    def mark(self, user_id: str, keys: Sequence[str], *, abusive: bool, limited: bool) -> None:
        """Let an account's standing be felt by all it shares something with. Safe to repeat."""
        args: tuple[str | int, ...] = (user_id, int(abusive), int(limited))
        groups = [[key] for key in keys] if self._store.is_cluster else [list(keys)]
        pipe = self._store.pipeline()
        for group in groups:
            self._mark.queue(pipe, group, args)
        self._store.run(pipe)

    def leave(self, user_id: str, keys: Sequence[str]) -> None:
        """Take an account out of entities, as if it had never touched them."""
        pipe = self._store.pipeline()
        for key in keys:
            pipe.execute_command("ZREM", key, user_id, f"!{user_id}", f"~{user_id}")
        if keys:
            self._store.run(pipe)


def _hub_limit(kind: str, policy: Policy) -> int:
    return -1 if kind in COUNTED else _rule(kind, policy).hub_over


def _rule(kind: str, policy: Policy) -> Linking:
    return policy.links.kinds[cast("Kind", kind)]


def _entity(kind: str, touch: Touch, row: Sequence[Any], policy: Policy) -> Entity:
    accounts, hour, day, month, abusive, limited, others = row
    if kind in COUNTED:
        return Entity(kind, hour, day, month, accounts, abusive, limited, hub=True)
    rule = _rule(kind, policy)
    ring = rule.strength != "weak" and max(abusive, limited) >= policy.links.ring_share * max(accounts, _FEW)
    hub = kind in touch.hubs or (not ring and 0 < rule.hub_over < month)
    if not others:
        return Entity(kind, hour, day, month, accounts, abusive, limited, hub, 0.0, rule.strength)
    last_seen = float(others[1])
    if hub:
        return Entity(kind, hour, day, month, accounts, abusive, limited, hub, 0.0, rule.strength, last_seen)
    # What is common because of a ring, or can be common to one person only, is no less telling for it.
    crowd = 2 if ring or rule.hub_over == 0 else accounts
    strength = policy.links.strengths["strong" if ring else rule.strength]
    weight = evidence_weight(strength, crowd, touch.at - last_seen, policy.links.half_life_days)
    names = tuple([name.decode() for name in others[::2]])
    return Entity(kind, hour, day, month, accounts, abusive, limited, hub, weight, rule.strength, last_seen, names)


def _neighbours(block: Entity, phone: Entity) -> Entity:
    """A block of numbers without those who share the very number: they are counted as sharing it already.

    All who touched the number touched its block at the same time, so the difference is exact while neither is full.
    """
    others = tuple([name for name in block.others if name not in phone.others])
    return Entity(
        kind=block.kind,
        accounts_1h=max(block.accounts_1h - phone.accounts_1h, 0) + 1,
        accounts_24h=max(block.accounts_24h - phone.accounts_24h, 0) + 1,
        accounts_30d=max(block.accounts_30d - phone.accounts_30d, 0) + 1,
        accounts=max(block.accounts - phone.accounts, 0) + 1,
        abusive=max(block.abusive - phone.abusive, 0),
        limited=max(block.limited - phone.limited, 0),
        hub=block.hub,
        weight=block.weight if others else 0.0,
        strength=block.strength,
        last_seen=block.last_seen,
        others=others,
    )


def evidence_weight(strength: float, accounts: int, age: float, half_life_days: float) -> float:
    """What sharing one entity is worth, 0 to ``strength``: strength × rarity × decay.

    Rarity is 1 / log2(accounts), the weight Adamic and Adar (2003, "Friends and neighbors on the Web") give a
    shared feature; it is 1 for two accounts, 1/2 for four, 1/8 for 256. Decay halves every ``half_life_days``
    since the newest other account. ``age`` is in seconds; a negative one (clocks differ) counts as none.
    """
    rarity = 1.0 / math.log2(max(accounts, 2))
    return float(strength * rarity * 0.5 ** (max(age, 0.0) / (half_life_days * _DAY)))


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


def linkage(entities: Mapping[str, Entity] | None, policy: Policy) -> dict[str, Any]:
    """The ``linkage`` part of an answer: which accounts share what with this one, strongest evidence first.

    ``size`` (this account included) and ``abusive`` count accounts bound by ``links.bind_weight`` or more. They are
    lower bounds: accounts seen through one entity at least. Weaker evidence is listed and binds nobody.
    """
    found = [
        entity for kind in KINDS if entities and (entity := entities.get(kind)) is not None and entity.weight > 0.0
    ]
    found.sort(key=lambda entity: -entity.weight)
    binding = [entity for entity in found if entity.weight >= policy.links.bind_weight]
    named = {name for entity in binding for name in entity.others}
    return {
        "cluster_id": None,
        "size": 1 + max([len(named), *(entity.accounts - 1 for entity in binding)]),
        "abusive": max([0, *(entity.abusive for entity in binding)]),
        "evidence": [
            {
                "kind": entity.kind,
                "strength": entity.strength,
                "accounts": entity.accounts,
                "last_seen": rfc3339(entity.last_seen or 0.0),
                "weight": round(entity.weight, 4),
                "user_ids": list(entity.others),
            }
            for entity in found
        ],
    }
