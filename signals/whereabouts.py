"""Where a person can be said to be, for signals that compare a phone, a language or a clock with a country."""

from __future__ import annotations

from signals.facts import Network

#: Kinds of network whose address is a machine's: the country is where the machine stands.
_MACHINES = frozenset({"hosting", "cdn"})


def country_of_person(network: Network | None) -> str | None:
    """Country of the person behind a network, ISO 3166 alpha-2, or ``None`` where it cannot be known.

    Behind a VPN, Tor, a privacy relay or a machine in a data centre the country is that of the exit, so a
    comparison with it would say nothing about the person, and would punish privacy.
    """
    if network is None or network.anonymizer is not None or network.kind in _MACHINES:
        return None
    return network.country
