"""One account of a trial: how it signs up, what its mail says, and what it was granted."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from training.simulator.signups import Draft


@dataclass(slots=True)
class Account:
    """An account. ``links`` are the domains its mail links to, ``template`` the content it shares with others, if any.

    ``grants`` are recipients by the Unix time they were granted at.
    """

    user_id: str
    draft: Draft
    links: tuple[str, ...]
    template: str | None = None
    referrer: str | None = None
    grants: list[tuple[float, int]] = field(default_factory=list)

    @property
    def at(self) -> float:
        """Unix time of its signup."""
        return self.draft.at

    @property
    def signup(self) -> dict[str, Any]:
        """The body of its ``POST /v1/signups``."""
        return self.draft.body(self.user_id, self.referrer)

    def message(self, at: float) -> dict[str, Any]:
        """What is known of a message it sends then; each has content of its own unless it is on a template."""
        return {
            "from_domain": self.draft.address.rpartition("@")[2],
            "link_domains": list(self.links),
            "fingerprint": self.template or sha256(f"{self.user_id}:{at}".encode()).hexdigest(),
        }

    def got(self, start: float, end: float) -> int:
        """Recipients granted from ``start`` on and before ``end``."""
        return sum(recipients for at, recipients in self.grants if start <= at < end)
