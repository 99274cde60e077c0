"""How many distinct accounts used the same thing within an hour, a day and thirty days, this account included.

Counted in the store by :mod:`riskapi.links.entities`; a retry of a signup counts nothing twice. A thing that was not
given is unknown. Bulk registration shows as bursts on whatever the operator did not rotate.
"""

from __future__ import annotations

from signals.facts import Entity, Facts
from signals.registry import signal

#: Kinds of networks in which many unrelated people have few addresses between them (RFC 6269, RFC 6888).
_EVERYBODYS = frozenset({"mobile", "education"})

#: From so many accounts within an hour, or within a day, on a block of numbers says something.
_BLOCK_HOUR, _BLOCK_DAY = 5, 10


def _entity(facts: Facts, kind: str) -> Entity | None:
    return None if facts.entities is None else facts.entities.get(kind)


def _place(facts: Facts, kind: str) -> Entity | None:
    """The entity of an address or network. Where a carrier or a university puts everybody behind a few addresses, those
    of others say nothing: only this account is told.
    """
    entity = _entity(facts, kind)
    everybodys = facts.network_kind in _EVERYBODYS and (facts.network is None or facts.network.anonymizer is None)
    return _alone(entity) if entity is not None and everybodys else entity


def _alone(entity: Entity) -> Entity:
    return Entity(entity.kind, 1, 1, 1, 1, 0, 0, True)


def _block(facts: Facts) -> Entity | None:
    """The block of phone numbers, where many came with it, and quickly; else only this account is told.

    Firms with direct dialling and families who buy their cards together have neighbouring numbers, and a hundred
    numbers of a large operator are a hundred strangers.
    """
    entity = _entity(facts, "phone_block")
    if entity is None or entity.accounts_1h >= _BLOCK_HOUR or entity.accounts_24h >= _BLOCK_DAY:
        return entity
    return _alone(entity)


def _signed_up(thing: str, period: str) -> str:
    return f"{{value}} {{value:account|accounts}} signed up with {thing} within {period}, this one included"


@signal(reason=_signed_up("the same mailbox", "an hour"), risk=+1, needs=("store", "/email/address"))
def velocity_mailbox_1h(facts: Facts) -> int | None:
    """Distinct accounts with the same mailbox over the last hour, this one included. Unit: accounts, 1 and up."""
    entity = _entity(facts, "mailbox")
    return None if entity is None else entity.accounts_1h


@signal(reason=_signed_up("the same mailbox", "24 hours"), risk=+1, needs=("store", "/email/address"))
def velocity_mailbox_24h(facts: Facts) -> int | None:
    """Distinct accounts with the same mailbox over the last 24 hours, this one included. Unit: accounts, 1 and up."""
    entity = _entity(facts, "mailbox")
    return None if entity is None else entity.accounts_24h


@signal(reason=_signed_up("the same mailbox", "30 days"), risk=+1, needs=("store", "/email/address"))
def velocity_mailbox_30d(facts: Facts) -> int | None:
    """Distinct accounts with the same mailbox over the last 30 days, this one included. Unit: accounts, 1 and up."""
    entity = _entity(facts, "mailbox")
    return None if entity is None else entity.accounts_30d


@signal(reason=_signed_up("an address of the same pattern", "an hour"), risk=+1, needs=("store", "/email/address"))
def velocity_pattern_1h(facts: Facts) -> int | None:
    """Distinct accounts with the same address pattern over the last hour, this one included.

    Unit: accounts, 1 and up.
    """
    entity = _entity(facts, "pattern")
    return None if entity is None else entity.accounts_1h


@signal(reason=_signed_up("an address of the same pattern", "24 hours"), risk=+1, needs=("store", "/email/address"))
def velocity_pattern_24h(facts: Facts) -> int | None:
    """Distinct accounts with the same address pattern over the last 24 hours, this one included.

    Unit: accounts, 1 and up.
    """
    entity = _entity(facts, "pattern")
    return None if entity is None else entity.accounts_24h


