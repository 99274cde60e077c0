"""What accounts share: the kinds of entities, what a signup touches of them, and what sharing one is worth."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv6Address
from typing import Any, Literal, get_args

import orjson

from riskapi.policy import Policy
from riskapi.policy.tables import Kind, Linking, Strength
from riskapi.times import DAY
from signals.facts import NOBODY_CAME, Entity, Facts, Network, Recent
from signals.records import changed, record

#: Kinds that can link accounts, in the order of the answer. Strengths and hub limits are policy.
KINDS: tuple[str, ...] = get_args(Kind)
#: Kinds that are only counted, to learn an abuse rate; they never link anybody.
COUNTED = ("asn", "tld", "service", "site")
#: Kinds that say something only of accounts that come close in time, see :mod:`riskapi.links.waves`.
CLOSE = ("stem", "behavior")
#: Kinds that are seen, whatever a person says; all others are claims, unless they are proved.
OBSERVED = frozenset({"device", "payment"})
#: Kinds that a person can prove to be its own: by confirming a mailbox or number, by authenticating a domain.
PROVABLE = frozenset({"mailbox", "phone"})
#: A share of fewer accounts than this says nothing.
_FEW = 4
#: Kinds that bind nobody: those that are only counted, and those that say something only of who came close in time.
_UNBINDING = frozenset((*COUNTED, *CLOSE))
#: A network of these kinds stands for many unrelated people behind few addresses (RFC 6888 for carriers).
_SHARED_NETWORKS = frozenset({"mobile", "education", "cdn"})
#: Types of numbers (libphonenumber's) that ring on a desk or in a hall, where families and firms answer them. Most
#: numbers of North America could be either (``fixed_line_or_mobile``) and count as somebody's own.
_SHARED_PHONES = frozenset({"fixed_line", "toll_free", "shared_cost", "premium_rate", "uan", "voicemail"})
#: A form filled in less time than this, in milliseconds, or without a key pressed, was filled by a program. A few
#: people use one, too: a password manager.
_QUICK_FORM = 3000
#: Velocity and hubs look back 30 days at most. What is imported is not a rush of signups, so it lies before.
_RUSH_DAYS = 31
#: Parts of a row before those of its marks.
PLAIN = 9
#: The row of an entity that nobody else ever touched, as most of a signup's are.
ALONE: Sequence[Any] = (1, 1, 1, 1, 0, 0, b"", 0, 0)
#: What the end of a row would say of an entity without marks.
_UNMARKED = (0, 0, 0, 0, 0, b"", b"", 0, 0, b"0")


@record
class Touch:
    """The entities of one signup: their ``keys`` in the store by kind.

    Kinds that are ``hubs`` by nature bind nobody; what is ``shared`` by families and firms, although people do not
    share its kind by chance, counts as ``medium``. ``desk``: the phone number could be a switchboard's as well.
    ``proved`` are the kinds that the account proved to be its own; ``hosting``: it came from a hosting network, whose
    operator is then a place, too.
    """

    user_id: str
    at: float
    keys: Mapping[str, str]
    hubs: frozenset[str]
    shared: frozenset[str] = frozenset()
    desk: bool = False
    proved: frozenset[str] = frozenset()
    hosting: bool = False


@record
class Sharing:
    """What a policy says of sharing things of one kind (:class:`riskapi.policy.tables.Linking`), as a plain record: to
    read a field of a policy's tables takes some 300 instructions.
    """

    strength: Strength
    hub_over: int


#: How accounts are linked that an established customer vouches for.
_SIBLINGS = Sharing("strong", 0)


@record
class MessageEntities:
    """What one message says of its sender: the kind and key of each entity, ``link_domain`` before ``content``.

    ``sites`` are the keys of the same domains as reputation (:mod:`riskapi.links.sites`).
    """

    user_id: str
    at: float
    keys: tuple[tuple[str, str], ...]
    sites: tuple[str, ...] = ()

    @property
    def touched(self) -> list[str]:
        """All keys that the message touches."""
        return [*(key for _, key in self.keys), *self.sites]


def values(facts: Facts) -> dict[str, str | None]:
    """What a signup shares with whoever gives the same, by kind. What is missing or invalid is ``None``."""
    email, phone, network = facts.email, facts.phone, facts.network
    inside = network is not None and is_inside(network)
    return {
        "mailbox": email.canonical,
        "pattern": email.pattern,
        "mail_domain": email.registrable or email.domain,
        "phone": phone.line if phone else None,
        "phone_block": phone.block if phone else None,
        "device": facts.device.id,
        "payment": facts.payment_fingerprint,
        "ip": line(network.ip) if network and network.ip and not inside else None,
        "network": network.prefix if network and not inside else None,
        "fingerprint": facts.device.fingerprint,
        "referrer": facts.account.referrer_id,
        "asn": str(network.asn) if network and network.asn is not None else None,
        "tld": email.suffix,
        "service": "all",
        "stem": email.stem,
        "behavior": "automatic" if is_automatic(facts) else None,
    }


def line(ip: str) -> str:
    """The line an address is on: the address itself, of IPv6 its /64, one subnet (RFC 4291, 2.5.1), in which a device
    takes a new address every day (RFC 8981).
    """
    return ip if ":" not in ip else str(IPv6Address(int(IPv6Address(ip)) >> 64 << 64))


def own_domain(facts: Facts, *, verified: bool | None) -> str | None:
    """The domain that mail of an account may link to without claiming anything: its own private mail domain, unless it
    is known that the address was not confirmed. Colleagues all link to their firm's site.
    """
    return facts.email.registrable if facts.email.private and verified is not False else None


def touched_at(created: float, policy: Policy, now: float) -> float:
    """When an account that signed up at a Unix time counts as having touched what it shares.

    That is when it signed up, but no longer ago than half of ``retention.entities_days``: what is older is forgotten,
    and whoever comes next must find the customer there. It is over a month where the retention is.
    """
    kept = policy.retention.entities_days
    return max(created, now - max(kept / 2, min(_RUSH_DAYS, kept - 1)) * DAY)


def is_automatic(facts: Facts) -> bool:
    """Whether a program filled in the form: no key was pressed, or it took less than three seconds."""
    behavior = facts.behavior
    quick = behavior.form_fill_ms is not None and behavior.form_fill_ms < _QUICK_FORM
    return quick or behavior.keystrokes == 0


def is_inside(network: Network) -> bool:
    """Whether an address is from inside (10.0.0.0/8, 100.64.0.0/10, …): a proxy or carrier, everybody's."""
    return network.reserved not in (None, "documentation")


