"""How many distinct accounts used the same thing within an hour, a day and thirty days, this account included.

Counted in the store by :mod:`riskapi.links.entities`; a retry of a signup counts nothing twice. A thing that was not
given is unknown. Bulk registration shows as bursts on whatever the operator did not rotate.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import NamedTuple

from signals.facts import Entity, Facts
from signals.registry import Risk, signal

#: Kinds of networks in which many unrelated people have few addresses between them (RFC 6269, RFC 6888).
_EVERYBODYS = frozenset({"mobile", "education"})

#: A block of numbers counts when at least so many accounts came with it within an hour, or within a day.
_BLOCK_HOUR, _BLOCK_DAY = 5, 10


Find = Callable[[Facts], Entity | None]


def _entity(kind: str) -> Find:
    """Finds the entity of a kind, None where it was not given."""
    return lambda facts: None if facts.entities is None else facts.entities.get(kind)


def _place(kind: str) -> Find:
    """Finds the entity of an address or network. Where a carrier or a university puts everybody behind a few addresses,
    other accounts there say nothing, and only this account is counted.
    """

    def find(facts: Facts) -> Entity | None:
        entity = None if facts.entities is None else facts.entities.get(kind)
        everybodys = facts.network_kind in _EVERYBODYS and (facts.network is None or facts.network.anonymizer is None)
        return _alone(entity) if entity is not None and everybodys else entity

    return find


def _alone(entity: Entity) -> Entity:
    return Entity(entity.kind, 1, 1, 1, 1, 0, 0, True)


def _block(facts: Facts) -> Entity | None:
    """The block of phone numbers, if many came with it quickly; otherwise only this account is counted.

    Firms with direct dialling and families who buy their cards together have neighbouring numbers, and a hundred
    numbers of a large operator are a hundred strangers.
    """
    entity = None if facts.entities is None else facts.entities.get("phone_block")
    if entity is None or entity.accounts_1h >= _BLOCK_HOUR or entity.accounts_24h >= _BLOCK_DAY:
        return entity
    return _alone(entity)


class _Thing(NamedTuple):
    """What accounts are counted on.

    ``name`` is its part of the signals' names, ``used`` what reasons call it, ``shared`` what docstrings call it,
    ``unit`` the rest of those, ``needs`` the input without which it is unknown.
    """

    name: str
    used: str
    shared: str
    needs: str
    find: Find
    unit: str = "Unit: accounts, 1 and up at the signup; 0 later, once nobody came within the period."
    risk: Risk = +1


_EMAIL, _PHONE, _IP = "/email/address", "/phone/number", "/device/ip_address"
_THINGS = (
    _Thing("mailbox", "the same mailbox", "mailbox", _EMAIL, _entity("mailbox")),
    _Thing("pattern", "an address of the same pattern", "address pattern", _EMAIL, _entity("pattern")),
    _Thing(
        "domain",
        "the same mail domain",
        "mail domain",
        _EMAIL,
        _entity("mail_domain"),
        "Unit: accounts, 1 and up at the signup, 0 and up later. At free mail providers this follows the provider's "
        "popularity, so the model may learn either direction.",
        0,
    ),
    _Thing("phone", "the same phone number", "phone number", _PHONE, _entity("phone")),
    _Thing(
        "phone_block",
        "a phone number of the same hundred",
        "block of phone numbers",
        _PHONE,
        _block,
        "Unit: accounts, 1 and up at the signup, 0 and up later; 1 until five came within an hour, or ten within a "
        "day.",
    ),
    _Thing("device", "the same device", "device", "/device/id", _entity("device")),
    _Thing(
        "ip",
        "the same IP address",
        "IP address",
        _IP,
        _place("ip"),
        "Unit: accounts, 1 and up at the signup, 0 and up later. Offices share addresses: high counts are common and "
        "prove nothing alone. At carriers and universities, where everybody does, it is 1.",
    ),
    _Thing(
        "network",
        "the same network",
        "network",
        _IP,
        _place("network"),
        "Unit: accounts, 1 and up at the signup, 0 and up later. A /24 or /48 holds many households: high counts are "
        "common and prove nothing alone.",
    ),
    _Thing(
        "fingerprint",
        "the same browser fingerprint",
        "TLS and agent fingerprint",
        "/device/tls_fingerprint",
        _entity("fingerprint"),
    ),
)
#: Ends a reason. Later nobody may have come within the period, this account neither.
_INCLUDED = "{value:, this one included|, this one included|}"
#: Each period as the names of signals, reasons and docstrings say it, and the attribute of an entity that counts who
#: came within it.
_PERIODS: tuple[tuple[str, str, str, str], ...] = (
    ("1h", "an hour", "hour", "accounts_1h"),
    ("24h", "24 hours", "24 hours", "accounts_24h"),
    ("30d", "30 days", "30 days", "accounts_30d"),
)


def _declare(thing: _Thing, suffix: str, within: str, last: str, attribute: str) -> None:
    """Declare the signal of how many used a thing within a period."""
    count = attrgetter(attribute)

    def read(entity: Entity) -> int:
        return int(count(entity))

    read.__name__ = f"velocity_{thing.name}_{suffix}"
    read.__doc__ = (
        f"Distinct accounts with the same {thing.shared} over the last {last}, this one included.\n\n{thing.unit}"
    )
    reason = f"{{value}} {{value:account|accounts}} signed up with {thing.used} within {within}{_INCLUDED}"
    signal(of=thing.find, reason=reason, risk=thing.risk, needs=("store", thing.needs), attribute=attribute)(read)


for _thing in _THINGS:
    for _period in _PERIODS:
        _declare(_thing, *_period)


@signal(
    reason=f"{{value}} {{value:account|accounts}} signed up from the same address or /64 within a minute{_INCLUDED}",
    risk=+1,
    needs=("store", "/device/ip_address"),
)
def velocity_ip_1m(facts: Facts) -> int | None:
    """Distinct accounts from the same address, of IPv6 from the same /64, within the minute before the signup, this one
    included; unknown at addresses that crowds share by nature.

    Unit: accounts, 1 to 33 (no more are looked at). People at one place are rarely ten.
    """
    return None if facts.wave is None else facts.wave.line_minute


@signal(
    reason="{value} {value:account|accounts} signed up at the same private mail domain within a quarter of an hour",
    risk=+1,
    needs=("store", "/email/address"),
)
def velocity_domain_15m(facts: Facts) -> int | None:
    """Distinct accounts at the same private mail domain within the quarter of an hour before the signup, this one
    included; unknown at domains that everybody may use, and at those that have been here for long with a good past.

    Unit: accounts, 1 to 33 (no more are looked at).
    """
    return None if facts.wave is None else facts.wave.domain_quarter


@signal(reason="it came within minutes of {value} {value:account|accounts} that it agrees with", risk=+1, needs="store")
def velocity_wave(facts: Facts) -> int | None:
    """Other accounts that came within minutes and agree with this one in two families (address or network, mailbox or
    mail domain, number, how the form was filled), or on one line faster than people do.

    Unit: accounts, 0 and up; typically 0.
    """
    return None if facts.wave is None else facts.wave.accounts


def _earlier(facts: Facts, kind: str) -> int | None:
    entity = None if facts.entities is None else facts.entities.get(kind)
    return None if entity is None else entity.earlier


@signal(
    reason="{value} {value:account|accounts} used the same mailbox before this one",
    risk=+1,
    needs=("store", "/email/address"),
    blameless=0,
)
def velocity_mailbox_earlier(facts: Facts) -> int | None:
    """Distinct accounts that gave the same mailbox before this one did, within retention. Later ones do not
    count.

    Unit: accounts, 0 and up; typically 0.
    """
    return _earlier(facts, "mailbox")


@signal(
    reason="{value} {value:account|accounts} gave the same phone number before this one",
    risk=+1,
    needs=("store", "/phone/number"),
    blameless=0,
)
def velocity_phone_earlier(facts: Facts) -> int | None:
    """Distinct accounts that gave the same phone number before this one did, within retention. Later ones do not
    count, so nobody becomes suspicious because others type their number. Numbers of landlines and switchboards, which
    families and firms share, do not count either.

    Unit: accounts, 0 and up; typically 0.
    """
    return _earlier(facts, "phone")


@signal(
    reason="{value} {value:account|accounts} used the same device before this one",
    risk=+1,
    needs=("store", "/device/id"),
    blameless=0,
)
def velocity_device_earlier(facts: Facts) -> int | None:
    """Distinct accounts that were seen on the same device before this one was, within retention. Later ones do
    not count.

    Unit: accounts, 0 and up; typically 0. In 15,000 real signups that were replayed, 91 % of those with two or more
    were fraud.
    """
    return _earlier(facts, "device")