@signal(reason=_signed_up("an address of the same pattern", "30 days"), risk=+1, needs=("store", "/email/address"))
def velocity_pattern_30d(facts: Facts) -> int | None:
    """Distinct accounts with the same address pattern over the last 30 days, this one included.

    Unit: accounts, 1 and up.
    """
    entity = _entity(facts, "pattern")
    return None if entity is None else entity.accounts_30d


@signal(reason=_signed_up("the same mail domain", "an hour"), risk=0, needs=("store", "/email/address"))
def velocity_domain_1h(facts: Facts) -> int | None:
    """Distinct accounts with the same mail domain over the last hour, this one included.

    Unit: accounts, 1 and up. At free mail providers this follows the provider's popularity, so the model may
    learn either direction.
    """
    entity = _entity(facts, "mail_domain")
    return None if entity is None else entity.accounts_1h


@signal(reason=_signed_up("the same mail domain", "24 hours"), risk=0, needs=("store", "/email/address"))
def velocity_domain_24h(facts: Facts) -> int | None:
    """Distinct accounts with the same mail domain over the last 24 hours, this one included.

    Unit: accounts, 1 and up. At free mail providers this follows the provider's popularity, so the model may
    learn either direction.
    """
    entity = _entity(facts, "mail_domain")
    return None if entity is None else entity.accounts_24h


@signal(reason=_signed_up("the same mail domain", "30 days"), risk=0, needs=("store", "/email/address"))
def velocity_domain_30d(facts: Facts) -> int | None:
    """Distinct accounts with the same mail domain over the last 30 days, this one included.

    Unit: accounts, 1 and up. At free mail providers this follows the provider's popularity, so the model may
    learn either direction.
    """
    entity = _entity(facts, "mail_domain")
    return None if entity is None else entity.accounts_30d


@signal(reason=_signed_up("the same phone number", "an hour"), risk=+1, needs=("store", "/phone/number"))
def velocity_phone_1h(facts: Facts) -> int | None:
    """Distinct accounts with the same phone number over the last hour, this one included.

    Unit: accounts, 1 and up.
    """
    entity = _entity(facts, "phone")
    return None if entity is None else entity.accounts_1h


@signal(reason=_signed_up("the same phone number", "24 hours"), risk=+1, needs=("store", "/phone/number"))
def velocity_phone_24h(facts: Facts) -> int | None:
    """Distinct accounts with the same phone number over the last 24 hours, this one included.

    Unit: accounts, 1 and up.
    """
    entity = _entity(facts, "phone")
    return None if entity is None else entity.accounts_24h


@signal(reason=_signed_up("the same phone number", "30 days"), risk=+1, needs=("store", "/phone/number"))
def velocity_phone_30d(facts: Facts) -> int | None:
    """Distinct accounts with the same phone number over the last 30 days, this one included.

    Unit: accounts, 1 and up.
    """
    entity = _entity(facts, "phone")
    return None if entity is None else entity.accounts_30d


@signal(reason=_signed_up("a phone number of the same hundred", "an hour"), risk=+1, needs=("store", "/phone/number"))
def velocity_phone_block_1h(facts: Facts) -> int | None:
    """Distinct accounts with the same block of phone numbers over the last hour, this one included.

    Unit: accounts, 1 and up; 1 until five came within an hour, or ten within a day.
    """
    entity = _block(facts)
    return None if entity is None else entity.accounts_1h


@signal(
    reason=_signed_up("a phone number of the same hundred", "24 hours"),
    risk=+1,
    needs=("store", "/phone/number"),
)
def velocity_phone_block_24h(facts: Facts) -> int | None:
    """Distinct accounts with the same block of phone numbers over the last 24 hours, this one included.

    Unit: accounts, 1 and up; 1 until five came within an hour, or ten within a day.
    """
    entity = _block(facts)
    return None if entity is None else entity.accounts_24h


