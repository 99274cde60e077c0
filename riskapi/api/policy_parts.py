"""What the routes of the policy, and the pages about it, call besides its versions: simulations, drafts, proposals,
attack mode, workers, caps hit.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from riskapi.accounts.log import Decisions
from riskapi.policy import DEFAULT
from riskapi.policy.attacks import Attacks
from riskapi.policy.deciding_processes import PolicyWorkers, deciding
from riskapi.policy.drafts import Drafts
from riskapi.policy.last_changes import PolicyHistory
from riskapi.policy.proposals import Proposals
from riskapi.policy.publisher import Publisher
from riskapi.policy.texts import PolicyTexts
from riskapi.policy.versions import Policies
from riskapi.sending.allowances import Allowances
from riskapi.sending.cap_hits import MOST, CapHits, cap_hits
from riskapi.simulations.recorded_signups import RecordedSignups
from riskapi.simulations.runs import Runs
from riskapi.store.connections import Store


@dataclass(frozen=True, slots=True)
class PolicyParts:
    """The parts themselves, and what is asked of the store alone."""

    store: Store
    policies: Policies
    proposals: Proposals
    attacks: Attacks
    runs: Runs
    drafts: Drafts
    texts: PolicyTexts
    history: PolicyHistory

    def workers(self) -> PolicyWorkers:
        """Which process decides by which version. Raises :class:`StoreUnavailable`."""
        live = self.policies.live()
        # Processes say in real time that they are there, also where callers set the clock.
        return deciding(self.store, live.version, live.at, time.time())

    def cap_hits(self, since: float, now: float, limit: int, most: int = MOST) -> CapHits:
        """See :func:`riskapi.sending.cap_hits.cap_hits`."""
        return cap_hits(self.store, since, now, limit, most)


def policy_parts(
    store: Store,
    policies: Policies,
    publisher: Publisher,
    recorded: Decisions,
    allowances: Allowances,
    file: Path | None,
) -> PolicyParts:
    """Put them together. ``file`` is the policy's, by default the shipped one."""
    return PolicyParts(
        store,
        policies,
        Proposals(store, policies, publisher),
        Attacks(store),
        Runs(store, policies, publisher, RecordedSignups(store, recorded, allowances)),
        Drafts(store),
        PolicyTexts(store, file or DEFAULT),
        PolicyHistory(policies),
    )