def hubs(facts: Facts) -> Iterator[str]:
    """Kinds that stand for crowds by nature, whatever their count: carrier NAT, campuses, relays, free mail."""
    network = facts.network
    if network is not None and (facts.network_kind in _SHARED_NETWORKS or network.anonymizer is not None):
        yield from ("ip", "network")
    if not facts.email.private:
        yield "mail_domain"
    if facts.email.relay:
        yield "pattern"


def shared(facts: Facts) -> Iterator[str]:
    """Kinds of which this signup gave one that families and firms share: the number of a landline or switchboard."""
    if facts.phone is not None and facts.phone.kind in _SHARED_PHONES:
        yield "phone"


def is_desk(facts: Facts) -> bool:
    """Whether the phone number is of a plan that does not tell a mobile from a landline, as North America's."""
    return facts.phone is not None and facts.phone.kind == "fixed_line_or_mobile"


def is_in_office(found: Mapping[str, Entity], touch: Touch) -> bool:
    """Whether most accounts at the place this one came from do not give its phone number: then it is on a desk there.

    The place is the address, or the private mail domain, where that is not a crowd by nature. A ring on one number
    either comes from everywhere, or is most of what comes from its place.
    """
    places = [found[kind].accounts for kind in ("ip", "mail_domain") if kind in found and kind not in touch.hubs]
    phone = found["phone"]
    return max(places, default=0) > 2 * (phone.accounts + len(phone.holders))


