"""What DNS says of the domain the account sends from, once that is known: is mail from it really its owner's."""

from __future__ import annotations

from signals.facts import Facts
from signals.registry import signal

NEEDS = ("sender",)


@signal(reason="the sender domain {value:lets|does not let} us send in its SPF record", risk=-1)
def sender_has_spf(facts: Facts) -> bool | None:
    """Whether the SPF record of the sender domain names the operator's servers (RFC 7208)."""
    return facts.sender.spf if facts.sender else None


@signal(reason="the sender domain {value:has|does not have} our DKIM key", risk=-1)
def sender_has_dkim(facts: Facts) -> bool | None:
    """Whether the sender domain publishes a DKIM key under one of the operator's selectors (RFC 6376, 3.6)."""
    return facts.sender.dkim if facts.sender else None


@signal(reason="the DMARC policy of the sender domain is {value}", risk=None)
def sender_dmarc(facts: Facts) -> str | None:
    """``missing``, ``none``, ``quarantine``, ``reject`` or ``broken`` (RFC 9989). For people and rules."""
    return facts.sender.dmarc if facts.sender else None


@signal(reason="mail from the sender domain {value:passes|does not pass} DMARC", risk=-1)
def sender_is_aligned(facts: Facts) -> bool | None:
    """Whether mail sent through the operator is aligned with the sender domain (RFC 9989, 4.4).

    Gmail and Yahoo ask it of whoever sends to 5,000 of their users a day, since February 2024.
    """
    return facts.sender.aligned if facts.sender else None


@signal(reason="the customer {value:proved|did not prove} that the sender domain is its own", risk=-1)
def sender_identity_checked(facts: Facts) -> bool | None:
    """Whether the account's identity is checked: its sender domain is aligned, and is the one it authenticated or whose
    address it confirmed. A step of the policy can ask for it.
    """
    return facts.identity
