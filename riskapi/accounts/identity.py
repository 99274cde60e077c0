"""Identity: whether an account proved to own the domain it sends from. A fact that can earn a higher step.

It takes two things. The domain's DNS lets the operator send for it, and mail from it passes DMARC: only its owner can
arrange that. And this account may speak for the domain: the caller set it up for this account
(``domain_authenticated``), or the account confirmed an address there.
"""

from __future__ import annotations

from collections.abc import Mapping

from signals.facts import Facts


def sender_of(fields: Mapping[str, bytes]) -> str | None:
    """The domain an account sends from: the one it authenticated last, else the one its mail names."""
    found = fields.get("sender_domain") or fields.get("from_domain")
    return found.decode() if found else None


def is_checked(facts: Facts, fields: Mapping[str, bytes]) -> bool | None:
    """Whether the identity behind these facts is checked; ``None`` while that cannot be known."""
    if facts.sender is None or facts.sender.aligned is None:
        return None
    return facts.sender.aligned and ("sender_domain" in fields or _is_own(facts, sender_of(fields)))


def _is_own(facts: Facts, sender: str | None) -> bool:
    """Whether the account confirmed an address of its own at the domain it sends from, or at the one that is below."""
    email = facts.email
    if sender is None or not email.private or email.registrable is None:
        return False
    below = sender == email.registrable or sender.endswith(f".{email.registrable}")
    return below and facts.events is not None and "email_verified" in facts.events
