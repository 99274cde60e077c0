"""Rates for people to look at: how much of the mail met complaints, bounces and blocks, by whose it was.

Counted in the same trip as :mod:`riskapi.feedback.platform.receivers`, by tier, network (AS), mail domain and cohort of
the account; each event once, in the hour it came.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from riskapi.accounts.origin import Origin
from riskapi.feedback.clean_sending import LETTERS
from riskapi.store.tallies import Happened
from riskapi.times import DAY
from signals.records import record

#: Types of events that are counted.
_COUNTED: Final = frozenset({"delivered", "hard_bounce", "complaint", "block"})
#: What mail is counted by: the group of tallies, and its name for people.
GROUPS: Final[Mapping[str, str]] = {
    "tier": "tier",
    "asn": "network (AS)",
    "domain": "mail domain of the account",
    "cohort": "age of the account",
}
#: Cohorts by age in days: an account is in the first that it is younger than.
_COHORTS: Final = ((1, "first day"), (7, "first week"), (30, "first month"))
_OLDER, _UNKNOWN, DAY = "older", "unknown", DAY


@record
class Rates:
    """What became of mail; a share is None where no deliveries were reported, which it would be a share of."""

    delivered: int
    bounced: int
    complaints: int
    blocked: int

    @property
    def reported(self) -> int:
        """All events."""
        return self.delivered + self.bounced + self.complaints + self.blocked

    @property
    def complaint_rate(self) -> float | None:
        """Complaints, of what was delivered."""
        return self.complaints / max(self.delivered, self.complaints) if self.delivered else None

    @property
    def bounce_rate(self) -> float | None:
        """Hard bounces, of all that came to an end."""
        return self._of_ends(self.bounced)

    @property
    def block_rate(self) -> float | None:
        """Blocks, of all that came to an end."""
        return self._of_ends(self.blocked)

    def _of_ends(self, count: int) -> float | None:
        return count / (self.delivered + self.bounced + self.blocked) if self.delivered else None


def rates(found: Mapping[str, int]) -> Rates:
    """The rates of what was counted, by the letters of :data:`LETTERS`."""
    return Rates(found.get("d", 0), found.get("h", 0), found.get("c", 0), found.get("b", 0))


def happened(events: Iterable[tuple[str, Origin | None]], now: float) -> Iterator[Happened]:
    """What to count of events: the type of each, and whose mail it was about."""
    met = Counter((LETTERS[type], _whose(origin, now)) for type, origin in events if type in _COUNTED)
    for (what, whose), count in met.items():
        yield Happened("mail", "all", what, count)
        for group, id, name in whose:
            yield Happened(group, id, what, count, name)


def _whose(origin: Origin | None, now: float) -> tuple[tuple[str, str, str], ...]:
    """Group, id and name of each that the mail of an account is counted for."""
    if origin is None:
        return ()
    # A small domain may be a person's: its name is kept once it was met often, see riskapi.store.tallies.
    domain = hashlib.sha256(origin.domain.encode()).hexdigest()[:12] if origin.domain else _UNKNOWN
    return (
        ("tier", origin.tier, ""),
        ("asn", f"AS{origin.asn}" if origin.asn else _UNKNOWN, ""),
        ("cohort", _cohort(now - origin.signed_up_at), ""),
        ("domain", domain, origin.domain),
    )


def _cohort(age: float) -> str:
    return next((name for days, name in _COHORTS if age < days * DAY), _OLDER)