def _is_ring(strength: str, accounts: int, abusive: int, limited: int, policy: Policy) -> bool:
    """Whether so many of those who share a thing are bad that they are neither a crowd nor a firm.

    Anybody can sign up with invented addresses at a firm's domain, and be limited for it. So of those who share a
    medium thing more than half must have been labelled abusive.
    """
    if not (abusive or limited):  # as of nearly all
        return False
    if strength == "medium":
        return 2 * abusive > max(accounts, _FEW)
    return strength == "strong" and max(abusive, limited) >= policy.links.ring_share * max(accounts, _FEW)


def overlapping(said: Sequence[Entity]) -> list[Entity]:
    """Entities of a message, where linked domains weigh by how much of what they link to two accounts have in common.

    They weigh by the largest part of the domains that anybody else links to which one other account links to as well.
    So what nobody else uses thins nothing, and a newsletter that links here and there shares little with each of many.
    """
    shared = [found for found in said if found.kind == "link_domain" and found.others]
    weighed = []
    for found in said:
        if found.kind == "link_domain" and found.others:
            most = max(sum(name in other.others for other in shared) for name in found.others)
            found = changed(found, weight=found.weight * most / len(shared))
        weighed.append(found)
    return weighed


def crowd_limit(kind: str, policy: Policy, *, hosting: bool = False) -> int:
    """From how many accounts in 30 days on a weak thing is a crowd's, or how else it is touched:

    - 0: it is never a crowd's;
    - -1: it is only counted;
    - -2: it is counted, and who came close in time is told, as for the operator of a hosting network;
    - -3: it is counted, and nobody is bad at it where an established customer uses it.
    """
    if kind == "site":
        return -3
    if kind in COUNTED:
        return -2 if kind == "asn" and hosting else -1
    if kind in CLOSE:
        return -2
    rule = _rule(kind, policy)
    return 0 if rule.strength == "strong" else rule.hub_over


def is_holdable(kind: str, policy: Policy) -> bool:
    """Whether a thing can be somebody's own: what people do not share by chance."""
    return kind not in _UNBINDING and _rule(kind, policy).strength == "strong"


def sharing(kind: str, policy: Policy) -> Sharing | None:
    """What a policy says of sharing a thing of a kind; None for those that bind nobody."""
    if kind in _UNBINDING:
        return None
    rule = _rule(kind, policy)
    return Sharing(rule.strength, rule.hub_over)


def _rule(kind: str, policy: Policy) -> Linking:
    return policy.links.kinds[kind]  # type: ignore[index]


def entity(
    kind: str,
    key: str,
    at: float,
    row: Sequence[Any],
    policy: Policy,
    rule: Sharing | None,
    user_id: str = "",
    *,
    crowd: bool = False,
    family: bool = False,
    siblings: bool = False,
) -> Entity:
    """One entity at Unix time ``at`` from its row in the reply of ``store/lua/entity_touch.lua``, as ``user_id`` sees
    it.

    ``rule`` is what the policy says of its kind (:func:`sharing`). ``crowd``: it is a hub by nature; ``family``: it is
    medium, although its kind is strong; ``siblings``: it is strong, although its kind is not.
    """
    unmarked = len(row) == PLAIN
    accounts, hour, day, month, abusive, limited, others, past, earlier = row if unmarked else row[:PLAIN]
    # Entities are made with all values by place: named ones take a thousand instructions more.
    if rule is None:
        return Entity(
            kind, hour, day, month, accounts, abusive, limited, True, 0.0, "weak", None, (), key, False,
            0, 0, None, 0, "claimed", (), _recent(others) if others else NOBODY_CAME, past,
        )  # fmt: skip
    if siblings:
        rule = _SIBLINGS
    strength = "medium" if family and rule.strength == "strong" else rule.strength
    if not (unmarked and (crowd or not others)):
        return _shared(kind, key, at, row, policy, rule, user_id, strength, crowd=crowd, siblings=siblings)
    # Nobody holds it and it binds nobody, as is so of nearly all that a signup touches. Who came is not told of a
    # crowd: up to 32 accounts would be read for every free mail provider, and nobody asks.
    last_seen = float(others.split(b" ", 2)[1]) if others else None
    ring = accounts > 1 and _is_ring(strength, accounts, abusive, limited, policy)
    hub = crowd or (accounts > 1 and not ring and _is_hub(rule, day, month, 0.0, at, policy))
    return Entity(
        kind, hour, day, month, accounts, abusive, limited, hub, 0.0, strength, last_seen, (), key, False,
        0, 0, None, 0, "observed" if kind in OBSERVED else "claimed", (), NOBODY_CAME, past, 0.0,
        int(earlier) if earlier and strength == rule.strength else 0,
    )  # fmt: skip


