"""How many distinct accounts used the same thing within an hour, a day and thirty days, this account included.

Counted in the store by :mod:`riskapi.links`; a retry of a signup counts nothing twice. A thing that was not
given is unknown. Bulk registration shows as bursts on whatever the operator did not rotate.
"""

from __future__ import annotations

from signals.facts import Entity, Facts
from signals.registry import signal


def _entity(facts: Facts, kind: str) -> Entity | None:
    return None if facts.entities is None else facts.entities.get(kind)


@signal(reason="{value} accounts with this mailbox within an hour", risk=+1, needs=("store", "/email/address"))
def velocity_mailbox_1h(facts: Facts) -> int | None:
    """Distinct accounts with the same mailbox over the last hour, this one included. Unit: accounts, 1 and up."""
    entity = _entity(facts, "mailbox")
    return None if entity is None else entity.accounts_1h


@signal(reason="{value} accounts with this mailbox within 24 hours", risk=+1, needs=("store", "/email/address"))
def velocity_mailbox_24h(facts: Facts) -> int | None:
    """Distinct accounts with the same mailbox over the last 24 hours, this one included. Unit: accounts, 1 and up."""
    entity = _entity(facts, "mailbox")
    return None if entity is None else entity.accounts_24h


@signal(reason="{value} accounts with this mailbox within 30 days", risk=+1, needs=("store", "/email/address"))
def velocity_mailbox_30d(facts: Facts) -> int | None:
    """Distinct accounts with the same mailbox over the last 30 days, this one included. Unit: accounts, 1 and up."""
    entity = _entity(facts, "mailbox")
    return None if entity is None else entity.accounts_30d


@signal(reason="{value} accounts with this address pattern within an hour", risk=+1, needs=("store", "/email/address"))
def velocity_pattern_1h(facts: Facts) -> int | None:
    """Distinct accounts with the same address pattern over the last hour, this one included.

    Unit: accounts, 1 and up.
    """
    entity = _entity(facts, "pattern")
    return None if entity is None else entity.accounts_1h


@signal(reason="{value} accounts with this address pattern within 24 hours", risk=+1, needs=("store", "/email/address"))
def velocity_pattern_24h(facts: Facts) -> int | None:
    """Distinct accounts with the same address pattern over the last 24 hours, this one included.

    Unit: accounts, 1 and up.
    """
    entity = _entity(facts, "pattern")
    return None if entity is None else entity.accounts_24h


@signal(reason="{value} accounts with this address pattern within 30 days", risk=+1, needs=("store", "/email/address"))
def velocity_pattern_30d(facts: Facts) -> int | None:
    """Distinct accounts with the same address pattern over the last 30 days, this one included.

    Unit: accounts, 1 and up.
    """
    entity = _entity(facts, "pattern")
    return None if entity is None else entity.accounts_30d


@signal(reason="{value} accounts with this mail domain within an hour", risk=0, needs=("store", "/email/address"))
def velocity_domain_1h(facts: Facts) -> int | None:
    """Distinct accounts with the same mail domain over the last hour, this one included.

    Unit: accounts, 1 and up. At free mail providers this follows the provider's popularity, so the model may
    learn either direction.
    """
    entity = _entity(facts, "mail_domain")
    return None if entity is None else entity.accounts_1h


@signal(reason="{value} accounts with this mail domain within 24 hours", risk=0, needs=("store", "/email/address"))
def velocity_domain_24h(facts: Facts) -> int | None:
    """Distinct accounts with the same mail domain over the last 24 hours, this one included.

    Unit: accounts, 1 and up. At free mail providers this follows the provider's popularity, so the model may
    learn either direction.
    """
    entity = _entity(facts, "mail_domain")
    return None if entity is None else entity.accounts_24h


@signal(reason="{value} accounts with this mail domain within 30 days", risk=0, needs=("store", "/email/address"))
def velocity_domain_30d(facts: Facts) -> int | None:
    """Distinct accounts with the same mail domain over the last 30 days, this one included.

    Unit: accounts, 1 and up. At free mail providers this follows the provider's popularity, so the model may
    learn either direction.
    """
    entity = _entity(facts, "mail_domain")
    return None if entity is None else entity.accounts_30d


@signal(reason="{value} accounts with this phone number within an hour", risk=+1, needs=("store", "/phone/number"))
def velocity_phone_1h(facts: Facts) -> int | None:
    """Distinct accounts with the same phone number over the last hour, this one included.

    Unit: accounts, 1 and up.
    """
    entity = _entity(facts, "phone")
    return None if entity is None else entity.accounts_1h


@signal(reason="{value} accounts with this phone number within 24 hours", risk=+1, needs=("store", "/phone/number"))
def velocity_phone_24h(facts: Facts) -> int | None:
    """Distinct accounts with the same phone number over the last 24 hours, this one included.

    Unit: accounts, 1 and up.
    """
    entity = _entity(facts, "phone")
    return None if entity is None else entity.accounts_24h


@signal(reason="{value} accounts with this phone number within 30 days", risk=+1, needs=("store", "/phone/number"))
def velocity_phone_30d(facts: Facts) -> int | None:
    """Distinct accounts with the same phone number over the last 30 days, this one included.

    Unit: accounts, 1 and up.
    """
    entity = _entity(facts, "phone")
    return None if entity is None else entity.accounts_30d