@signal(reason=_signed_up("a phone number of the same hundred", "30 days"), risk=+1, needs=("store", "/phone/number"))
def velocity_phone_block_30d(facts: Facts) -> int | None:
    """Distinct accounts with the same block of phone numbers over the last 30 days, this one included.

    Unit: accounts, 1 and up; 1 until five came within an hour, or ten within a day.
    """
    entity = _block(facts)
    return None if entity is None else entity.accounts_30d


@signal(reason=_signed_up("the same device", "an hour"), risk=+1, needs=("store", "/device/id"))
def velocity_device_1h(facts: Facts) -> int | None:
    """Distinct accounts with the same device over the last hour, this one included. Unit: accounts, 1 and up."""
    entity = _entity(facts, "device")
    return None if entity is None else entity.accounts_1h


@signal(reason=_signed_up("the same device", "24 hours"), risk=+1, needs=("store", "/device/id"))
def velocity_device_24h(facts: Facts) -> int | None:
    """Distinct accounts with the same device over the last 24 hours, this one included. Unit: accounts, 1 and up."""
    entity = _entity(facts, "device")
    return None if entity is None else entity.accounts_24h


@signal(reason=_signed_up("the same device", "30 days"), risk=+1, needs=("store", "/device/id"))
def velocity_device_30d(facts: Facts) -> int | None:
    """Distinct accounts with the same device over the last 30 days, this one included. Unit: accounts, 1 and up."""
    entity = _entity(facts, "device")
    return None if entity is None else entity.accounts_30d


@signal(reason=_signed_up("the same IP address", "an hour"), risk=+1, needs=("store", "/device/ip_address"))
def velocity_ip_1h(facts: Facts) -> int | None:
    """Distinct accounts with the same IP address over the last hour, this one included.

    Unit: accounts, 1 and up. Offices share addresses: high counts are common and convict nobody alone. At carriers and
    universities, where everybody does, it is 1.
    """
    entity = _place(facts, "ip")
    return None if entity is None else entity.accounts_1h


@signal(reason=_signed_up("the same IP address", "24 hours"), risk=+1, needs=("store", "/device/ip_address"))
def velocity_ip_24h(facts: Facts) -> int | None:
    """Distinct accounts with the same IP address over the last 24 hours, this one included.

    Unit: accounts, 1 and up. Offices share addresses: high counts are common and convict nobody alone. At carriers and
    universities, where everybody does, it is 1.
    """
    entity = _place(facts, "ip")
    return None if entity is None else entity.accounts_24h


@signal(reason=_signed_up("the same IP address", "30 days"), risk=+1, needs=("store", "/device/ip_address"))
def velocity_ip_30d(facts: Facts) -> int | None:
    """Distinct accounts with the same IP address over the last 30 days, this one included.

    Unit: accounts, 1 and up. Offices share addresses: high counts are common and convict nobody alone. At carriers and
    universities, where everybody does, it is 1.
    """
    entity = _place(facts, "ip")
    return None if entity is None else entity.accounts_30d


@signal(reason=_signed_up("the same network", "an hour"), risk=+1, needs=("store", "/device/ip_address"))
def velocity_network_1h(facts: Facts) -> int | None:
    """Distinct accounts with the same network over the last hour, this one included.

    Unit: accounts, 1 and up. A /24 or /48 holds many households: high counts are common and convict nobody alone.
    """
    entity = _place(facts, "network")
    return None if entity is None else entity.accounts_1h


@signal(reason=_signed_up("the same network", "24 hours"), risk=+1, needs=("store", "/device/ip_address"))
def velocity_network_24h(facts: Facts) -> int | None:
    """Distinct accounts with the same network over the last 24 hours, this one included.

    Unit: accounts, 1 and up. A /24 or /48 holds many households: high counts are common and convict nobody alone.
    """
    entity = _place(facts, "network")
    return None if entity is None else entity.accounts_24h