def _shared(
    kind: str, key: str, at: float, row: Sequence[Any], policy: Policy, rule: Sharing, user_id: str, strength: Strength,
    *, crowd: bool, siblings: bool,
) -> Entity:  # fmt: skip
    """An entity that others are told of, or that has marks; ``strength`` is what sharing it is worth here."""
    unmarked = len(row) == PLAIN
    accounts, hour, day, month, abusive, limited, others, past, earlier = row[:PLAIN]
    standing: Literal["observed", "proved", "held", "claimed"] = "observed" if kind in OBSERVED else "claimed"
    recent = _recent(others)
    bound, spent_24h, spent_7d, spent_at, near_7d, holding, by, bad, slow, found_at = (
        _UNMARKED if unmarked else row[PLAIN:]
    )
    # Siblings and who vouches for them all belong together.
    holders = () if siblings else tuple(holding.decode().split())
    sole = False
    seen = recent
    if holders:
        claimants = [(name, came) for name, came in zip(*recent, strict=True) if name not in holders]
        seen = Recent(tuple([name for name, _ in claimants]), tuple([came for _, came in claimants]))
    if user_id in holders:
        # Claimants do not count for the account that holds it: what they do is theirs.
        standing, sole = ("proved" if by == b"proof" else "held"), by == b"first" and holders[0] == user_id
        accounts = len(holders)
        hour, day, month = min(hour, accounts), min(day, accounts), min(month, accounts)
        abusive, limited, earlier = bad, slow, 0
        # Holders by proof are bound to each other; those that have used it for long are bound to nobody by it.
        names = tuple([name for name in holders if name != user_id and by == b"proof"])
        seen = Recent(names, (at,) * len(names))
        spent_24h = spent_7d = near_7d = 0
        spent_at = 0
    elif holders:
        accounts, earlier = max(accounts - len(holders), 1), max(earlier - len(holders), 0)
        hour, day, month = min(hour, accounts), min(day, accounts), min(month, accounts)
    if strength != rule.strength:
        earlier = 0  # whoever shares it before says nothing of a number that families and firms share
    ring = _is_ring(strength, accounts, abusive, limited, policy)
    hub = crowd or (not ring and _is_hub(rule, day, month, float(found_at), at, policy))
    weight = 0.0
    named: tuple[str, ...] = ()
    last_seen = seen.times[0] if seen.times else None
    if last_seen is not None and not hub:
        # Where people do not share a thing by chance, how many do says nothing, as long as it is not a hub.
        among = 2 if ring or strength == "strong" else accounts
        most = policy.links.strengths["strong" if ring else strength]
        weight = evidence_weight(most, among, at - last_seen, policy.links.half_life_days)
        named = seen.names
    return Entity(
        kind, hour, day, month, accounts, abusive, limited, hub, weight, strength, last_seen, named, key, bound == 1,
        spent_24h, spent_7d, float(spent_at) if spent_at else None, near_7d, standing, tuple([name for name in holders
        if name != user_id]), recent, past, float(found_at), int(earlier), sole,
    )  # fmt: skip


