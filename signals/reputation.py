"""Learned abuse rates of where a signup comes from, shrunk so that a handful of signups changes little.

Each rate is ``(abusive + prior × base) / (accounts + prior)`` over other accounts of the last months; the prior is
policy (``reputation.prior_accounts``). There is no rate by country: where people live is no evidence.
"""

from __future__ import annotations

from signals.facts import Facts
from signals.registry import signal

NEEDS = ("store",)


@signal(
    reason="about {value:.1%} of other accounts from this network operator were labelled abusive",
    risk=+1,
    needs=("store", "/device/ip_address", "asn"),
    blameless="reputation_base",
)
def reputation_asn(facts: Facts) -> float | None:
    """Abuse rate of other accounts from the same autonomous system (network operator), shrunk. Unit: 0 to 1."""
    return None if facts.reputation is None else facts.reputation.asn


@signal(
    reason="about {value:.1%} of other accounts from this network were labelled abusive",
    risk=+1,
    needs=("store", "/device/ip_address"),
    blameless="reputation_base",
)
def reputation_network(facts: Facts) -> float | None:
    """Abuse rate of other accounts from the same /24 or /48, shrunk towards the base rate. Unit: 0 to 1."""
    return None if facts.reputation is None else facts.reputation.network


@signal(
    reason="about {value:.1%} of other accounts at this mail domain were labelled abusive",
    risk=+1,
    needs=("store", "/email/address"),
    blameless="reputation_base",
)
def reputation_domain(facts: Facts) -> float | None:
    """Abuse rate of other accounts at the same registrable mail domain, shrunk towards the base. Unit: 0 to 1."""
    return None if facts.reputation is None else facts.reputation.domain


@signal(
    reason="about {value:.1%} of other accounts at this mail domain's ending were labelled abusive",
    risk=+1,
    needs=("store", "/email/address"),
    blameless="reputation_base",
)
def reputation_tld(facts: Facts) -> float | None:
    """Abuse rate of other accounts whose mail domain has the same public suffix, shrunk. Unit: 0 to 1."""
    return None if facts.reputation is None else facts.reputation.tld


@signal(
    reason="about {value:.1%} of other accounts that link to this website were labelled abusive",
    risk=+1,
    needs=("store", "/account/website"),
    blameless="reputation_base",
)
def reputation_link_domain(facts: Facts) -> float | None:
    """Abuse rate of other accounts that link to the website given, in mail or as theirs, shrunk. Unit: 0 to 1.

    Unknown for sites that everybody links to, and for a domain at which the account proved its mailbox. Where an
    established customer uses the site, nobody counts as abusive there.
    """
    return None if facts.reputation is None else facts.reputation.link_domain


@signal(reason="about {value:.1%} of all recent accounts were labelled abusive", risk=None)
def reputation_base(facts: Facts) -> float | None:
    """Abuse rate over all accounts, towards which the other rates are shrunk. Unit: 0 to 1.

    For people only: it is the same for everybody who signs up at the same time.
    """
    return None if facts.reputation is None else facts.reputation.base
