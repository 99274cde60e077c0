"""Special-use names: DNS does not have them, so nobody is asked about them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from riskapi.settings import Settings

#: Endings that DNS never has: RFC 2606 and 6761 (example, invalid, localhost, test), RFC 6762 (local), RFC 7686
#: (onion), RFC 9476 (alt), RFC 8375 (home.arpa), and internal, which ICANN reserved for private use in 2024; and the
#: example domains of RFC 2606, section 3, which are there and belong to nobody.
SPECIAL: Final = frozenset({
    "alt", "example", "example.com", "example.net", "example.org", "home.arpa", "internal", "invalid", "local",
    "localhost", "onion", "test",
})  # fmt: skip


def is_worth_asking(domain: str, resolver_is_ours: bool) -> bool:
    """Whether DNS can know a domain (lower-case A-labels). An operator's own resolver may know any name."""
    if resolver_is_ours:
        return True
    labels = domain.split(".")
    return len(labels) > 1 and SPECIAL.isdisjoint((labels[-1], ".".join(labels[-2:])))


def worth_asking(settings: Settings) -> Callable[[str], bool] | None:
    """Whether DNS can know a domain; ``None`` where the operator wants nobody asked."""
    if not settings.enrichment:
        return None
    ours = settings.dns_resolver is not None
    return lambda domain: is_worth_asking(domain, ours)