@lru_cache(maxsize=16)  # of a crowd the same are told of an address and of its network
def _recent(others: bytes) -> Recent:
    told = others.decode().split()
    # orjson reads numbers of 17 digits in a tenth of the instructions that ``float`` takes, and as exactly.
    times = orjson.loads(f"[{','.join(told[1::2])}]")
    # A time without a fraction it reads as a whole number.
    return Recent(tuple(told[::2]), tuple(map(float, times) if int in map(type, times) else times))


def _is_hub(rule: Sharing, day: int, month: int, found_at: float, at: float, policy: Policy) -> bool:
    """Whether so many share a thing that sharing it says nothing.

    A weak or medium thing is a hub by number. What people do not share by chance is one only where it was found to be
    (:mod:`riskapi.links.hubs`), lately, and where no more come now than came before.
    """
    if rule.strength != "strong":
        return 0 < rule.hub_over < month
    return was_found_hub(found_at, at, policy) and day <= max(policy.hubs.burst * month / 30, 3)


def was_found_hub(found_at: float, at: float, policy: Policy) -> bool:
    """Whether a recent look found a strong thing to be a hub; ``found_at`` is as in :class:`signals.facts.Entity`."""
    return found_at > 0 and 0 < at - found_at < 2 * policy.hubs.hours * 3600


def without(found: Entity, same: Entity) -> Entity:
    """What two things have in common counts once: an entity without the accounts that share ``same`` as well.

    A block of numbers without those who share the very number, who are counted as sharing it already; a switchboard
    without the colleagues at the firm's domain. All who touched the one touched the other at the same time, so the
    difference is exact while neither is full.
    """
    others = tuple([name for name in found.others if name not in same.others])
    return changed(
        found,
        accounts_1h=max(found.accounts_1h - same.accounts_1h, 0) + 1,
        accounts_24h=max(found.accounts_24h - same.accounts_24h, 0) + 1,
        accounts_30d=max(found.accounts_30d - same.accounts_30d, 0) + 1,
        accounts=max(found.accounts - same.accounts, 0) + 1,
        abusive=max(found.abusive - same.abusive, 0),
        limited=max(found.limited - same.limited, 0),
        weight=found.weight if others else 0.0,
        others=others,
        earlier=max(found.earlier - same.earlier, 0),
        exhausted_24h=max(found.exhausted_24h - same.exhausted_24h, 0),
        exhausted_7d=max(found.exhausted_7d - same.exhausted_7d, 0),
        near_7d=max(found.near_7d - same.near_7d, 0),
    )


def granted(found: Entity) -> Entity:
    """A thing that its holder lets this account use: it claims nothing, and is bound to nobody who does."""
    return changed(found, others=(), weight=0.0, standing="proved")


def is_switchboard(phone: Entity, domain: Entity) -> bool:
    """Whether a number is given by three or more at one firm's domain, and by few others: it is the firm's switchboard,
    or a block of numbers its direct dialling.

    ``domain`` is the private mail domain of who asks. Three, because two who share a number may be one person.
    """
    colleagues = [name for name in phone.others if name in domain.others]
    return len(colleagues) >= 2 and 2 * len(colleagues) > len(phone.others)


def evidence_weight(strength: float, accounts: int, age: float, half_life_days: float) -> float:
    """What sharing one entity is worth, 0 to ``strength``: strength × rarity × decay.

    Rarity is 1 / log2(accounts), the weight Adamic and Adar (2003, "Friends and neighbors on the Web") give a
    shared feature; it is 1 for two accounts, 1/2 for four, 1/8 for 256. Decay halves every ``half_life_days``
    since the newest other account. ``age`` is in seconds; a negative one (clocks differ) counts as none.
    """
    rarity = 1.0 / math.log2(max(accounts, 2))
    return float(strength * rarity * 0.5 ** (max(age, 0.0) / (half_life_days * DAY)))