@signal(reason=_signed_up("the same network", "30 days"), risk=+1, needs=("store", "/device/ip_address"))
def velocity_network_30d(facts: Facts) -> int | None:
    """Distinct accounts with the same network over the last 30 days, this one included.

    Unit: accounts, 1 and up. A /24 or /48 holds many households: high counts are common and convict nobody alone.
    """
    entity = _place(facts, "network")
    return None if entity is None else entity.accounts_30d


@signal(
    reason=_signed_up("the same browser fingerprint", "an hour"),
    risk=+1,
    needs=("store", "/device/tls_fingerprint"),
)
def velocity_fingerprint_1h(facts: Facts) -> int | None:
    """Distinct accounts with the same TLS and agent fingerprint over the last hour, this one included.

    Unit: accounts, 1 and up.
    """
    entity = _entity(facts, "fingerprint")
    return None if entity is None else entity.accounts_1h


@signal(
    reason=_signed_up("the same browser fingerprint", "24 hours"),
    risk=+1,
    needs=("store", "/device/tls_fingerprint"),
)
def velocity_fingerprint_24h(facts: Facts) -> int | None:
    """Distinct accounts with the same TLS and agent fingerprint over the last 24 hours, this one included.

    Unit: accounts, 1 and up.
    """
    entity = _entity(facts, "fingerprint")
    return None if entity is None else entity.accounts_24h


@signal(
    reason=_signed_up("the same browser fingerprint", "30 days"),
    risk=+1,
    needs=("store", "/device/tls_fingerprint"),
)
def velocity_fingerprint_30d(facts: Facts) -> int | None:
    """Distinct accounts with the same TLS and agent fingerprint over the last 30 days, this one included.

    Unit: accounts, 1 and up.
    """
    entity = _entity(facts, "fingerprint")
    return None if entity is None else entity.accounts_30d


@signal(
    reason="{value} {value:account|accounts} signed up from the same address or /64 within a minute, this one included",
    risk=+1,
    needs=("store", "/device/ip_address"),
)
def velocity_ip_1m(facts: Facts) -> int | None:
    """Distinct accounts from the same address, of IPv6 from the same /64, within the minute before the signup, this one
    included; unknown at addresses that crowds share by nature.

    Unit: accounts, 1 to 33 (no more are looked at). People of one place rarely are ten.
    """
    return None if facts.wave is None else facts.wave.line_minute


@signal(
    reason="{value} {value:account|accounts} signed up at the same private mail domain within a quarter of an hour",
    risk=+1,
    needs=("store", "/email/address"),
)
def velocity_domain_15m(facts: Facts) -> int | None:
    """Distinct accounts at the same private mail domain within the quarter of an hour before the signup, this one
    included; unknown at domains that everybody may use, and at those that have been here for long and well.

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
    entity = _entity(facts, kind)
    return None if entity is None else entity.earlier


@signal(
    reason="{value} {value:account|accounts} used the same mailbox before this one",
    risk=+1,
    needs=("store", "/email/address"),
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
)
def velocity_phone_earlier(facts: Facts) -> int | None:
    """Distinct accounts that gave the same phone number before this one did, within retention. Later ones do not
    count, so nobody can be made suspicious by those who type his number; nor do numbers of landlines and switchboards,
    which families and firms share.

    Unit: accounts, 0 and up; typically 0.
    """
    return _earlier(facts, "phone")


@signal(
    reason="{value} {value:account|accounts} used the same device before this one",
    risk=+1,
    needs=("store", "/device/id"),
)
def velocity_device_earlier(facts: Facts) -> int | None:
    """Distinct accounts that were seen on the same device before this one was, within retention. Later ones do
    not count.

    Unit: accounts, 0 and up; typically 0. In 15,000 real signups that were replayed, 91 % of those with two or more
    were fraud.
    """
    return _earlier(facts, "device")