@signal(
    reason="{value} accounts with this block of phone numbers within an hour", risk=+1, needs=("store", "/phone/number")
)
def velocity_phone_block_1h(facts: Facts) -> int | None:
    """Distinct accounts with the same block of phone numbers over the last hour, this one included.

    Unit: accounts, 1 and up.
    """
    entity = _entity(facts, "phone_block")
    return None if entity is None else entity.accounts_1h


@signal(
    reason="{value} accounts with this block of phone numbers within 24 hours",
    risk=+1,
    needs=("store", "/phone/number"),
)
def velocity_phone_block_24h(facts: Facts) -> int | None:
    """Distinct accounts with the same block of phone numbers over the last 24 hours, this one included.

    Unit: accounts, 1 and up.
    """
    entity = _entity(facts, "phone_block")
    return None if entity is None else entity.accounts_24h


@signal(
    reason="{value} accounts with this block of phone numbers within 30 days", risk=+1, needs=("store", "/phone/number")
)
def velocity_phone_block_30d(facts: Facts) -> int | None:
    """Distinct accounts with the same block of phone numbers over the last 30 days, this one included.

    Unit: accounts, 1 and up.
    """
    entity = _entity(facts, "phone_block")
    return None if entity is None else entity.accounts_30d


@signal(reason="{value} accounts with this device within an hour", risk=+1, needs=("store", "/device/id"))
def velocity_device_1h(facts: Facts) -> int | None:
    """Distinct accounts with the same device over the last hour, this one included. Unit: accounts, 1 and up."""
    entity = _entity(facts, "device")
    return None if entity is None else entity.accounts_1h


@signal(reason="{value} accounts with this device within 24 hours", risk=+1, needs=("store", "/device/id"))
def velocity_device_24h(facts: Facts) -> int | None:
    """Distinct accounts with the same device over the last 24 hours, this one included. Unit: accounts, 1 and up."""
    entity = _entity(facts, "device")
    return None if entity is None else entity.accounts_24h


@signal(reason="{value} accounts with this device within 30 days", risk=+1, needs=("store", "/device/id"))
def velocity_device_30d(facts: Facts) -> int | None:
    """Distinct accounts with the same device over the last 30 days, this one included. Unit: accounts, 1 and up."""
    entity = _entity(facts, "device")
    return None if entity is None else entity.accounts_30d


@signal(reason="{value} accounts with this IP address within an hour", risk=+1, needs=("store", "/device/ip_address"))
def velocity_ip_1h(facts: Facts) -> int | None:
    """Distinct accounts with the same IP address over the last hour, this one included.

    Unit: accounts, 1 and up. Offices, campuses and carriers share addresses: high counts are common and
    convict nobody alone.
    """
    entity = _entity(facts, "ip")
    return None if entity is None else entity.accounts_1h


@signal(reason="{value} accounts with this IP address within 24 hours", risk=+1, needs=("store", "/device/ip_address"))
def velocity_ip_24h(facts: Facts) -> int | None:
    """Distinct accounts with the same IP address over the last 24 hours, this one included.

    Unit: accounts, 1 and up. Offices, campuses and carriers share addresses: high counts are common and
    convict nobody alone.
    """
    entity = _entity(facts, "ip")
    return None if entity is None else entity.accounts_24h


@signal(reason="{value} accounts with this IP address within 30 days", risk=+1, needs=("store", "/device/ip_address"))
def velocity_ip_30d(facts: Facts) -> int | None:
    """Distinct accounts with the same IP address over the last 30 days, this one included.

    Unit: accounts, 1 and up. Offices, campuses and carriers share addresses: high counts are common and
    convict nobody alone.
    """
    entity = _entity(facts, "ip")
    return None if entity is None else entity.accounts_30d


@signal(reason="{value} accounts with this network within an hour", risk=+1, needs=("store", "/device/ip_address"))
def velocity_network_1h(facts: Facts) -> int | None:
    """Distinct accounts with the same network over the last hour, this one included.

    Unit: accounts, 1 and up. A /24 or /48 holds many households: high counts are common and convict nobody alone.
    """
    entity = _entity(facts, "network")
    return None if entity is None else entity.accounts_1h


@signal(reason="{value} accounts with this network within 24 hours", risk=+1, needs=("store", "/device/ip_address"))
def velocity_network_24h(facts: Facts) -> int | None:
    """Distinct accounts with the same network over the last 24 hours, this one included.

    Unit: accounts, 1 and up. A /24 or /48 holds many households: high counts are common and convict nobody alone.
    """
    entity = _entity(facts, "network")
    return None if entity is None else entity.accounts_24h


@signal(reason="{value} accounts with this network within 30 days", risk=+1, needs=("store", "/device/ip_address"))
def velocity_network_30d(facts: Facts) -> int | None:
    """Distinct accounts with the same network over the last 30 days, this one included.

    Unit: accounts, 1 and up. A /24 or /48 holds many households: high counts are common and convict nobody alone.
    """
    entity = _entity(facts, "network")
    return None if entity is None else entity.accounts_30d


@signal(
    reason="{value} accounts with this TLS and agent fingerprint within an hour",
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
    reason="{value} accounts with this TLS and agent fingerprint within 24 hours",
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
    reason="{value} accounts with this TLS and agent fingerprint within 30 days",
    risk=+1,
    needs=("store", "/device/tls_fingerprint"),
)
def velocity_fingerprint_30d(facts: Facts) -> int | None:
    """Distinct accounts with the same TLS and agent fingerprint over the last 30 days, this one included.

    Unit: accounts, 1 and up.
    """
    entity = _entity(facts, "fingerprint")
    return None if entity is None else entity.accounts_30d
